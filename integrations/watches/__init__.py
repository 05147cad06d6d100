"""
Watches: a provider tells us of news, and we ask rarely.

What it tells is a hint that something changed. Lost, late, twice or forged, it does no harm; and
whatever becomes of a watch, the sync asks by itself. `wanting` says which there are to be;
`keeping`, `mailboxes`, `channels` and `subscribing` talk to the provider; `hearing` notes what it
tells, `standing` says how far to trust it, and `stopping` ends them at a disconnect.
"""

from .hearing import Heard
from .hearing import of_channel as heard_of_channel
from .hearing import of_itself as heard_of_itself
from .hearing import of_mailbox as heard_of_mailbox
from .keeping import keep
from .silence import tell_operator
from .standing import Standing
from .stopping import Count, Ended, Outcome, leave_to_lapse, stop
from .wanting import due, give_up, is_asked, is_on, is_open_to, want
from .webhook_alarm import settle as settle_webhook_alarm

__all__ = [
    "Count",
    "Ended",
    "Heard",
    "Outcome",
    "Standing",
    "due",
    "give_up",
    "heard_of_channel",
    "heard_of_itself",
    "heard_of_mailbox",
    "is_asked",
    "is_on",
    "is_open_to",
    "keep",
    "leave_to_lapse",
    "settle_webhook_alarm",
    "stop",
    "tell_operator",
    "want",
]
