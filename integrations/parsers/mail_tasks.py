"""Tasks of parsing mail, and their replies."""

from __future__ import annotations

from typing import Final

import msgspec

from integrations.formats.mime.message import ParsedMessage
from integrations.formats.mime.safe_bodies import SanitisedText

from .wire_frames import UnreadableItem


class ParsedMail(msgspec.Struct, frozen=True, tag=True):
    """One parsed message, and its sanitised text."""

    mail: ParsedMessage
    sanitised: SanitisedText


class ReadGmail(msgspec.Struct, frozen=True, tag=True):
    """Parse Gmail messages, each given as the JSON of its `payload`."""

    payloads: list[bytes]


class ReadMime(msgspec.Struct, frozen=True, tag=True):
    """Parse messages given as RFC 5322 bytes."""

    messages: list[bytes]


class ReadGraph(msgspec.Struct, frozen=True, tag=True):
    """Parse Outlook messages, each given as JSON (see `mime.graph_message`)."""

    records: list[bytes]


class FindPart(msgspec.Struct, frozen=True, tag=True):
    """Find the bytes of one part of an RFC 5322 message; `path` is `AttachmentPart.part`."""

    message: bytes
    path: str


class FindPartReply(msgspec.Struct, frozen=True, tag=True):
    """None if the message has no such part."""

    data: bytes | None


class SanitiseText(msgspec.Struct, frozen=True, tag=True):
    """Sanitise the text of a message that was parsed earlier."""

    text: str
    html: str


class SanitiseTextReply(msgspec.Struct, frozen=True, tag=True):
    sanitised: SanitisedText


ParsedMails = list[ParsedMail | UnreadableItem]
MailTask = ReadGmail | ReadMime | ReadGraph | FindPart | SanitiseText

PARSED_MAILS_REPLY: Final = msgspec.msgpack.Decoder(ParsedMails | UnreadableItem)
FIND_PART_REPLY: Final = msgspec.msgpack.Decoder(FindPartReply | UnreadableItem)
SANITISE_TEXT_REPLY: Final = msgspec.msgpack.Decoder(SanitiseTextReply | UnreadableItem)
