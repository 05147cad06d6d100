"""Texts of the pages of a removal; its sentences are in `integrations.notifications.messages`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.push import WatchStopOutcome
from limited_use.models.ledger_keys import LedgerKey
from limited_use.policy.claims import claim

# A lazy translation behaves as a text.
Text = str | Promise

REMOVED: Final = _("Removed.")
MAIL_COUNTS: Final = _("%(messages)s in %(threads)s")
CALENDAR_COUNTS: Final = _("%(calendars)s with %(events)s")
DRIVE_COUNTS: Final = _("the names and states of %(uploads)s")

_Outcome = LedgerKey.Outcome

#: Claims about the provider's notifications, by the outcome that ended them.
NOTIFICATION_CLAIMS: Final[Mapping[WatchStopOutcome, str]] = MappingProxyType(
    {
        WatchStopOutcome.STOPPED: "removal.notices-stopped",
        WatchStopOutcome.GONE: "removal.notices-stopped",
        WatchStopOutcome.LAPSED: "removal.notices-lapsed",
        WatchStopOutcome.UNANSWERED: "removal.notices-unanswered",
        WatchStopOutcome.NO_ACCESS: "removal.notices-no-access",
        WatchStopOutcome.NEEDED_ELSEWHERE: "removal.notices-kept",
    }
)

#: The kind of account that each of a provider's pages is for, where it has several.
PAGE_ACCOUNTS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "https://myapps.microsoft.com": _("work or school account"),
        "https://account.live.com/consent/Manage": _("personal account"),
    }
)

#: Why the file with the owner's ledger key is not offered, by outcome; empty: not yet.
LEDGER_FILE_ABSENT: Final[Mapping[str, Text]] = MappingProxyType(
    {
        _Outcome.TAKEN: claim(
            "ledger-part.taken",
            _("You have downloaded the file. Antares destroyed the key then, so there is no copy."),
        ),
        _Outcome.EXPIRED: claim(
            "ledger-part.expired",
            _("The thirty days are over. Antares destroyed the key, and nobody downloaded it."),
        ),
        _Outcome.DISCARDED: claim(
            "ledger-part.discarded",
            _(
                "Antares destroyed the key, because nothing had been connected, so no receipt"
                " needs it."
            ),
        ),
        _Outcome.RESTORED: claim(
            "ledger-part.restored",
            _("Antares destroyed the key before the database was restored from a backup."),
        ),
        _Outcome.LOST: claim(
            "ledger-part.lost",
            _("The key could no longer be opened after the database was restored from a backup."),
        ),
        "": _("The file is offered after the last removal of the account."),
    }
)
LEDGER_FILE_OVER: Final = claim(
    "ledger-part.over",
    _("The thirty days are over. The key can no longer be downloaded, and is being destroyed."),
)
NO_LEDGER_KEY: Final = _("This account had no key of its own in the ledger.")
