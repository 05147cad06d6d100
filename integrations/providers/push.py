"""
How a provider is asked to tell of news, and the shapes that pass.

What it tells later is a hint: that something changed, never what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """
    A channel of ours that the provider is to call.

    `channel_id` is new for each, 64 letters, digits, `-` and `_` at most; `token` comes back with
    every call; `address` is where the calls go, https; `ends_at` is when it may lapse.
    """

    channel_id: str
    token: str = field(repr=False)
    address: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class RemoteChannel:
    """A channel as the provider opened it: until when, and what it is stopped by."""

    ends_at: datetime
    resource_id: str


@dataclass(frozen=True, slots=True)
class SubscriptionNotification:
    """
    What a subscription's call says: which it is, by the provider's id and by ours with its token.

    `is_about_itself`: it, or its access, is about to end, or has; otherwise there is news.
    """

    resource_id: str
    channel_id: str
    token: str = field(repr=False)
    is_lifecycle_event: bool = False


@dataclass(frozen=True, slots=True)
class MailboxNotification:
    """What a proven notification says of a mailbox: whose it is, and nothing else."""

    address: str


class MailWatch(Protocol):
    """One mailbox's news, through a topic of ours. Raises what `MailAdapter` may."""

    def get_address(self) -> str:
        """Return the address of the mailbox, as the provider's notifications name it now."""

    def start_watch(self, topic: str) -> datetime:
        """
        Have news of the mailbox published to `topic`, from now on; return until when.

        Again before then renews it; nothing is lost between.

        :raises InvalidClient: if the provider may not publish there
        """

    def stop_watch(self) -> None:
        """End it; what has ended is no error. Others of the same account and project end, too."""


class CalendarWatch(Protocol):
    """
    News of one account's calendars, through channels. Raises what `CalendarAdapter` may.

    A channel cannot be renewed: open another, and stop this one after that.
    """

    def watch_calendar_list(self, channel: WebhookChannel) -> RemoteChannel:
        """
        Open a channel for the account's list of calendars. Its first call may precede the answer.

        :raises OutcomeUnknown: if it may be open, and no answer came
        :raises AlreadyThere: if the id was used before
        :raises WebhookRejected: if the provider does not accept the address
        """

    def watch_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        """Open a channel for the events of one calendar. See `open_list`."""

    def stop_channel(self, channel_id: str, resource_id: str) -> bool:
        """
        End a channel; return False if the provider no longer had it.

        Only the account that opened it may.
        """


class PushSubscriptions(Protocol):
    """
    News of an account by subscriptions, each of one thing, that are renewed where they stand.

    Raises what the adapters may. Only one of each thing stands: another takes its place.
    """

    def subscribe_to_mailbox(self, channel: WebhookChannel) -> RemoteChannel:
        """
        Be called of any change in the mailbox. See `open_calendar`.

        The provider tries the address before it answers.
        """

    def subscribe_to_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        """
        Be called of any change in a calendar.

        :raises OutcomeUnknown: if it may be open, and no answer came
        :raises WebhookRejected: if the provider could not validate the address
        """

    def renew_subscription(self, resource_id: str, *, ends_at: datetime) -> datetime:
        """
        Be called until then as well, by what the account's token is now; return until when.

        :raises Gone: if it has ended: open another, and ask what was not told meanwhile
        """

    def stop_subscription(self, resource_id: str) -> bool:
        """End a subscription; return False if the provider no longer had it."""
