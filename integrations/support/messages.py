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
)
from integrations.notifications.support_reasons import REASON

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Texts = Mapping[str, StrOrPromise]

__all__ = ["ACT", "ACT_STATE", "BULK_STATE", "ITEM", "MEANS", "QUESTION_STATE", "REASON"]

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
