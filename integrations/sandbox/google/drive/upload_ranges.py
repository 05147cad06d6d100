"""`Content-Range` of a request to an upload session, and `Range` of its answer."""

import re
from dataclasses import dataclass

from integrations.sandbox.google.drive.content import GRANULARITY
from integrations.sandbox.http_messages import HttpCall

_CHUNK = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_QUERY = re.compile(r"bytes \*/(\d+|\*)")


class RangeError(ValueError):
    """The text of a 400."""


@dataclass(frozen=True)
class UploadRange:
    """
    The bytes from `start` up to `end`, which is not among them. None: unknown until the body ends.

    Without content it asks for the state of the session.
    """

    start: int = 0
    end: int | None = None
    total: int | None = None
    is_query: bool = False


def parse_range(call: HttpCall) -> UploadRange:
    """:raises RangeError: malformed, or not the length of the body"""
    header, length = call.headers.get("content-range"), call.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else None
    if header is None:
        return UploadRange(end=size, total=size)
    if query := _QUERY.fullmatch(header.strip()):
        if size:
            raise RangeError("A status request has no content.")
        return UploadRange(total=_read_total(query[1]), is_query=True)
    chunk = _CHUNK.fullmatch(header.strip())
    if chunk is None:
        raise RangeError("Content-Range is malformed.")
    start, end, total = int(chunk[1]), int(chunk[2]) + 1, _read_total(chunk[3])
    if end <= start or (total is not None and end > total):
        raise RangeError("Content-Range is impossible.")
    if size is not None and size != end - start:
        raise RangeError(f"Content-Range has {end - start} bytes, the body {size}.")
    if end != total and (end - start) % GRANULARITY:
        raise RangeError(f"Only the last chunk may be no multiple of {GRANULARITY} bytes.")
    return UploadRange(start, end, total)


def _read_total(text: str) -> int | None:
    return None if text == "*" else int(text)


def format_range(size: int) -> dict[str, str]:
    """Without stored bytes there is no header."""
    return {"Range": f"bytes=0-{size - 1}"} if size else {}
