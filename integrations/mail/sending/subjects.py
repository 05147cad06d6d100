"""Subjects of answers and forwarded messages. Pure."""

from __future__ import annotations

import re
from typing import Final

# Prefixes of common mail programs: English, German, French, Spanish, Scandinavian languages.
_PREFIX: Final = re.compile(
    r"\s*(?:re|aw|sv|antw|fw|fwd|wg|tr|rv)(?:\[\d+\])?\s*:\s*", re.IGNORECASE
)


def get_base_subject(subject: str) -> str:
    """Return the subject without prefixes, which are the same in one thread."""
    position = 0
    while match := _PREFIX.match(subject, position):
        position = match.end()
    return subject[position:].strip()


def is_same_subject(subject: str, other: str) -> bool:
    """Gmail keeps a thread only if the subject is the same."""
    return get_base_subject(subject).casefold() == get_base_subject(other).casefold()


def make_reply_subject(subject: str) -> str:
    return f"Re: {get_base_subject(subject)}".strip()


def make_forward_subject(subject: str) -> str:
    return f"Fwd: {get_base_subject(subject)}".strip()
