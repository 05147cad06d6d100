"""
The words of mails about removals, as closed lists: the platform's mail takes no other text.

All of them are made from `removal_messages` and the providers when this module is imported.
"""

from __future__ import annotations

from enum import Enum
from itertools import chain, combinations, product
from typing import Final

from integrations.providers import PROVIDERS
from limited_use.notifications.message_kinds import Word

from .removal_facts import Situation
from .removal_messages import ACCESS, SENTENCES, TOKENS, Access, Subject

_PRODUCTS: Final = ("mail", "calendar")
_CLAIMS: Final = (
    "removal.removed",
    "removal.product-kept",
    *(claim for words in ACCESS.values() for claim in (words.now, words.advice)),
    *(words.now for words in TOKENS.values()),
)


def _subjects() -> list[Subject]:
    others = chain.from_iterable(combinations(_PRODUCTS, size) for size in range(3))
    return [Subject(*one) for one in product(PROVIDERS, _PRODUCTS, others)]


def _sentences() -> list[str]:
    texts = [subject.say(SENTENCES[claim]) for claim in _CLAIMS if claim for subject in _subjects()]
    return list(dict.fromkeys(texts))


def _number(texts: list[str]) -> dict[str, str]:
    return {f"N{number}": text for number, text in enumerate(texts)}


Product = Enum("Product", _number(list(dict.fromkeys(one.name for one in _subjects()))))  # type: ignore[misc]  # members are made, not written here
Sentence = Enum("Sentence", _number(_sentences()))  # type: ignore[misc]
Pages = Enum("Pages", _number(["\n".join(one.revocation_pages) for one in PROVIDERS.values()]))  # type: ignore[misc]


def describe(situation: Situation) -> dict[str, Word]:
    """Return the words of the mail that a receipt is there."""
    access = ACCESS[situation.access]
    return {
        "product": name_product(situation),
        "removed": _say("removal.removed", situation),
        "others": say_what_stays(situation),
        "access": _say(access.now, situation),
        "tokens": _say(TOKENS[situation.tokens].now, situation),
        "advice": _say(access.advice, situation),
        "pages": Pages("\n".join(situation.pages)) if situation.pages else None,
    }


def name_product(situation: Situation) -> Word:
    """Return the name of the product that is removed."""
    word: Word = Product(situation.subject.name)
    return word


def say_what_stays(situation: Situation) -> Word:
    """Return that another product of the account stays connected; None if none does."""
    return _say("removal.product-kept", situation) if situation.access is Access.KEPT else None


def _say(claim: str, situation: Situation) -> Word:
    word: Word = Sentence(situation.subject.say(SENTENCES[claim])) if claim else None
    return word
