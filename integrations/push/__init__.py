"""
Watches: providers send push notifications, so that the sync rarely has to poll.

A notification says that something changed; it may be lost, late, repeated or forged without harm,
and the sync polls with or without a working watch. See README.md.
"""

from .desired_watches import (
    get_due_watch_ids,
    has_watch,
    is_push_enabled,
    make_watches_due,
    needs_watch,
    request_watch,
    withdraw_watches,
)
from .silence_alarm import alarm_silent_providers
from .unsubscribe import (
    CountWatchEnd,
    StoppedWatches,
    WatchStopOutcome,
    leave_watches_to_lapse,
    stop_watches,
)
from .watch_health import WatchHealth
from .watch_notifications import (
    CallerNotProven,
    ChangedResource,
    receive_channel_notification,
    receive_mailbox_notification,
    receive_subscription_notification,
)
from .watch_renewal import reconcile_watch
from .webhook_alarm import settle_alarms as settle_webhook_alarm

__all__ = [
    "CallerNotProven",
    "ChangedResource",
    "CountWatchEnd",
    "StoppedWatches",
    "WatchHealth",
    "WatchStopOutcome",
    "alarm_silent_providers",
    "get_due_watch_ids",
    "has_watch",
    "is_push_enabled",
    "leave_watches_to_lapse",
    "make_watches_due",
    "needs_watch",
    "receive_channel_notification",
    "receive_mailbox_notification",
    "receive_subscription_notification",
    "reconcile_watch",
    "request_watch",
    "settle_webhook_alarm",
    "stop_watches",
    "withdraw_watches",
]
