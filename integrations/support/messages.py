"""Labels of the words of support, for agents and for the people whom they help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import (
    BulkState,
    ItemKind,
    LookupMeans,
    QuestionState,
    SupportActKind,
    SupportActState,
    SupportReason,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Texts = Mapping[str, StrOrPromise]

#: Short sentences, read by agents who choose one and by the person concerned.
REASON: Final[Texts] = {
    SupportReason.OWNER_ASKED: _("The person asked for help."),
    SupportReason.SYNC_PROBLEM: _("Mail or calendars are not up to date."),
    SupportReason.DEVICE_LOST: _("A device is lost or stolen."),
    SupportReason.ACCOUNT_AT_RISK: _("Somebody else may have access to the account."),
    SupportReason.LEFT_ORGANISATION: _("The person left the organisation."),
    SupportReason.INCIDENT: _("There is a security incident."),
    SupportReason.OTHER: _("Another reason."),
}
MEANS: Final[Texts] = {
    LookupMeans.ADDRESS: _("Email address"),
    LookupMeans.PLATFORM_ID: _("Platform id"),
    LookupMeans.CONNECTION: _("Connection id"),
    LookupMeans.RECEIPT: _("Receipt id"),
    LookupMeans.CODE: _("Support code"),
}
ACT: Final[Texts] = {
    SupportActKind.REVOKE_INTEGRATION: _("Disconnect one product"),
    SupportActKind.REVOKE_CONNECTION: _("Disconnect one account"),
    SupportActKind.REVOKE_PERSON: _("Disconnect all accounts"),
    SupportActKind.SYNC_NOW: _("Sync now"),
    SupportActKind.RETRY_QUARANTINED: _("Fetch skipped messages again"),
    SupportActKind.RENEW_PUSH: _("Renew push notifications"),
    SupportActKind.SEND_RECEIPT_LINK: _("Send the receipt link again"),
}
ACT_STATE: Final[Texts] = {
    SupportActState.WAITING: _("In progress"),
    SupportActState.DONE: _("Done"),
    SupportActState.UNNECESSARY: _("There was nothing left to do"),
    SupportActState.STOPPED: _("Stopped before it began"),
    SupportActState.FAILED: _("Failed"),
}
ITEM: Final[Texts] = {ItemKind.MESSAGE: _("a message"), ItemKind.EVENT: _("a calendar event")}
QUESTION_STATE: Final[Texts] = {
    QuestionState.WAITING: _("Waiting for an answer"),
    QuestionState.ALLOWED: _("Allowed"),
    QuestionState.DECLINED: _("Declined"),
    QuestionState.WITHDRAWN: _("No longer needed"),
    QuestionState.EXPIRED: _("Not answered in time"),
}
BULK_STATE: Final[Texts] = {
    BulkState.COUNTING: _("Counting"),
    BulkState.PROPOSED: _("Waiting for a second person"),
    BulkState.RUNNING: _("Running"),
    BulkState.STOPPED: _("Stopped"),
    BulkState.REJECTED: _("Rejected"),
    BulkState.DONE: _("Done"),
}
#: By provider product, for counts of a bulk revocation and its receipts.
PRODUCT: Final[Texts] = {"mail": _("Mail"), "calendar": _("Calendars")}

BULK_PROPOSED: Final = _("Antares is counting what your proposal matches.")
BULK_APPROVED: Final = _("You approved it. Antares is disconnecting the accounts.")
BULK_REJECTED: Final = _("You rejected it.")
BULK_STOPPED: Final = _("You stopped it.")
BULK_NOT_OPEN: Final = _("This is no longer possible: it was decided, stopped or finished before.")
BULK_OWN: Final = _("You proposed it. Another member of staff decides.")
BULK_NO_CRITERION: Final = _("Enter an organisation, a provider or a start of the time window.")
BULK_NO_ORGANISATION: Final = _(
    "No organisation has exactly this id. Copy the id or the platform id of the organisation."
)
BULK_WINDOW: Final = _("The time window has to begin in the past, and before its end.")
BULK_TICKET: Final = _("Use letters, digits, spaces and . _ # / - only, at most 40.")
