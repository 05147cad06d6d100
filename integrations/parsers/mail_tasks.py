from __future__ import annotations

from typing import Final

import msgspec

from integrations.formats.mime.message import ParsedMessage
from integrations.formats.mime.safe_bodies import SanitisedText

from .parser_frames import UnreadableItem


class ParsedMail(msgspec.Struct, frozen=True, tag=True):
    mail: ParsedMessage
    sanitised: SanitisedText


class ReadGmail(msgspec.Struct, frozen=True, tag=True):
    """Each payload is JSON."""

    payloads: list[bytes]


class ReadMime(msgspec.Struct, frozen=True, tag=True):
    """RFC 5322 bytes."""

    messages: list[bytes]


class ReadGraph(msgspec.Struct, frozen=True, tag=True):
    """JSON; see `mime.graph_message`."""

    records: list[bytes]


class FindPart(msgspec.Struct, frozen=True, tag=True):
    """`message` is RFC 5322; `path` is `AttachmentPart.part`."""

    message: bytes
    path: str


class FindPartReply(msgspec.Struct, frozen=True, tag=True):
    data: bytes | None


class SanitiseText(msgspec.Struct, frozen=True, tag=True):
    text: str
    html: str


class SanitiseTextReply(msgspec.Struct, frozen=True, tag=True):
    sanitised: SanitisedText


ParsedMails = list[ParsedMail | UnreadableItem]
MailTask = ReadGmail | ReadMime | ReadGraph | FindPart | SanitiseText

PARSED_MAILS_REPLY: Final = msgspec.msgpack.Decoder(ParsedMails | UnreadableItem)
FIND_PART_REPLY: Final = msgspec.msgpack.Decoder(FindPartReply | UnreadableItem)
SANITISE_TEXT_REPLY: Final = msgspec.msgpack.Decoder(SanitiseTextReply | UnreadableItem)
