"""What the form of a reply or a forwarded message contains before its owner writes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from integrations.formats.mime.addresses import MailAddress
from integrations.outbox.command_content import QuoteKind

from . import subjects
from .address_text import format_address_text, select_others


class AnswerMode(StrEnum):
    REPLY = "reply"
    REPLY_ALL = "reply_all"
    FORWARD = "forward"

    @property
    def quote(self) -> QuoteKind:
        return QuoteKind.FORWARD if self is AnswerMode.FORWARD else QuoteKind.REPLY


@dataclass(frozen=True, slots=True)
class AnswerDefaults:
    to: str
    cc: str
    subject: str


def make_answer_defaults(
    summary: Mapping[str, Any],
    mode: AnswerMode,
    *,
    own_addresses: Collection[str],
    is_own: bool,
) -> AnswerDefaults:
    """
    Address a reply to Reply-To, or else to From; that to an own message to its recipients.

    :param summary: of the answered message
    :param own_addresses: in `casefold`
    :param is_own: whether the owner sent it
    """
    if mode is AnswerMode.FORWARD:
        return AnswerDefaults("", "", subjects.make_forward_subject(summary["subject"]))
    subject = subjects.make_reply_subject(summary["subject"])
    recipients, copies = _read_addresses(summary["to"]), _read_addresses(summary["cc"])
    senders = _read_addresses(summary["reply_to"]) or _read_addresses(summary["from"])
    first = recipients if is_own else senders
    if mode is AnswerMode.REPLY:
        return AnswerDefaults(format_address_text(select_others(first, ())), "", subject)
    others = select_others([*first, *recipients], own_addresses)
    named = {entry.address.casefold() for entry in others} | set(own_addresses)
    return AnswerDefaults(
        # A message to oneself is answered to oneself.
        format_address_text(others or select_others(first, ())),
        format_address_text(select_others(copies, named)),
        subject,
    )


def _read_addresses(pairs: Iterable[tuple[str, str]]) -> tuple[MailAddress, ...]:
    return tuple(MailAddress(name, address) for name, address in pairs)
