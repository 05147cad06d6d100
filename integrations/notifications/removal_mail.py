"""The values of mails about removals, as closed lists: platform mail accepts no other text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import chain, combinations, product
from typing import Any, Final

from integrations.models import PurgeJob
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_products
from limited_use.models import Receipt
from limited_use.notifications.message_kinds import MessageValue

from . import removal_facts
from .messages import SENTENCES
from .removal_facts import RemovalSituation
from .removal_messages import ACCESS_MESSAGES, TOKEN_MESSAGES, AccessOutcome, RemovalSubject

_CLAIMS: Final = (
    "removal.removed",
    "removal.product-kept",
    *(claim for words in ACCESS_MESSAGES.values() for claim in (words.now, words.advice)),
    *(words.now for words in TOKEN_MESSAGES.values()),
)
#: Counts of a receipt that its mail names.
_COUNTS: Final[Mapping[str, tuple[str, str]]] = {
    "messages": ("mail", "integrations.Message"),
    "threads": ("mail", "integrations.Thread"),
    "calendars": ("calendar", "integrations.Calendar"),
    "events": ("calendar", "integrations.Event"),
    "uploads": ("drive", "integrations.DriveFile"),
}


@dataclass(frozen=True, slots=True)
class MailSentence:
    """Formatted when the mail is rendered, in its language."""

    claim: str
    subject: RemovalSubject

    def __str__(self) -> str:
        return self.subject.format_sentence(SENTENCES[self.claim])


def _list_subjects() -> list[RemovalSubject]:
    return [subject for provider in PROVIDERS for subject in _list_provider_subjects(provider)]


def _list_provider_subjects(provider: str) -> list[RemovalSubject]:
    products = tuple(name_products(provider))
    sizes = range(len(products) + 1)
    others = chain.from_iterable(combinations(products, size) for size in sizes)
    return [RemovalSubject(provider, *arguments) for arguments in product(products, others)]


def _list_sentences() -> list[MailSentence]:
    claims = dict.fromkeys(claim for claim in _CLAIMS if claim)
    return [MailSentence(*arguments) for arguments in product(claims, _list_subjects())]


def _number_values(values: list[Any]) -> dict[str, Any]:
    return {f"N{number}": value for number, value in enumerate(values)}


_PRODUCT_NAMES = _number_values(list(dict.fromkeys(subject.name for subject in _list_subjects())))
_PAGES = _number_values(["\n".join(provider.revocation_pages) for provider in PROVIDERS.values()])

# mypy does not accept computed members.
Product = Enum("Product", _PRODUCT_NAMES)  # type: ignore[misc]
Sentence = Enum("Sentence", _number_values(_list_sentences()))  # type: ignore[misc]
Pages = Enum("Pages", _PAGES)  # type: ignore[misc]


def describe_receipt(job: PurgeJob) -> dict[str, MessageValue]:
    """
    Return the current facts about access, and counts and times of the receipt.

    :param job: done, freshly read
    """
    situation = removal_facts.get_situation(job)
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
        **_read_receipt(job),
    }


def _read_receipt(job: PurgeJob) -> dict[str, MessageValue]:
    receipt = Receipt.objects.get(subject_id=job.integration_id, part=1)
    body = json.loads(bytes(receipt.document))["body"]
    remains = body["remains"]
    epoch = remains.get("own_key_epoch", remains["key_epoch"])
    counts = {
        name: body["stores"][label]["before"] if body["product"] == of_product else None
        for name, (of_product, label) in _COUNTS.items()
    }
    return {
        **counts,
        "unreadable_at": datetime.fromisoformat(body["unreadable_at"]),
        "backups_until": datetime.fromisoformat(remains["backups"]["until"]),
        "keys_until": datetime.fromisoformat(epoch["destroyed_by"]),
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
    word: MessageValue = Sentence(MailSentence(claim, situation.subject)) if claim else None
    return word
