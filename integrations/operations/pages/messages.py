"""Texts of the operations page that are not in templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import ConnectionStatus, PurgeStep
from integrations.purge.overdue_sweep import PurgePromise

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

YES: Final = _("yes")
NO: Final = _("no")

# --- Settling an alarm ------------------------------------------------------------------------

REASON: Final = _("Reason")
REASON_REQUIRED: Final = _("Enter a reason.")
REASON_TOO_LONG: Final = _("Use at most %(limit_value)d characters. You entered %(show_value)d.")
SETTLED: Final = _("The alarm is settled: %(title)s.")
SETTLED_BEFORE: Final = _("Nothing changed: this alarm was already settled.")

# --- Processes --------------------------------------------------------------------------------

#: What a process with the duty does: a queue, or beat.
DUTIES: Final[Mapping[str, StrOrPromise]] = {
    "beat": _("Starts the periodic tasks"),
    "purge": _("Removes data, rotates keys, measures"),
    "sync": _("Fetches mail and calendars, sends messages"),
}

# --- Figures ----------------------------------------------------------------------------------

MEASURED: Final = _("Figure")

REMOVALS: Final = _("Removals")
STEP: Final = _("Step")
IN_PROGRESS: Final = _("In progress")
OLDEST: Final = _("Age of the oldest")
STEPS: Final[Mapping[str, StrOrPromise]] = {
    PurgeStep.FENCED: _("Started"),
    PurgeStep.PROVIDER_TRIED: _("Provider called"),
    PurgeStep.EMPTIED: _("Rows deleted"),
    PurgeStep.VERIFIED: _("Deletion verified"),
    PurgeStep.REVOCATION_SETTLED: _("Revocation settled"),
    PurgeStep.CREDENTIAL_DESTROYED: _("Credential destroyed"),
    PurgeStep.AWAITING_CHECKPOINT: _("Waits for a signed checkpoint"),
}

PROMISE: Final = _("Promise")
PROMISES: Final = _("Overdue promises")
LATE: Final = _("Overdue")
LATE_BY: Final = _("The oldest is overdue by")
PROMISE_LABELS: Final[Mapping[str, StrOrPromise]] = {
    PurgePromise.ROWS_GONE: _("Rows deleted and verified"),
    PurgePromise.KEY_EPOCH_DESTROYED: _("Key-encryption key destroyed"),
    PurgePromise.RECEIPT_WRITTEN: _("Receipt signed"),
}

CONNECTIONS: Final = _("Connections")
ACCOUNTS: Final = _("Accounts")
COUNT: Final = _("Number")
NO_CONNECTIONS: Final = _("No account is connected.")
STATUSES: Final[Mapping[str, StrOrPromise]] = {
    ConnectionStatus.ACTIVE: _("active"),
    ConnectionStatus.REAUTH_REQUIRED: _("must be reconnected"),
    ConnectionStatus.ENDING: _("waits for revocation"),
    ConnectionStatus.ENDED: _("ended"),
}

SYNC: Final = _("Sync and notifications")
SYNC_DUE: Final = _("Sync work that is due")
SYNC_BEHIND: Final = _("Sync work that has been due for more than five minutes")
SYNC_FAILING: Final = _("Sync work whose last try failed")
WATCHES_SILENT: Final = _("Watches that send no notifications")

LEDGER: Final = _("Ledger and keys")
LEDGER_WAITING: Final = _("Ledger entries that wait for a place")
TOMBSTONES_OWED: Final = _("Tombstones that are not published")
KEYRING_AVAILABLE: Final = _("The key store answers")
