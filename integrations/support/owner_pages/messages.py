"""Texts for the person concerned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import LookupMeans, QuestionState, SupportActState
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: How an agent found the person.
FOUND_BY: Final[Mapping[str, StrOrPromise]] = {
    LookupMeans.ADDRESS: _("By an exact email address"),
    LookupMeans.PLATFORM_ID: _("By your id at the platform"),
    LookupMeans.CONNECTION: _("By the id of a connection"),
    LookupMeans.RECEIPT: _("By the id of a receipt"),
    LookupMeans.CODE: _("By a code that you gave them"),
}
ACT_TONE: Final[Mapping[str, str]] = {
    SupportActState.WAITING: "info",
    SupportActState.DONE: "good",
    SupportActState.FAILED: "bad",
}
QUESTION_TONE: Final[Mapping[str, str]] = {
    QuestionState.WAITING: "info",
    QuestionState.ALLOWED: "warn",
}

TOO_MANY_CODES: Final = _(
    "You created ten codes within an hour. Wait a while before you create another one."
)
DECLINED: Final = _("Declined. The support agent sees your answer.")
ALLOWED: Final = _("Allowed. A support agent can read the message now. You can stop it here.")
CLOSED: Final = _("The question is no longer open. Your answer changed nothing.")
ITEM_GONE: Final = claim(
    "support.item-gone",
    _(
        "None of your mailboxes has this message: it was deleted, or the mailbox was"
        " disconnected. Nothing was opened."
    ),
)
