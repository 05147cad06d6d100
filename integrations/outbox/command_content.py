"""What a command sends, as the JSON of its sealed column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from integrations.formats.mime.addresses import MailAddress


@dataclass(frozen=True, slots=True)
class ForwardedFile:
    """
    A file of the forwarded message, which is copied from the mailbox before the draft is stored.

    :param message_id: the provider's id of the forwarded message
    :param part: see `AttachmentPart`
    :param size: in bytes, as the provider stated it
    """

    message_id: str
    part: str
    filename: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class CommandContent:
    """
    `text` is the owner's. The signature and `quote`, the answered or forwarded text, are appended
    when the draft is stored.

    :param in_reply_to: Message-ID without angle brackets; "" for a new message
    :param references: Message-IDs without angle brackets
    :param thread_id: the provider's id; "" for a new thread
    :param replied_id: the provider's id of the answered message; "" if there is none
    """

    sender: MailAddress
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    bcc: tuple[MailAddress, ...]
    subject: str
    text: str
    quote: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    thread_id: str = ""
    replied_id: str = ""
    forwarded_files: tuple[ForwardedFile, ...] = ()

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
            "in_reply_to": content.in_reply_to,
            "references": content.references,
            "thread_id": content.thread_id,
            "replied_id": content.replied_id,
            "forwarded_files": [
                [file.message_id, file.part, file.filename, file.content_type, file.size]
                for file in content.forwarded_files
            ],
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
        quote=values["quote"],
        in_reply_to=values["in_reply_to"],
        references=tuple(values["references"]),
        thread_id=values["thread_id"],
        replied_id=values["replied_id"],
        forwarded_files=tuple(ForwardedFile(*file) for file in values["forwarded_files"]),
    )


def _encode_address(address: MailAddress) -> list[str]:
    return [address.name, address.address]


def _decode_addresses(values: Sequence[Sequence[str]]) -> tuple[MailAddress, ...]:
    return tuple(MailAddress(*value) for value in values)
