"""One attachment, decoded as it arrives: Gmail sends it as base64url inside JSON."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any, Final

from integrations.mime import gmail_payload
from integrations.providers import errors, transport
from integrations.providers.access import Access

from .calls import meaning, prepared

# Gmail carries messages up to 150 MiB by import.
MAX_BYTES: Final = 160 * 1024 * 1024
_DATA: Final = re.compile(rb'"data"\s*:\s*"')
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


def inline(body: Mapping[str, Any]) -> bytes:
    return gmail_payload.decode(str(body.get("data") or ""))


def stream(request: Any, access: Access) -> Iterator[bytes]:
    """
    Return the decoded bytes that `request` answers with, in pieces.

    :raises Gone: if it no longer exists
    """
    method, url, headers, _ = prepared(request, access)
    with ExitStack() as stack:
        stream = None
        with suppress(transport.NoAnswer):
            stream = stack.enter_context(transport.streamed(method, url, headers))
        if stream is None:
            raise errors.Unavailable("Google did not answer")
        if not stream.answer.is_success:
            raise meaning(stream.answer, errors.Gone)
        return _pieces(stream.pieces, stack.pop_all())


def _pieces(pieces: Iterator[bytes], stack: ExitStack) -> Iterator[bytes]:
    lost = False
    with stack:
        try:
            yield from _decoded(pieces)
        except transport.NoAnswer:
            lost = True
    if lost:
        raise errors.Unavailable("Google stopped answering")


def _decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    begun = None
    for chunk in chunks:
        head += chunk
        begun = _DATA.search(head)
        if begun or len(head) > _HEAD:
            break
    if begun is None:
        raise errors.Unexpected("the answer holds no data")
    yield from _until_quote(head[begun.end() :], chunks)


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
            raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
        if piece:
            yield piece
        if quote:
            return
        following = next(chunks, None)
        if following is None:
            raise errors.Unavailable("the answer ended early")
        chunk = following
