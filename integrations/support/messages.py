"""Labels of the words of support, for agents and for the people whom they help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from integrations.models import (
    BulkState,
    ItemKind,
    LookupMeans,
    PurgeStep,
    QuestionState,
    SupportActKind,
    SupportActState,
)
from integrations.notifications.support_reasons import REASON as REASON  # noqa: PLC0414 - the words of support are one list
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Texts = Mapping[str, StrOrPromise]


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
#: Instead of `ALLOWED`, once the agent can no longer read the chosen item.
ACCESS_ENDED: Final = _("Access ended")
BULK_STATE: Final[Texts] = {
    BulkState.COUNTING: _("Counting"),
    BulkState.PROPOSED: _("Waiting for a second person"),
    BulkState.RUNNING: _("Running"),
    BulkState.STOPPED: _("Stopped"),
    BulkState.REJECTED: _("Rejected"),
    BulkState.DONE: _("Done"),
}

PURGE_STEP: Final[Texts] = {
    PurgeStep.FENCED: _("Unreadable; the provider is asked next"),
    PurgeStep.PROVIDER_TRIED: _("Data is being deleted"),
    PurgeStep.EMPTIED: _("Deleted; being checked"),
    PurgeStep.VERIFIED: _("Checked: nothing is left. The provider ends the access"),
    PurgeStep.REVOCATION_SETTLED: _("Access settled; tokens are being destroyed"),
    PurgeStep.CREDENTIAL_DESTROYED: _("Tokens destroyed or kept for another product"),
    PurgeStep.AWAITING_CHECKPOINT: _("The receipt is being signed"),
    PurgeStep.DONE: _("Removed; the receipt is signed"),
}
UNKNOWN_ACT: Final = _("Choose one of the acts that the page of the person offers.")
TEXT_NEEDED: Final = _("Describe the case in a sentence: the person reads it.")
TICKET_NEEDED: Final = _("Enter the number of the case in the ticket system.")
TICKET_MALFORMED: Final = _(
    "A ticket begins with a letter or digit, and has at most 40 letters, digits, spaces and"
    " . _ # / - signs."
)
ALREADY_ORDERED: Final = _("This was ordered before, and is still in progress.")
LOCAL_CALENDARS: Final = claim(
    "support.no-local-calendars",
    _(
        "Support never removes Antares calendars: nobody has another copy of them. Only their owner"
        " can remove them."
    ),
)
RECONNECT_FIRST: Final = _(
    "The person has to reconnect this account first. Until then, Antares cannot fetch anything."
)


def describe_question(state: QuestionState, *, is_open: bool) -> StrOrPromise:
    """:param is_open: whether the agent can read the chosen item now"""
    if state == QuestionState.ALLOWED and not is_open:
        return ACCESS_ENDED
    return QUESTION_STATE[state]


def describe_effect(effect: Mapping[str, int]) -> list[str]:
    """
    Return a sentence part for each number that is not zero, such as `2,000 messages`.

    :param effect: `SupportEffect.to_json`
    """
    return [
        text(count) % {"count": intcomma(count)}
        for name, text in _EFFECTS.items()
        if (count := effect.get(name, 0))
    ]


_EFFECTS: Final[Mapping[str, Callable[[int], str]]] = {
    "accounts": lambda n: ngettext(
        "%(count)s account is disconnected", "%(count)s accounts are disconnected", n
    ),
    "messages": lambda n: ngettext(
        "%(count)s message is removed from Antares",
        "%(count)s messages are removed from Antares",
        n,
    ),
    "calendars": lambda n: ngettext(
        "%(count)s calendar is removed from Antares",
        "%(count)s calendars are removed from Antares",
        n,
    ),
    "events": lambda n: ngettext(
        "%(count)s event is removed from Antares", "%(count)s events are removed from Antares", n
    ),
    "shares": lambda n: ngettext(
        "%(count)s share with a colleague ends", "%(count)s shares with colleagues end", n
    ),
    "unsent": lambda n: ngettext(
        "%(count)s message that waits is not sent",
        "%(count)s messages that wait are not sent",
        n,
    ),
    "uploads": lambda n: ngettext(
        "%(count)s upload is removed from the list; its file stays in the Drive",
        "%(count)s uploads are removed from the list; their files stay in the Drive",
        n,
    ),
    "features": lambda n: ngettext(
        "%(count)s feature stops, if it is on", "%(count)s features stop, if they are on", n
    ),
    "skipped": lambda n: ngettext(
        "%(count)s skipped message is fetched again",
        "%(count)s skipped messages are fetched again",
        n,
    ),
    "syncs": lambda n: ngettext(
        "%(count)s mailbox, calendar or list of calendars is fetched",
        "%(count)s mailboxes, calendars or lists of calendars are fetched",
        n,
    ),
    "watches": lambda n: ngettext(
        "%(count)s subscription to changes is renewed",
        "%(count)s subscriptions to changes are renewed",
        n,
    ),
}
#: By provider product, for counts of a bulk revocation and its receipts.
PRODUCT: Final[Texts] = {"mail": _("Mail"), "calendar": _("Calendars"), "drive": _("Drives")}

BULK_PROPOSED: Final = _("Antares is counting what your proposal matches.")
BULK_APPROVED: Final = _("You approved it. Antares is disconnecting the accounts.")
BULK_REJECTED: Final = _("You rejected it.")
BULK_STOPPED: Final = _("You stopped it.")
BULK_NOT_OPEN: Final = _(
    "This is no longer possible: it was decided, stopped or finished before, or it waited for more"
    " than 24 hours."
)
BULK_OWN: Final = _("You proposed it. Another member of staff decides.")
BULK_NO_CRITERION: Final = _("Enter an organisation, a provider or a start of the time window.")
BULK_NO_ORGANISATION: Final = _(
    "No organisation has exactly this id. Copy the id or the platform id of the organisation."
)
BULK_WINDOW: Final = _("The time window has to begin in the past, and before its end.")
