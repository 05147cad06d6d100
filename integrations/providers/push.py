"""
The port to push notifications: watches, channels, subscriptions.

A notification is a hint that something changed. It never says what.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """
    A channel of ours that the provider calls.

    `channel_id` is unique, at most 64 letters, digits, `-` and `_`. `token` comes back with every
    call. `address` is our https URL. `ends_at` is the latest end.
    """

    channel_id: str
    token: str = field(repr=False)
    address: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class RemoteChannel:
    """An open channel at the provider: its end, and the id that stops it."""

    ends_at: datetime
    resource_id: str


@dataclass(frozen=True, slots=True)
class SubscriptionNotification:
    """
    A notification of a subscription: the provider's id, our id, and our token.

    `is_lifecycle_event`: the subscription or its access ends or has ended; otherwise data
    changed.
    """

    resource_id: str
    channel_id: str
    token: str = field(repr=False)
    is_lifecycle_event: bool = False


@dataclass(frozen=True, slots=True)
class MailboxNotification:
    """A verified notification of a mailbox: the address, nothing else."""

    address: str


class MailWatch(Protocol):
    """Notifications for one mailbox, through our topic. Raises the errors of `MailAdapter`."""

    def get_address(self) -> str:
        """Return the mailbox's current address, as the provider's notifications name it."""

    def start_watch(self, topic: str) -> datetime:
        """
        Start publishing the mailbox's notifications to `topic`; return the end of the watch.

        A repetition before the end renews the watch without a gap.

        :raises InvalidClient: if the provider may not publish to the topic
        """

    def stop_watch(self) -> None:
        """
        Stop the watch; an ended watch is no error. Stops all watches of the account in the
        project.
        """


class CalendarWatch(Protocol):
    """
    Notifications for one account's calendars, through channels. Raises the errors of
    `CalendarAdapter`.

    A channel cannot be renewed: open another, then stop the old one.
    """

    def watch_calendar_list(self, channel: WebhookChannel) -> RemoteChannel:
        """
        Open a channel for the account's list of calendars. Its first call may precede the
        response.

        :raises OutcomeUnknown: if no response came; the channel may be open
        :raises AlreadyThere: if the id was used before
        :raises WebhookRejected: if the provider does not accept the address
        """

    def watch_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        """Open a channel for the events of one calendar. See `watch_calendar_list`."""

    def stop_channel(self, channel_id: str, resource_id: str) -> bool:
        """
        Stop a channel; return False if the provider no longer has it.

        Only the account that opened a channel may stop it.
        """


class PushSubscriptions(Protocol):
    """
    Notifications for one account by renewable subscriptions, one per mailbox or calendar.

    Raises the errors of the adapters. A new subscription replaces an existing one for the same
    resource.
    """

    def subscribe_to_mailbox(self, channel: WebhookChannel) -> RemoteChannel:
        """
        Subscribe to all changes in the mailbox. See `subscribe_to_calendar`.

        The provider validates the address before it responds.
        """

    def subscribe_to_calendar(self, calendar_id: str, channel: WebhookChannel) -> RemoteChannel:
        """
        Subscribe to all changes in a calendar.

        :raises OutcomeUnknown: if no response came; the subscription may exist
        :raises WebhookRejected: if the provider could not validate the address
        """

    def renew_subscription(self, resource_id: str, *, ends_at: datetime) -> datetime:
        """
        Extend a subscription to `ends_at`, with the account's current token; return the new end.

        :raises Gone: if the subscription has ended: open another, and poll for missed changes
        """

    def stop_subscription(self, resource_id: str) -> bool:
        """End a subscription; return False if the provider no longer has it."""
