"""The words of mails about removals, as closed lists: platform mail accepts no other text."""

from __future__ import annotations

from enum import Enum
from itertools import chain, combinations, product
from typing import Final

from integrations.providers import PROVIDERS
from limited_use.notifications.message_kinds import MessageValue

from .removal_facts import RemovalSituation
from .removal_messages import (
    ACCESS_MESSAGES,
    SENTENCES,
    TOKEN_MESSAGES,
    AccessOutcome,
    RemovalSubject,
)

_PRODUCTS: Final = ("mail", "calendar")
_CLAIMS: Final = (
    "removal.removed",
    "removal.product-kept",
    *(claim for words in ACCESS_MESSAGES.values() for claim in (words.now, words.advice)),
    *(words.now for words in TOKEN_MESSAGES.values()),
)


def _list_subjects() -> list[RemovalSubject]:
    others = chain.from_iterable(combinations(_PRODUCTS, size) for size in range(3))
    return [RemovalSubject(*arguments) for arguments in product(PROVIDERS, _PRODUCTS, others)]


def _list_sentences() -> list[str]:
    texts = [
        subject.format_sentence(SENTENCES[claim])
        for claim in _CLAIMS
        if claim
        for subject in _list_subjects()
    ]
    return list(dict.fromkeys(texts))


def _number_texts(texts: list[str]) -> dict[str, str]:
    return {f"N{number}": text for number, text in enumerate(texts)}


_PRODUCT_NAMES = _number_texts(list(dict.fromkeys(subject.name for subject in _list_subjects())))
_PAGES = _number_texts(["\n".join(provider.revocation_pages) for provider in PROVIDERS.values()])

# mypy does not accept computed members.
Product = Enum("Product", _PRODUCT_NAMES)  # type: ignore[misc]
Sentence = Enum("Sentence", _number_texts(_list_sentences()))  # type: ignore[misc]
Pages = Enum("Pages", _PAGES)  # type: ignore[misc]


def describe_removal(situation: RemovalSituation) -> dict[str, MessageValue]:
    access = ACCESS_MESSAGES[situation.access]
    return {
        "product": name_product(situation),
        "removed": _get_sentence("removal.removed", situation),
        "others": name_kept_products(situation),
        "access": _get_sentence(access.now, situation),
        "tokens": _get_sentence(TOKEN_MESSAGES[situation.tokens].now, situation),
        "advice": _get_sentence(access.advice, situation),
        "pages": Pages("\n".join(situation.revocation_pages))
        if situation.revocation_pages
        else None,
    }


def name_product(situation: RemovalSituation) -> MessageValue:
    word: MessageValue = Product(situation.subject.name)
    return word


def name_kept_products(situation: RemovalSituation) -> MessageValue:
    return (
        _get_sentence("removal.product-kept", situation)
        if situation.access is AccessOutcome.KEPT
        else None
    )


def _get_sentence(claim: str, situation: RemovalSituation) -> MessageValue:
    word: MessageValue = (
        Sentence(situation.subject.format_sentence(SENTENCES[claim])) if claim else None
    )
    return word
