"""Tasks of reading mail, and what each is answered with."""

from __future__ import annotations

from typing import Final

import msgspec

from integrations.formats.mime.message import ParsedMessage
from integrations.formats.mime.safe_bodies import ShownText

from .wire_frames import Unreadable


class ReadMail(msgspec.Struct, frozen=True, tag=True):
    """One message, read, and its text made safe to show."""

    mail: ParsedMessage
    shown: ShownText


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


class FoundPart(msgspec.Struct, frozen=True, tag=True):
    """The bytes of a part; None where the message has no such part."""

    data: bytes | None


class ShowText(msgspec.Struct, frozen=True, tag=True):
    """Make the text of a message that was read before safe to show."""

    text: str
    html: str


class TextShown(msgspec.Struct, frozen=True, tag=True):
    """The reply to `ShowText`."""

    shown: ShownText


ReadMails = list[ReadMail | Unreadable]
MailTask = ReadGmail | ReadMime | ReadGraph | FindPart | ShowText

READ_MAILS: Final = msgspec.msgpack.Decoder(ReadMails | Unreadable)
FOUND_PART: Final = msgspec.msgpack.Decoder(FoundPart | Unreadable)
TEXT_SHOWN: Final = msgspec.msgpack.Decoder(TextShown | Unreadable)
