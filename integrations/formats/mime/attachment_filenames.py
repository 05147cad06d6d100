"""Make untrusted file names safe to show. Never use the result as a path."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from typing import Final

from .headers import make_printable

MAX_LENGTH: Final = 200
MAX_EXTENSION: Final = 12
_SEPARATORS: Final = re.compile(r'[\\/:*?"<>|]+')


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
        return f"attachment-{position}{mimetypes.guess_extension(content_type) or '.bin'}"
    if len(filename) <= MAX_LENGTH:
        return filename
    stem, dot, extension = filename.rpartition(".")
    if not dot or len(extension) > MAX_EXTENSION or not stem:
        return filename[:MAX_LENGTH]
    return stem[: MAX_LENGTH - len(extension) - 1] + dot + extension
