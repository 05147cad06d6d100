"""The type of evidence sections. Pure, so that every package can declare its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MAX_TEXT_LENGTH: Final = 1_000_000


class EvidenceBasis(StrEnum):
    """The basis of a section. A test is no observation of production."""

    CODE = "code"
    SETTING = "setting"
    LIVE = "live"
    TEST = "test"


class InvalidEvidence(Exception):
    """A section holds a forbidden value: a bug."""


@dataclass(frozen=True, slots=True)
class UnmetClause:
    clause: str
    why: str


@dataclass(frozen=True, slots=True)
class EvidenceSection:
    """
    :param says: a sentence
    :param content: returns words, integers, booleans, and lists and mappings of these
    """

    key: str
    title: str
    says: str
    basis: EvidenceBasis
    content: Callable[[datetime], Mapping[str, Any]]
    not_met: Callable[[datetime], list[UnmetClause]] = lambda _: []


def check_evidence_values(value: object) -> None:
    """:raises InvalidEvidence: if canonical JSON cannot hold `value` exactly, or it is a dump"""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise InvalidEvidence(f"a key is a {type(key).__name__}")
            check_evidence_values(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_evidence_values(inner)
    elif isinstance(value, str):
        if len(value) > MAX_TEXT_LENGTH:
            raise InvalidEvidence("a text is longer than any register")
    elif value is not None and not isinstance(value, int):
        raise InvalidEvidence(f"a {type(value).__name__} is neither words, whole number nor truth")
