"""What a command sends, as the JSON of its sealed column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from integrations.formats.mime.addresses import MailAddress


class QuoteKind(StrEnum):
    """Which text of the answered or forwarded message follows the owner's."""

    NONE = ""
    REPLY = "reply"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class CommandContent:
    """
    `text` is the owner's alone. The signature and the quoted text are appended when the draft is
    stored.

    :param forwarded_ids: our ids of the forwarded message's files to send along
    """

    sender: MailAddress
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    bcc: tuple[MailAddress, ...]
    subject: str
    text: str
    quote: QuoteKind = QuoteKind.NONE
    forwarded_ids: tuple[UUID, ...] = ()

    @property
    def recipients(self) -> tuple[MailAddress, ...]:
        return (*self.to, *self.cc, *self.bcc)


def encode_content(content: CommandContent) -> bytes:
    return orjson.dumps(
        {
            "sender": _encode_address(content.sender),
            "to": [_encode_address(address) for address in content.to],
            "cc": [_encode_address(address) for address in content.cc],
            "bcc": [_encode_address(address) for address in content.bcc],
            "subject": content.subject,
            "text": content.text,
            "quote": content.quote,
            "forwarded_ids": content.forwarded_ids,
        }
    )


def decode_content(data: bytes) -> CommandContent:
    values: dict[str, Any] = orjson.loads(data)
    return CommandContent(
        sender=MailAddress(*values["sender"]),
        to=_decode_addresses(values["to"]),
        cc=_decode_addresses(values["cc"]),
        bcc=_decode_addresses(values["bcc"]),
        subject=values["subject"],
        text=values["text"],
        quote=QuoteKind(values["quote"]),
        forwarded_ids=tuple(map(UUID, values["forwarded_ids"])),
    )


def _encode_address(address: MailAddress) -> list[str]:
    return [address.name, address.address]


def _decode_addresses(values: Sequence[Sequence[str]]) -> tuple[MailAddress, ...]:
    return tuple(MailAddress(*value) for value in values)
