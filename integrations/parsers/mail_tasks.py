"""Tasks of reading mail, and what each is answered with."""

from __future__ import annotations

from typing import Final

import msgspec

from integrations.formats.mime.message import ParsedMessage
from integrations.formats.mime.safe_bodies import SanitisedText

from .wire_frames import UnreadableItem


class ParsedMail(msgspec.Struct, frozen=True, tag=True):
    """One message, read, and its text made safe to show."""

    mail: ParsedMessage
    sanitised: SanitisedText


class ReadGmail(msgspec.Struct, frozen=True, tag=True):
    """Read messages of Gmail: the `payload` of each, as JSON."""

    payloads: list[bytes]


class ReadMime(msgspec.Struct, frozen=True, tag=True):
    """Read messages as RFC 5322 bytes."""

    messages: list[bytes]


class ReadGraph(msgspec.Struct, frozen=True, tag=True):
    """Read messages of Outlook: each as JSON, see `mime.graph_message`."""

    records: list[bytes]


class FindPart(msgspec.Struct, frozen=True, tag=True):
    """Find the bytes of one part of a message (RFC 5322); `path` is that of `AttachmentPart`."""

    message: bytes
    path: str


class FindPartReply(msgspec.Struct, frozen=True, tag=True):
    """The bytes of a part; None where the message has no such part."""

    data: bytes | None


class SanitiseText(msgspec.Struct, frozen=True, tag=True):
    """Make the text of a message that was read before safe to show."""

    text: str
    html: str


class SanitiseTextReply(msgspec.Struct, frozen=True, tag=True):
    """The reply to `ShowText`."""

    sanitised: SanitisedText


ParsedMails = list[ParsedMail | UnreadableItem]
MailTask = ReadGmail | ReadMime | ReadGraph | FindPart | SanitiseText

PARSED_MAILS_REPLY: Final = msgspec.msgpack.Decoder(ParsedMails | UnreadableItem)
FIND_PART_REPLY: Final = msgspec.msgpack.Decoder(FindPartReply | UnreadableItem)
SANITISE_TEXT_REPLY: Final = msgspec.msgpack.Decoder(SanitiseTextReply | UnreadableItem)
