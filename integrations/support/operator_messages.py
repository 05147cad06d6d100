"""Causes and next steps, in words for support agents. Tables only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import (
    ApprovalState,
    ConnectionStatus,
    IntegrationStatus,
    PurgeStep,
    PurgeTrigger,
    RevocationOutcome,
    StatusReason,
    WatchStatus,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Texts = Mapping[str, StrOrPromise]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    cause: StrOrPromise
    next_step: StrOrPromise


_NOTHING_TO_DO: Final = _("Nothing to do.")

#: By the reason of a status, or of the wait after a failed check.
REASON: Final[Mapping[str, Diagnosis]] = {
    StatusReason.RATE_LIMITED: Diagnosis(
        _("The provider asked Antares to slow down, for this account or for all."),
        _("Wait: checks continue when the provider allows. Tell operations if many accounts wait."),
    ),
    StatusReason.PROVIDER_UNAVAILABLE: Diagnosis(
        _("The provider does not answer, or refuses calls without saying that the access ended."),
        _("Wait, and compare the provider's status page. Tell operations after an hour."),
    ),
    StatusReason.RESYNCING: Diagnosis(
        _("The provider no longer knows where Antares left off, so everything is listed again."),
        _("Wait: the counts below show the progress."),
    ),
    StatusReason.QUARANTINED_ITEMS: Diagnosis(
        _("Some messages or events could not be read. All others arrive."),
        _("See the reasons below. The person can read these messages at the provider."),
    ),
    StatusReason.SCOPE_MISSING: Diagnosis(
        _("A permission that the product needs is missing, or an administrator blocks Antares."),
        _("Ask the person to grant the permission again, or their administrator to allow it."),
    ),
    StatusReason.MAILBOX_NOT_PROVISIONED: Diagnosis(
        _("The provider says that the account has no mailbox or calendars."),
        _("The person's administrator has to assign a licence. Antares checks once a day."),
    ),
    StatusReason.APP_MISCONFIGURED: Diagnosis(
        _("The provider rejects the id or the secret of Antares itself."),
        _("Tell operations at once. The person cannot solve it."),
    ),
    StatusReason.NO_WORKER: Diagnosis(
        _("A check was due, and no worker took it for two minutes."),
        _("Tell operations: sync workers are missing or too busy."),
    ),
    StatusReason.BUSY: Diagnosis(
        _("No parser process was free."),
        _("Tell operations if it lasts: the alarm is parsers.busy."),
    ),
    StatusReason.COUNT_MISMATCH: Diagnosis(
        _("The last comparison with the provider found differences that it could not repair."),
        _("Wait for the next comparison, within a day. Tell operations if it does not help."),
    ),
    StatusReason.PUSH_SILENT: Diagnosis(
        _("A check found a change of which the provider had not notified Antares."),
        _("Regular checks find all changes. Renew push notifications if it lasts."),
    ),
    StatusReason.GRANT_REVOKED: Diagnosis(
        _("The access was withdrawn at the provider, by the person or an administrator."),
        _("Ask the person to reconnect in their settings."),
    ),
    StatusReason.CONFIRMATION_NEEDED: Diagnosis(
        _("The provider asks the person to confirm who they are, for example with a code."),
        _("Ask the person to reconnect in their settings, and to confirm there."),
    ),
    StatusReason.UNEXPECTED: Diagnosis(
        _("The provider answered in a way that Antares does not know, or a check crashed."),
        _("Tell operations, with the connection id: an alarm names the product."),
    ),
}

#: By status, if there is no reason.
STATUS: Final[Mapping[str, Diagnosis]] = {
    IntegrationStatus.SYNCING: Diagnosis(
        _("The first import is running."), _("Wait: the counts below show the progress.")
    ),
    IntegrationStatus.ACTIVE: Diagnosis(_("No problem is known."), _NOTHING_TO_DO),
    IntegrationStatus.DEGRADED: Diagnosis(
        _("Checks are delayed, and no reason is recorded."), _("Tell operations.")
    ),
    IntegrationStatus.REAUTH_REQUIRED: Diagnosis(
        _("The access ended at the provider, for example after a new password."),
        _("Ask the person to reconnect in their settings."),
    ),
    IntegrationStatus.PURGING: Diagnosis(
        _("The product was disconnected. Its data is being removed."), _NOTHING_TO_DO
    ),
    IntegrationStatus.PURGED: Diagnosis(
        _("The product was disconnected, and its data is removed."), _NOTHING_TO_DO
    ),
}

#: The person has to agree before anything is fetched.
NEEDS_AGREEMENT: Final = Diagnosis(
    _("The description of the feature changed, and the person has not agreed to it yet."),
    _("Ask the person to agree in their settings."),
)

CONNECTION_STATUS: Final[Texts] = {
    ConnectionStatus.ACTIVE: _("Access granted"),
    ConnectionStatus.REAUTH_REQUIRED: _("Access ended at the provider"),
    ConnectionStatus.ENDING: _("Disconnected, access being revoked"),
    ConnectionStatus.ENDED: _("Ended"),
}
WATCH_STATUS: Final[Texts] = {
    WatchStatus.WANTED: _("Being started"),
    WatchStatus.LIVE: _("Notifications arrive until it expires"),
    WatchStatus.LEAVING: _("Being stopped"),
}
PURGE_STEP: Final[Texts] = {
    PurgeStep.FENCED: _("Keys destroyed"),
    PurgeStep.PROVIDER_TRIED: _("Provider asked to stop"),
    PurgeStep.EMPTIED: _("Data deleted"),
    PurgeStep.VERIFIED: _("Deletion checked"),
    PurgeStep.REVOCATION_SETTLED: _("Access settled with the provider"),
    PurgeStep.CREDENTIAL_DESTROYED: _("Access tokens destroyed"),
    PurgeStep.AWAITING_CHECKPOINT: _("Receipt waits for the ledger"),
    PurgeStep.DONE: _("Receipt signed"),
}
TRIGGER: Final[Texts] = {
    PurgeTrigger.OWNER: _("The person disconnected"),
    PurgeTrigger.SUPPORT: _("Support disconnected"),
    PurgeTrigger.GRANT_ENDED: _("The person did not reconnect in time"),
    PurgeTrigger.PERMISSION_WITHDRAWN: _("The person did not grant the permission again in time"),
    PurgeTrigger.CONSENT_WITHDRAWN: _("The person withdrew their agreement"),
    PurgeTrigger.LEFT_ORGANISATION: _("The person left the organisation"),
    PurgeTrigger.ORGANISATION_CLOSED: _("The organisation was closed"),
    PurgeTrigger.DEACTIVATED: _("The person was deactivated"),
    PurgeTrigger.INACTIVE: _("The person had not signed in for a year"),
    PurgeTrigger.RESTORED: _("It came back with a restored backup"),
}
REVOCATION: Final[Texts] = {
    RevocationOutcome.PENDING: _("Not settled yet"),
    RevocationOutcome.CONFIRMED: _("Confirmed by the provider"),
    RevocationOutcome.ALREADY_GONE: _("Had ended before"),
    RevocationOutcome.GONE_AFTER_ASKING: _("Ended after an unconfirmed request"),
    RevocationOutcome.UNCONFIRMED: _("Not confirmed by the provider"),
    RevocationOutcome.NOT_NEEDED: _("Not needed"),
    RevocationOutcome.NOT_OFFERED: _("Only the person can end it at the provider"),
    RevocationOutcome.NEEDED_ELSEWHERE: _("Kept: another product or connection needs it"),
}
APPROVAL: Final[Texts] = {
    ApprovalState.WAITING: _("The administrator has not answered"),
    ApprovalState.GIVEN: _("The administrator seems to have approved; the person has to connect"),
    ApprovalState.REFUSED: _("The administrator seems to have declined"),
}
#: What the function `count_support_effect` counts.
COUNTED: Final[Texts] = {
    "messages": _("Messages"),
    "calendars": _("Calendars"),
    "events": _("Events"),
    "shares": _("Shares"),
    "unsent": _("Messages not sent yet"),
    "uploads": _("Uploads listed"),
    "quarantined": _("Left out"),
}
DELAYED: Final = _("The provider has not delivered it yet.")
