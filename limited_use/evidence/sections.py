"""What a section of the evidence is. Pure, so that every package can declare its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MAX_TEXT_LENGTH: Final = 1_000_000


class EvidenceBasis(StrEnum):
    """What a section rests on; a test is no observation of production, and says so."""

    CODE = "code"
    SETTING = "setting"
    LIVE = "live"
    TEST = "test"


class InvalidEvidence(Exception):
    """A section holds what is no evidence of ours. A bug of whoever wrote it."""


@dataclass(frozen=True, slots=True)
class UnmetClause:
    """A clause that is not met as this service runs now, and why."""

    clause: str
    why: str


@dataclass(frozen=True, slots=True)
class EvidenceSection:
    """
    One section.

    :param says: what it shows, in a sentence
    :param content: returns it at a time: words, whole numbers, truths, lists and mappings of them
    :param not_met: returns the clauses that it finds not met
    """

    key: str
    title: str
    says: str
    basis: EvidenceBasis
    content: Callable[[datetime], Mapping[str, Any]]
    not_met: Callable[[datetime], list[UnmetClause]] = lambda _: []


def check_values(value: object) -> None:
    """:raises NotEvidence: for what canonical JSON does not hold exactly, or what is a dump"""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise InvalidEvidence(f"a key is a {type(key).__name__}")
            check_values(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_values(inner)
    elif isinstance(value, str):
        if len(value) > MAX_TEXT_LENGTH:
            raise InvalidEvidence("a text is longer than any register")
    elif value is not None and not isinstance(value, int):
        raise InvalidEvidence(f"a {type(value).__name__} is neither words, whole number nor truth")
