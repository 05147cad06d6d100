"""Ids of the policy with their words, as reviewers read them: the words, and the id beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from limited_use.evidence import forbidden_use_results
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.usage.rule_usage import LedgerEntryDetails

from .messages import labels


@dataclass(frozen=True, slots=True)
class NamedId:
    id: str
    words: str | Promise


@dataclass(frozen=True, slots=True)
class NamedUse:
    data_class: NamedId
    purpose: NamedId
    recipient: NamedId


@dataclass(frozen=True, slots=True)
class EntryRow:
    """
    :param use: None for an event that is no decision
    :param is_canary: whether the entry is of a reviewer's run of forbidden uses
    """

    entry: LedgerEntryDetails
    use: NamedUse | None
    is_canary: bool

    @property
    def rule_id(self) -> str:
        """Empty for an event that is no decision."""
        return str(self.entry.said.get("rule", ""))

    @property
    def event_text(self) -> str | Promise:
        """Empty for a decision, and for an event without words."""
        return labels.EVENTS.get(self.entry.event, "")


def name_data_class(value: str) -> NamedId:
    return _name(value, labels.DATA_CLASSES)


def name_purpose(value: str) -> NamedId:
    return _name(value, labels.PURPOSES)


def name_recipient(value: str) -> NamedId:
    return _name(value, labels.RECIPIENTS)


def name_use(data_class: str, purpose: str, recipient: str) -> NamedUse:
    return NamedUse(name_data_class(data_class), name_purpose(purpose), name_recipient(recipient))


def name_data_classes(values: Iterable[DataClass]) -> list[NamedId]:
    return [name_data_class(value) for value in values]


def name_purposes(values: Iterable[Purpose]) -> list[NamedId]:
    return [name_purpose(value) for value in values]


def name_recipients(values: Iterable[Recipient]) -> list[NamedId]:
    return [name_recipient(value) for value in values]


def make_entry_row(entry: LedgerEntryDetails) -> EntryRow:
    said = entry.said
    use = name_use(said["class"], said["purpose"], said["recipient"]) if "purpose" in said else None
    return EntryRow(entry, use, forbidden_use_results.is_canary_entry(said))


def _name(value: str, words: Mapping[Any, Promise]) -> NamedId:
    # An entry of another version may have another word. Members of the enumerations hash as text.
    return NamedId(str(value), words.get(value, value))
