"""
The only table of a removal's outcomes and their sentences, for pages and mails. Pure.

`removal_facts` selects the true sentences. Each key is the id of a claim: `disconnect.*` is
stated before the removal and holds after it; `removal.*` holds while it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from integrations.models import RevocationOutcome
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from limited_use.policy.claims import claim


class AccessOutcome(StrEnum):
    # There is no provider.
    NEVER_GIVEN = "never_given"
    # The provider was asked to end it, and has not answered.
    ASKED = "asked"
    CONFIRMED = "confirmed"
    # The provider answered that no access exists.
    GONE = "gone"
    UNCONFIRMED = "unconfirmed"
    # The provider does not end access at an application's request.
    NOT_OFFERED = "not_offered"
    # Another product of the connection uses it.
    KEPT = "kept"
    # Another product waits for a new grant: this one has ended.
    KEPT_ENDED = "kept_ended"
    RECONNECTED = "reconnected"
    # Another connection of the account uses it, possibly another person's.
    SHARED = "shared"


class TokenOutcome(StrEnum):
    NONE = "none"
    # Waiting for the provider's answer.
    ENDING = "ending"
    DESTROYED = "destroyed"
    KEPT = "kept"
    KEPT_ENDED = "kept_ended"
    RECONNECTED = "reconnected"


SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "disconnect.unchanged-there": claim(
            "disconnect.unchanged-there", "Your {things} at {provider} {stay} as {they} {are}."
        ),
        "disconnect.unreadable-at-once": claim(
            "disconnect.unreadable-at-once",
            "The copy in Antares is unreadable at once, and removed within an hour.",
        ),
        "disconnect.access-ends": claim(
            "disconnect.access-ends", "Antares asks {provider} to end our access to this account."
        ),
        "disconnect.access-not-offered": claim(
            "disconnect.access-not-offered",
            "{provider} ends no access at an application's request. It goes on listing Antares"
            " until you remove it there.",
        ),
        "disconnect.access-kept": claim(
            "disconnect.access-kept",
            "{provider} goes on listing Antares, with all permissions that you gave.",
        ),
        "disconnect.access-ended": claim(
            "disconnect.access-ended", "{provider} has already ended our access."
        ),
        "disconnect.access-shared": claim(
            "disconnect.access-shared",
            "Antares does not ask {provider} to end our access, because another connection of the"
            " same account uses it.",
        ),
        "disconnect.tokens-destroyed": claim(
            "disconnect.tokens-destroyed", "Antares destroys the access tokens of this connection."
        ),
        "disconnect.tokens-kept": claim(
            "disconnect.tokens-kept",
            "Your access tokens are kept: {others} of the same account use{s} them.",
        ),
        "disconnect.tokens-kept-ended": claim(
            "disconnect.tokens-kept-ended",
            "The old access tokens are kept until you reconnect or disconnect {others}.",
        ),
        "disconnect.receipt": claim(
            "disconnect.receipt", "You get a signed receipt that anyone can check."
        ),
        "disconnect.receipts": claim(
            "disconnect.receipts", "You get a signed receipt for each, which anyone can check."
        ),
        "removal.removed": claim("removal.removed", "Your {name} {is} removed from Antares"),
        "removal.unreadable": claim(
            "removal.unreadable",
            "All keys to {copy} are destroyed. Antares can no longer open {it}.",
        ),
        "removal.emptied": claim("removal.emptied", "Every row of {copy} is deleted."),
        "removal.counted": claim(
            "removal.counted",
            "Antares counted every table that could still hold part of {it}: nothing is left.",
        ),
        "removal.signed": claim("removal.signed", "The receipt is signed."),
        "removal.notices-asked": claim(
            "removal.notices-asked",
            "{provider} has not confirmed yet that it stopped notifying Antares of changes. Antares"
            " drops its notifications, and asks again for up to a day.",
        ),
        "removal.notices-stopped": claim(
            "removal.notices-stopped",
            "{provider} confirmed that it no longer notifies Antares of changes.",
        ),
        "removal.notices-lapsed": claim(
            "removal.notices-lapsed", "The notifications of {provider} have ended by themselves."
        ),
        "removal.notices-unanswered": claim(
            "removal.notices-unanswered",
            "{provider} did not confirm that it stopped notifying Antares of changes. Antares drops"
            " its notifications until they end by themselves, at the time in the receipt.",
        ),
        "removal.notices-no-access": claim(
            "removal.notices-no-access",
            "Antares could not ask {provider} to stop notifying it of changes, because no access"
            " token worked. Antares drops its notifications until they end by themselves, at the"
            " time in the receipt.",
        ),
        "removal.notices-kept": claim(
            "removal.notices-kept",
            "{provider} goes on notifying Antares of changes in this account, because another"
            " connection of the account needs that.",
        ),
        "removal.access-asked": claim(
            "removal.access-asked",
            "{provider} has not confirmed yet that our access has ended. Antares keeps asking for a"
            " day.",
        ),
        "removal.access-confirmed": claim(
            "removal.access-confirmed", "{provider} confirmed that our access has ended."
        ),
        "removal.access-gone": claim(
            "removal.access-gone", "{provider} answered that our access no longer exists."
        ),
        "removal.access-unconfirmed": claim(
            "removal.access-unconfirmed", "{provider} did not confirm that our access has ended."
        ),
        "removal.access-not-offered": claim(
            "removal.access-not-offered",
            "{provider} ends no access at an application's request. It goes on listing Antares"
            " until you remove it there.",
        ),
        "removal.access-kept": claim(
            "removal.access-kept",
            "{provider} goes on listing Antares, with all permissions that you gave.",
        ),
        "removal.access-ended": claim("removal.access-ended", "{provider} has ended our access."),
        "removal.access-reconnected": claim(
            "removal.access-reconnected",
            "You connected the account again, so Antares has access again.",
        ),
        "removal.access-shared": claim(
            "removal.access-shared",
            "Antares did not ask {provider} to end our access, because another connection of the"
            " same account used it.",
        ),
        "removal.tokens-destroyed": claim(
            "removal.tokens-destroyed", "The access tokens are destroyed."
        ),
        "removal.tokens-kept": claim(
            "removal.tokens-kept",
            "Your access tokens are kept: {others} of the same account use{s} them.",
        ),
        "removal.tokens-kept-ended": claim(
            "removal.tokens-kept-ended",
            "The old access tokens are kept until you reconnect or disconnect {others}.",
        ),
        "removal.tokens-reconnected": claim(
            "removal.tokens-reconnected", "Antares has new access tokens of the account."
        ),
        "removal.advice-check": claim(
            "removal.advice-check",
            "Look at {provider} whether Antares is still listed, and remove it there:",
        ),
        "removal.advice-remove": claim(
            "removal.advice-remove",
            "Remove Antares at {provider}, for the kind of account you have:",
        ),
        "removal.advice-kept": claim(
            "removal.advice-kept",
            "You can end our access at {provider} at any time. {others} then stop{s} as well:",
        ),
        "removal.advice-shared": claim(
            "removal.advice-shared",
            "Remove Antares at {provider} to end our access for all connections of the account:",
        ),
        "removal.product-kept": claim("removal.product-kept", "{others} stay{s} connected."),
    }
)


@dataclass(frozen=True, slots=True)
class AccessMessages:
    """
    Claim ids, and the text of a planned step.

    :param before: on the confirmation page
    :param planned: in the list of steps, before the step; not a claim
    :param now: in the list of steps and in mails
    :param advice: before links to the provider's pages; if empty, there are no links
    :param tone: `good` if the person has nothing to do or to know
    """

    before: str
    planned: str
    now: str
    advice: str
    tone: str

    @property
    def has_ended(self) -> bool:
        return self.tone == "good"

    @property
    def may_remain(self) -> bool:
        return bool(self.advice)


_END: Final = "End our access at {provider}"
_KEEP: Final = "Keep our access at {provider} for {others}"

ACCESS_MESSAGES: Final[Mapping[AccessOutcome, AccessMessages]] = MappingProxyType(
    {
        AccessOutcome.NEVER_GIVEN: AccessMessages("", "", "", "", "good"),
        AccessOutcome.ASKED: AccessMessages(
            "disconnect.access-ends", _END, "removal.access-asked", "", "info"
        ),
        AccessOutcome.CONFIRMED: AccessMessages("", _END, "removal.access-confirmed", "", "good"),
        AccessOutcome.GONE: AccessMessages("", _END, "removal.access-gone", "", "good"),
        AccessOutcome.UNCONFIRMED: AccessMessages(
            "", _END, "removal.access-unconfirmed", "removal.advice-check", "warn"
        ),
        AccessOutcome.NOT_OFFERED: AccessMessages(
            "disconnect.access-not-offered",
            "Leave the end of our access at {provider} to you",
            "removal.access-not-offered",
            "removal.advice-remove",
            "warn",
        ),
        AccessOutcome.KEPT: AccessMessages(
            "disconnect.access-kept", _KEEP, "removal.access-kept", "removal.advice-kept", "info"
        ),
        AccessOutcome.KEPT_ENDED: AccessMessages(
            "disconnect.access-ended", _END, "removal.access-ended", "", "info"
        ),
        AccessOutcome.RECONNECTED: AccessMessages(
            "", _END, "removal.access-reconnected", "", "info"
        ),
        AccessOutcome.SHARED: AccessMessages(
            "disconnect.access-shared",
            "Leave our access to the other connection of the same account",
            "removal.access-shared",
            "removal.advice-shared",
            "info",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class TokenMessages:
    before: str
    planned: str
    now: str

    @property
    def are_destroyed(self) -> bool:
        return self.now == "removal.tokens-destroyed"

    @property
    def are_kept(self) -> bool:
        return bool(self.now) and not self.are_destroyed


_DESTROY: Final = "Destroy the access tokens"

TOKEN_MESSAGES: Final[Mapping[TokenOutcome, TokenMessages]] = MappingProxyType(
    {
        TokenOutcome.NONE: TokenMessages("", "", ""),
        TokenOutcome.ENDING: TokenMessages("disconnect.tokens-destroyed", _DESTROY, ""),
        TokenOutcome.DESTROYED: TokenMessages("", _DESTROY, "removal.tokens-destroyed"),
        TokenOutcome.KEPT: TokenMessages(
            "disconnect.tokens-kept", "Keep the access tokens for {others}", "removal.tokens-kept"
        ),
        TokenOutcome.KEPT_ENDED: TokenMessages(
            "disconnect.tokens-kept-ended",
            "Keep the access tokens for {others}",
            "removal.tokens-kept-ended",
        ),
        TokenOutcome.RECONNECTED: TokenMessages("", _DESTROY, "removal.tokens-reconnected"),
    }
)

#: The access outcome for the revocation of an ending or ended connection.
ACCESS_OF_REVOCATION: Final[Mapping[RevocationOutcome, AccessOutcome]] = MappingProxyType(
    {
        RevocationOutcome.PENDING: AccessOutcome.ASKED,
        RevocationOutcome.CONFIRMED: AccessOutcome.CONFIRMED,
        RevocationOutcome.ALREADY_GONE: AccessOutcome.GONE,
        RevocationOutcome.GONE_AFTER_ASKING: AccessOutcome.GONE,
        RevocationOutcome.UNCONFIRMED: AccessOutcome.UNCONFIRMED,
        RevocationOutcome.NOT_NEEDED: AccessOutcome.NEVER_GIVEN,
        RevocationOutcome.NOT_OFFERED: AccessOutcome.NOT_OFFERED,
        RevocationOutcome.NEEDED_ELSEWHERE: AccessOutcome.SHARED,
    }
)


@dataclass(frozen=True, slots=True)
class RemovalSubject:
    """The removed product, and the connection's remaining ones."""

    provider: str
    product: str
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return name_product(self.provider, self.product)

    def format_sentence(self, text: str) -> str:
        is_local = not PROVIDERS[self.provider].grants
        is_mail = self.product == "mail"
        return text.format_map(
            {
                "provider": PROVIDERS[self.provider].label,
                "name": self.name,
                "copy": f"your {self.name}" if is_local else f"the copy of your {self.name}",
                "is": "are" if is_local else "is",
                "it": "them" if is_local else "it",
                "things": "mail" if is_mail else "calendars",
                "stay": "stays" if is_mail else "stay",
                "they": "it" if is_mail else "they",
                "are": "is" if is_mail else "are",
                "s": "" if len(self.others) > 1 else "s",
                "others": " and ".join(name_product(self.provider, other) for other in self.others),
            }
        )


@dataclass(frozen=True, slots=True)
class RemovalStatement:
    """:param is_kept: the sentence is about access or tokens that remain"""

    claim: str
    text: str
    is_kept: bool = False


def make_statement(
    claim: str, subject: RemovalSubject, *, is_kept: bool = False
) -> RemovalStatement | None:
    return (
        RemovalStatement(claim, subject.format_sentence(SENTENCES[claim]), is_kept)
        if claim
        else None
    )
