"""One attachment, decoded as it arrives: Gmail sends it as base64url inside JSON."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any, Final

from integrations.formats.mime import gmail_payload
from integrations.providers import errors, http
from integrations.providers.access import Access
from integrations.providers.file_download import ArrivingFile

from .http import meaning, prepared

# Gmail carries messages up to 150 MiB by import.
MAX_BYTES: Final = 160 * 1024 * 1024
_DATA: Final = re.compile(rb'"data"\s*:\s*"')
_SIZE: Final = re.compile(rb'"size"\s*:\s*"?(\d{1,12})\b')
_HEAD: Final = 64 * 1024
# The slash may come escaped in JSON; base64url has none, and padding is Gmail's choice.
_NOISE: Final = b"=\r\n \\"


def body_of(payload: Mapping[str, Any], part: str) -> Mapping[str, Any] | None:
    """Return the body of the part at `part`, a path of indexes; None where there is none."""
    node = payload
    for step in part.split(".") if part else ():
        below = node.get("parts") or ()
        if not step.isdigit() or int(step) >= len(below):
            return None
        node = below[int(step)]
    body = node.get("body")
    return body if isinstance(body, Mapping) else None


def inline(body: Mapping[str, Any]) -> ArrivingFile:
    """Return a part that came with its message, whole."""
    data = gmail_payload.decode(str(body.get("data") or ""))
    return ArrivingFile(iter((data,)), size=len(data))


def stream(request: Any, access: Access) -> ArrivingFile:
    """
    Return the decoded bytes that `request` answers with, as they arrive.

    Of the answer, one piece is in memory at a time.

    :raises Gone: if it no longer exists
    :raises Rejected: if it says that it is larger than we carry
    """
    method, url, headers, _ = prepared(request, access)
    with ExitStack() as stack:
        stream = None
        begun = None
        with suppress(http.NoAnswer):
            stream = stack.enter_context(http.streamed(method, url, headers))
            begun = _begin(stream.pieces) if stream.answer.is_success else None
        if stream is None:
            raise errors.Unavailable("Google did not answer")
        if not stream.answer.is_success:
            raise meaning(stream.answer, errors.Gone)
        if begun is None:
            raise errors.Unavailable("Google stopped answering")
        size, first = begun
        if (size or 0) > MAX_BYTES:
            raise _too_large()
        return ArrivingFile(_pieces(first, stream.pieces), stack.pop_all(), size=size)


def _begin(chunks: Iterator[bytes]) -> tuple[int | None, bytes]:
    """Return the size that the answer says, and what came of the data so far, still encoded."""
    head = b""
    for chunk in chunks:
        head += chunk
        begun = _DATA.search(head)
        if begun is not None:
            size = _SIZE.search(head, 0, begun.start())
            return int(size[1]) if size is not None else None, head[begun.end() :]
        if len(head) > _HEAD:
            break
    raise errors.Unexpected("the answer holds no data")


def _pieces(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    lost = False
    try:
        yield from _until_quote(first, chunks)
    except http.NoAnswer:
        lost = True
    if lost:
        raise errors.Unavailable("Google stopped answering")


def _too_large() -> errors.Rejected:
    return errors.Rejected("the attachment is larger than we carry", reason="too-large")


def _until_quote(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    kept, total, chunk = b"", 0, first
    while True:
        data, quote, _ = chunk.partition(b'"')
        kept += data.translate(None, _NOISE)
        whole = len(kept) if quote else len(kept) // 4 * 4
        piece = base64.urlsafe_b64decode(kept[:whole] + b"=" * (-whole % 4))
        kept = kept[whole:]
        total += len(piece)
        if total > MAX_BYTES:
            raise _too_large()
        if piece:
            yield piece
        if quote:
            return
        following = next(chunks, None)
        if following is None:
            raise errors.Unavailable("the answer ended early")
        chunk = following
