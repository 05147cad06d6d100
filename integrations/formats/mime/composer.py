"""
Compose a mail to send, as pieces of bytes whose total size is known before. Pure.

Files are encoded as they are read, so memory holds one piece.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from integrations.formats import exact_pieces

from . import outgoing_headers
from .addresses import MailAddress
from .outgoing_file import OutgoingFile
from .outgoing_headers import InvalidOutgoingMail

#: Bytes of a file that become a line of base64 (RFC 2045: 76 characters).
_LINE_BYTES: Final = 57
_PIECE_BYTES: Final = 1_024 * _LINE_BYTES
_MAX_LINE: Final = 998
#: Bytes for headers, in `measure_message`.
HEADERS_ALLOWANCE: Final = 64 * 1024
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,100}")
# Types whose content may not be encoded (RFC 2046, 5.1 and 5.2).
_STRUCTURED_TYPES: Final = ("multipart/", "message/")
_ANY_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """Message-IDs have no angle brackets. `extra` are further headers of ours."""

    sender: MailAddress
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    bcc: tuple[MailAddress, ...]
    subject: str
    date: datetime
    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ComposedMessage:
    """`size` is exact. `iterate_pieces` can be called again, and raises `WrongSize`."""

    size: int
    iterate_pieces: Callable[[], Iterator[bytes]] = field(repr=False)


def compose_message(
    headers: MailHeaders, text: str, files: Sequence[OutgoingFile] = ()
) -> ComposedMessage:
    """:raises InvalidOutgoingMail: if an address, header or file name cannot be sent"""
    head = _format_headers(headers).encode("ascii")
    text_part = _format_text_part(text)
    if not files:
        message = head + text_part
        return ComposedMessage(len(message), lambda: iter((message,)))
    # Of 128 random bits, so no text contains it.
    boundary = f"=_{secrets.token_hex(16)}"
    start = (
        head
        + f'Content-Type: multipart/mixed;\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")
        + f"--{boundary}\r\n".encode("ascii")
        + text_part
    )
    file_heads = [_format_file_head(boundary, outgoing_file) for outgoing_file in files]
    end = f"\r\n--{boundary}--\r\n".encode("ascii")

    def iterate_pieces() -> Iterator[bytes]:
        yield start
        for file_head, outgoing_file in zip(file_heads, files, strict=True):
            yield file_head
            yield from encode_file(outgoing_file)
        yield end

    size = len(start) + len(end) + sum(map(len, file_heads))
    size += sum(measure_base64(outgoing_file.size) for outgoing_file in files)
    return ComposedMessage(size, iterate_pieces)


def _format_headers(headers: MailHeaders) -> str:
    if not (headers.to or headers.cc or headers.bcc):
        raise InvalidOutgoingMail("recipients")
    parents = (headers.in_reply_to,) if headers.in_reply_to else ()
    return "".join(
        (
            outgoing_headers.format_value("Date", format_datetime(headers.date.astimezone(UTC))),
            outgoing_headers.format_addresses("From", (headers.sender,)),
            outgoing_headers.format_addresses("To", headers.to),
            outgoing_headers.format_addresses("Cc", headers.cc),
            outgoing_headers.format_addresses("Bcc", headers.bcc),
            outgoing_headers.format_text("Subject", headers.subject),
            outgoing_headers.format_message_id(headers.message_id),
            outgoing_headers.format_references("In-Reply-To", parents),
            outgoing_headers.format_references("References", headers.references),
            *(outgoing_headers.format_value(name, value) for name, value in headers.extra),
            "MIME-Version: 1.0\r\n",
        )
    )


def _format_text_part(text: str) -> bytes:
    encoding, content = _encode_text(text)
    head = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}"
    return f"{head}\r\n\r\n".encode("ascii") + content


def _encode_text(text: str) -> tuple[str, bytes]:
    """Choose the shortest encoding in which no relay changes the text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    # Lone surrogates become question marks.
    content = lines.encode("utf-8", errors="replace")
    if lines.isascii() and all(len(line) <= _MAX_LINE for line in lines.split("\n")):
        return "7bit", content.replace(b"\n", b"\r\n")
    quoted = binascii.b2a_qp(content, istext=True).replace(b"\n", b"\r\n")
    size = measure_base64(len(content) + content.count(b"\n"))
    if len(quoted) <= size:
        return "quoted-printable", quoted
    return "base64", _encode_base64(content.replace(b"\n", b"\r\n"))


def _format_file_head(boundary: str, outgoing_file: OutgoingFile) -> bytes:
    content_type = outgoing_file.content_type.strip().lower()
    if not _TYPE.fullmatch(content_type) or content_type.startswith(_STRUCTURED_TYPES):
        content_type = _ANY_TYPE
    return (
        f"\r\n--{boundary}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"{outgoing_headers.format_disposition(outgoing_file.filename)}"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode("ascii")


def encode_file(outgoing_file: OutgoingFile) -> Iterator[bytes]:
    """:raises WrongSize: before the last piece, so that no reader takes it for complete"""
    for piece in split_file(outgoing_file, _PIECE_BYTES):
        yield _encode_base64(piece)


def split_file(outgoing_file: OutgoingFile, piece_bytes: int) -> Iterator[bytes]:
    """
    Return the content in pieces of `piece_bytes`, of which only the last may be shorter.

    :raises WrongSize: before the last piece, if the size is not as stated
    """
    pieces = exact_pieces.split_pieces(outgoing_file.open(), piece_bytes)
    return exact_pieces.iterate_exactly(pieces, outgoing_file.size)


def _encode_base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def measure_base64(size: int) -> int:
    """Return the length of `size` bytes in base64 with line ends."""
    return 4 * -(-size // 3) + 2 * -(-size // _LINE_BYTES)


def measure_message(text: str, file_sizes: Sequence[int]) -> int:
    """Return an upper bound of the size of a message, with `HEADERS_ALLOWANCE`."""
    text_size = len(text.encode("utf-8", errors="replace"))
    # At most two bytes for each line end.
    sizes = (2 * text_size, *file_sizes)
    return HEADERS_ALLOWANCE + sum(map(measure_base64, sizes))
