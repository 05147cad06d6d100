"""
Compose a mail to send, as pieces of bytes whose total size is known before. Pure.

Files are encoded as they are read, so memory holds one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .addresses import MailAddress
from .outgoing_file import OutgoingFile


class InvalidOutgoingMail(Exception):
    """The mail cannot be sent. `reason` is one word: "address", "header", "filename"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FileSizeChanged(Exception):
    """A file yielded more or fewer bytes than its stated size."""


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
    """`size` is exact. `iterate_pieces` can be called again, and raises `FileSizeChanged`."""

    size: int
    iterate_pieces: Callable[[], Iterator[bytes]] = field(repr=False)


def compose_message(
    headers: MailHeaders, text: str, files: Sequence[OutgoingFile] = ()
) -> ComposedMessage:
    """:raises InvalidOutgoingMail: if an address, header or file name cannot be sent"""
    raise NotImplementedError


def measure_message(text: str, file_sizes: Sequence[int]) -> int:
    """Return the size in bytes of a message, with an allowance for its headers."""
    raise NotImplementedError


def check_address(address: str) -> str:
    """
    Return the address as it is sent, with its domain in ASCII (IDNA).

    :raises InvalidOutgoingMail: if mail cannot be sent to it
    """
    raise NotImplementedError
