"""The reasons of support agents, as people read them in pages, mails and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import SupportReason

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Short sentences.
REASON: Final[Mapping[str, StrOrPromise]] = {
    SupportReason.OWNER_ASKED: _("The person asked for help."),
    SupportReason.SYNC_PROBLEM: _("Mail or calendars are not up to date."),
    SupportReason.DEVICE_LOST: _("A device is lost or stolen."),
    SupportReason.ACCOUNT_AT_RISK: _("Somebody else may have access to the account."),
    SupportReason.LEFT_ORGANISATION: _("The person left the organisation."),
    SupportReason.INCIDENT: _("There is a security incident."),
    SupportReason.OTHER: _("Another reason."),
}


@dataclass(frozen=True, slots=True)
class ReasonSentence:
    """Translated when the mail is rendered, in its language."""

    reason: SupportReason

    def __str__(self) -> str:
        return str(REASON[self.reason])


# A closed list, as platform mail requires. mypy does not accept computed members.
ReasonWord = Enum(  # type: ignore[misc]
    "ReasonWord", {reason.value: ReasonSentence(reason) for reason in SupportReason}
)
