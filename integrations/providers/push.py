"""A notification only hints that data changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """
    A channel that the provider calls.

    `channel_id` is unique, at most 64 letters, digits, `-` and `_`. `token` comes back with every
    call. `address` is our https URL. `ends_at` is the latest end.
    """

    channel_id: str
    token: str = field(repr=False)
    address: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class RemoteChannel:
    """`resource_id` stops the channel."""

    ends_at: datetime
    resource_id: str


@dataclass(frozen=True, slots=True)
class SubscriptionNotification:
    """
    The provider's id, our id, and our token.

    `is_lifecycle_event`: the subscription or its access ends; otherwise data changed.
    """

    resource_id: str
    channel_id: str
    token: str = field(repr=False)
    is_lifecycle_event: bool = False


@dataclass(frozen=True, slots=True)
class MailboxNotification:
    address: str


class MailWatch(Protocol):
    """Notifications for one mailbox, through our topic. Raises the errors of `MailAdapter`."""

    def get_address(self) -> str:
        """Return the address as in the provider's notifications."""

    def start_watch(self, topic: str) -> datetime:
        """
        Return the end of the watch. A repetition renews the watch without a gap.

        :raises InvalidClient: if the provider may not publish to the topic
        """

    def stop_watch(self) -> None:
        """Stop all watches of the account in the project; an ended watch is no error."""


class CalendarWatch(Protocol):
    """
    Channels for one account's calendars. Raises the errors of `CalendarAdapter`.

    A channel cannot be renewed: open another, then stop the old one.
    """

    def watch_calendar_list(self, channel: WebhookChannel) -> RemoteChannel:
        """
        The first call may precede the response.

        :raises OutcomeUnknown: if no response came; the channel may be open
        :raises AlreadyThere: if the id was used before
        :raises WebhookRejected: if the provider does not accept the address
        """

    def watch_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        """See `watch_calendar_list`."""

    def stop_channel(self, channel_id: str, resource_id: str) -> bool:
        """
        False if the provider no longer has the channel.

        Only the account that opened a channel may stop it.
        """


class PushSubscriptions(Protocol):
    """
    Renewable subscriptions, one per mailbox or calendar. Raises the errors of the adapters.

    A new subscription replaces an existing one for the same resource.
    """

    def subscribe_to_mailbox(self, channel: WebhookChannel) -> RemoteChannel:
        """The provider validates the address before it responds. See `subscribe_to_calendar`."""

    def subscribe_to_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        """
        :raises OutcomeUnknown: if no response came; the subscription may exist
        :raises WebhookRejected: if the provider could not validate the address
        """

    def renew_subscription(self, resource_id: str, *, ends_at: datetime) -> datetime:
        """
        Use the account's current token; return the new end.

        :raises Gone: if the subscription has ended: open another, and poll for missed changes
        """

    def stop_subscription(self, resource_id: str) -> bool:
        """False if the provider no longer has the subscription."""
