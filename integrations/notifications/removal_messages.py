"""
The only table of a removal's outcomes and their sentences, for pages and mails. Pure.

`removal_facts` selects the true outcomes, `messages` has the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from integrations.models import RevocationOutcome
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product

from . import messages
from .messages import SENTENCES, Text


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
    planned: Text
    now: str
    advice: str
    tone: str

    @property
    def has_ended(self) -> bool:
        return self.tone == "good"

    @property
    def may_remain(self) -> bool:
        return bool(self.advice)


ACCESS_MESSAGES: Final[Mapping[AccessOutcome, AccessMessages]] = MappingProxyType(
    {
        AccessOutcome.NEVER_GIVEN: AccessMessages("", "", "", "", "good"),
        AccessOutcome.ASKED: AccessMessages(
            "disconnect.access-ends", messages.END_ACCESS, "removal.access-asked", "", "info"
        ),
        AccessOutcome.CONFIRMED: AccessMessages(
            "", messages.END_ACCESS, "removal.access-confirmed", "", "good"
        ),
        AccessOutcome.GONE: AccessMessages(
            "", messages.END_ACCESS, "removal.access-gone", "", "good"
        ),
        AccessOutcome.UNCONFIRMED: AccessMessages(
            "", messages.END_ACCESS, "removal.access-unconfirmed", "removal.advice-check", "warn"
        ),
        AccessOutcome.NOT_OFFERED: AccessMessages(
            "disconnect.access-not-offered",
            messages.LEAVE_ACCESS,
            "removal.access-not-offered",
            "removal.advice-remove",
            "warn",
        ),
        AccessOutcome.KEPT: AccessMessages(
            "disconnect.access-kept",
            messages.KEEP_ACCESS,
            "removal.access-kept",
            "removal.advice-kept",
            "info",
        ),
        AccessOutcome.KEPT_ENDED: AccessMessages(
            "disconnect.access-ended", messages.END_ACCESS, "removal.access-ended", "", "info"
        ),
        AccessOutcome.RECONNECTED: AccessMessages(
            "", messages.END_ACCESS, "removal.access-reconnected", "", "info"
        ),
        AccessOutcome.SHARED: AccessMessages(
            "disconnect.access-shared",
            messages.SHARE_ACCESS,
            "removal.access-shared",
            "removal.advice-shared",
            "info",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class TokenMessages:
    before: str
    planned: Text
    now: str

    @property
    def are_destroyed(self) -> bool:
        return self.now == "removal.tokens-destroyed"

    @property
    def are_kept(self) -> bool:
        return bool(self.now) and not self.are_destroyed


TOKEN_MESSAGES: Final[Mapping[TokenOutcome, TokenMessages]] = MappingProxyType(
    {
        TokenOutcome.NONE: TokenMessages("", "", ""),
        TokenOutcome.ENDING: TokenMessages(
            "disconnect.tokens-destroyed", messages.DESTROY_TOKENS, ""
        ),
        TokenOutcome.DESTROYED: TokenMessages(
            "", messages.DESTROY_TOKENS, "removal.tokens-destroyed"
        ),
        TokenOutcome.KEPT: TokenMessages(
            "disconnect.tokens-kept", messages.KEEP_TOKENS, "removal.tokens-kept"
        ),
        TokenOutcome.KEPT_ENDED: TokenMessages(
            "disconnect.tokens-kept-ended",
            messages.KEEP_TOKENS,
            "removal.tokens-kept-ended",
        ),
        TokenOutcome.RECONNECTED: TokenMessages(
            "", messages.DESTROY_TOKENS, "removal.tokens-reconnected"
        ),
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

    def format_sentence(self, text: Text) -> str:
        names = [name_product(self.provider, other) for other in self.others]
        return str(text) % {
            "provider": PROVIDERS[self.provider].label,
            "name": self.name,
            "others": join_names(names),
        }


def join_names(names: Sequence[str]) -> str:
    """Return `Google mail`, `Google mail and Google Drive`, or `this, that and the other`."""
    *first_names, last_name = names or [""]
    if not first_names:
        return last_name
    return str(messages.TWO_PRODUCTS) % {"first": ", ".join(first_names), "second": last_name}


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
