"""Texts for the person concerned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.calendar.messages import support as calendar_texts
from integrations.mail import messages as mail_texts
from integrations.models import ItemKind, LookupMeans, QuestionState, SupportActState
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
MESSAGE_ALLOWED: Final = _(
    "Allowed. A support agent can read the message now. You can stop it here."
)
EVENT_ALLOWED: Final = _("Allowed. A support agent can see the event now. You can stop it here.")
CLOSED: Final = _("The question is no longer open. Your answer changed nothing.")
MESSAGE_GONE: Final = claim(
    "support.item-gone",
    _(
        "None of your mailboxes has this message: it was deleted, or the mailbox was"
        " disconnected. Nothing was opened."
    ),
)
EVENT_GONE: Final = claim(
    "event-support.gone",
    _(
        "None of your own calendars has this event: it was deleted or cancelled, or the calendar"
        " was disconnected. Nothing was opened."
    ),
)

#: By kind of the item; `None`: the item was deleted.
OPEN_ITEM: Final[Mapping[str | None, StrOrPromise]] = {
    ItemKind.MESSAGE: _("One message"),
    ItemKind.EVENT: _("One event"),
    None: _("One item that no longer exists"),
}
STOPPED: Final[Mapping[str | None, StrOrPromise]] = {
    ItemKind.MESSAGE: mail_texts.SUPPORT_STOPPED,
    ItemKind.EVENT: calendar_texts.STOPPED,
    None: _("Stopped sharing."),
}
