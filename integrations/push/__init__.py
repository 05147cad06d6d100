"""
Watches: a provider sends push notifications, so that the sync rarely has to poll.

A notification says that something changed. It may be lost, late, repeated or forged without harm,
and the sync polls whatever becomes of a watch. `wanting` decides which watches there are;
`keeping`, `mailboxes`, `channels` and `subscribing` call the provider; `hearing` receives
notifications, `standing` says how far to trust a watch, and `stopping` ends them at a disconnect.
"""

from .desired_state import due, give_up, is_asked, is_on, is_open_to, want
from .renewal import keep
from .silence_alarm import tell_operator
from .unsubscribe import Count, Ended, Outcome, leave_to_lapse, stop
from .watch_health import Standing
from .watch_notifications import (
    ChangedResource,
    NotProven,
    receive_channel_notification,
    receive_mailbox_notification,
    receive_subscription_notification,
)
from .webhook_alarm import settle as settle_webhook_alarm

__all__ = [
    "ChangedResource",
    "Count",
    "Ended",
    "NotProven",
    "Outcome",
    "Standing",
    "due",
    "give_up",
    "is_asked",
    "is_on",
    "is_open_to",
    "keep",
    "leave_to_lapse",
    "receive_channel_notification",
    "receive_mailbox_notification",
    "receive_subscription_notification",
    "settle_webhook_alarm",
    "stop",
    "tell_operator",
    "want",
]
