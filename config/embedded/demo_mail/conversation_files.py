"""Reads conversations from `conversations/*.txt`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.embedded.demo_cast import CAST, CastMember

FOLDER: Final = Path(__file__).parent / "conversations"
_BLOCK: Final = re.compile(r"^== ", re.MULTILINE)
_MESSAGE: Final = re.compile(r"^-- ", re.MULTILINE)
_STATES: Final = {"unread", "starred", "important", "updates", "promotions"}


class InvalidConversation(ValueError):
    """A conversation file breaks its format."""


@dataclass(frozen=True, slots=True)
class ConversationMessage:
    """
    :param time: a time of `timeline`
    :param files: names of attachments
    :param pictures: names of pictures inside the text
    :param invitation: key of the event, or ""
    :param text: as in the file, with placeholders
    """

    sender: CastMember
    recipients: tuple[CastMember, ...]
    copies: tuple[CastMember, ...]
    time: str
    text: str
    files: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    invitation: str = ""
    is_quoting: bool = False
    is_styled: bool = False

    def involves(self, key: str) -> bool:
        receivers = (*self.recipients, *self.copies)
        return self.sender.key == key or any(
            receiver.key == key or key in receiver.members for receiver in receivers
        )


@dataclass(frozen=True, slots=True)
class Conversation:
    """:param states: unread, starred, important, and the category: updates or promotions"""

    key: str
    subject: str
    labels: tuple[str, ...]
    states: frozenset[str]
    messages: tuple[ConversationMessage, ...]


def read_conversations(*names: str) -> list[Conversation]:
    """
    Return the conversations of the named files.

    :raises InvalidConversation: unknown people or marks
    """
    return [
        _parse_conversation(block)
        for name in names
        for block in _split(_BLOCK, (FOLDER / f"{name}.txt").read_text(encoding="utf-8"))
    ]


def _split(mark: re.Pattern[str], text: str) -> Iterator[str]:
    return (block for block in mark.split(text)[1:])


def _parse_conversation(block: str) -> Conversation:
    head, *messages = _MESSAGE.split(block)
    key, *lines = head.strip().splitlines()
    fields = dict(line.split(": ", 1) for line in lines)
    states = frozenset(fields.get("State", "").split())
    if not states <= _STATES:
        raise InvalidConversation(f"{key}: {sorted(states - _STATES)}")
    return Conversation(
        key=key,
        subject=fields["Subject"],
        labels=tuple(fields.get("Labels", "").split()),
        states=states,
        messages=tuple(_parse_message(message) for message in messages),
    )


def _parse_message(block: str) -> ConversationMessage:
    head, _, text = block.partition("\n")
    people, at, *marks = (field.strip() for field in head.split("|"))
    sender, _, receivers = people.partition(" > ")
    recipients, _, copies = receivers.partition(" + ")
    flags = [mark for mark in marks if " " not in mark]
    named = [mark.split(" ", 1) for mark in marks if " " in mark]
    if unknown := {*flags} - {"quoting", "styled"} | {
        kind for kind, _ in named if kind not in {"file", "inline", "invite"}
    }:
        raise InvalidConversation(f"{head}: {sorted(unknown)}")
    return ConversationMessage(
        sender=_find_member(sender),
        recipients=tuple(_find_member(key) for key in recipients.split(", ")),
        copies=tuple(_find_member(key) for key in copies.split(", ") if key),
        time=at,
        text=text.strip(),
        files=tuple(name for kind, name in named if kind == "file"),
        pictures=tuple(name for kind, name in named if kind == "inline"),
        invitation=next((name for kind, name in named if kind == "invite"), ""),
        is_quoting="quoting" in flags,
        is_styled="styled" in flags,
    )


def _find_member(key: str) -> CastMember:
    try:
        return CAST[key]
    except KeyError:
        raise InvalidConversation(f"nobody has the key {key!r}") from None
