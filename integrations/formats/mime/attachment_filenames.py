"""Make file names safe to show. Never use the result as a path."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from typing import Final, Protocol

from .headers import make_printable, remove_unprintable

MAX_LENGTH: Final = 200
MAX_EXTENSION: Final = 12
_SEPARATORS: Final = re.compile(r'[\\/:*?"<>|]+')
_FOLDER_SEPARATORS: Final = re.compile(r"[\\/]")
_BLANK: Final = re.compile(r"[\s.]*")


class FilenameMaker(Protocol):
    """`make_safe_filename` for attachments of mail, `make_drive_filename` for files in a Drive."""

    def __call__(self, name: str, *, content_type: str, position: int) -> str: ...


def make_safe_filename(name: str, *, content_type: str, position: int) -> str:
    """
    Return a name that cannot leave a folder, hide an extension by writing direction, or break a
    header.

    An empty result is replaced by a name from `position` and `content_type`.
    """
    # First, because this turns a full-width solidus into a plain one.
    plain = make_printable(unicodedata.normalize("NFKC", name))
    last = _SEPARATORS.split(plain)[-1] if _SEPARATORS.search(plain) else plain
    filename = make_printable(last).strip(" .") or _SEPARATORS.sub("_", plain).strip(" ._")
    if not filename:
        return _make_default(content_type, position)
    return _shorten(filename)


def make_drive_filename(name: str, *, content_type: str, position: int) -> str:
    """
    Return the name of a file as it was given, in Unicode's form C.

    Only control, zero-width and direction characters are removed, and separators of folders
    replaced. A name of spaces and dots alone is replaced as by `make_safe_filename`.
    """
    printable = unicodedata.normalize("NFC", remove_unprintable(name))
    filename = _FOLDER_SEPARATORS.sub("_", printable)
    if _BLANK.fullmatch(filename):
        return _make_default(content_type, position)
    return _shorten(filename)


def _make_default(content_type: str, position: int) -> str:
    return f"attachment-{position}{mimetypes.guess_extension(content_type) or '.bin'}"


def _shorten(filename: str) -> str:
    """Keep the extension."""
    if len(filename) <= MAX_LENGTH:
        return filename
    stem, dot, extension = filename.rpartition(".")
    if not dot or len(extension) > MAX_EXTENSION or not stem:
        return filename[:MAX_LENGTH]
    return stem[: MAX_LENGTH - len(extension) - 1] + dot + extension
