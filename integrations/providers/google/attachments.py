"""One attachment of Gmail: base64url inside JSON, decoded as it arrives."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any, Final

from integrations.formats.mime import gmail_payload
from integrations.providers import errors, provider_http
from integrations.providers.file_download import FileDownload
from integrations.providers.provider_access import ProviderAccess

from .google_http import map_google_error, prepare_request

# Imports may create messages of up to 150 MiB in Gmail.
MAX_BYTES: Final = 160 * 1024 * 1024
_DATA: Final = re.compile(rb'"data"\s*:\s*"')
_SIZE: Final = re.compile(rb'"size"\s*:\s*"?(\d{1,12})\b')
_MAX_HEAD: Final = 64 * 1024
# JSON may escape the slash. base64url has none, and Gmail may omit the padding.
_IGNORED_BYTES: Final = b"=\r\n \\"


def find_part_body(payload: Mapping[str, Any], part: str) -> Mapping[str, Any] | None:
    node = payload
    for step in part.split(".") if part else ():
        children = node.get("parts") or ()
        if not step.isdigit() or int(step) >= len(children):
            return None
        node = children[int(step)]
    body = node.get("body")
    return body if isinstance(body, Mapping) else None


def read_inline_attachment(body: Mapping[str, Any]) -> FileDownload:
    data = gmail_payload.decode_base64url(str(body.get("data") or ""))
    return FileDownload(iter((data,)), size=len(data))


def stream_attachment(request: Any, access: ProviderAccess) -> FileDownload:
    """
    Keep one chunk in memory at a time.

    :raises Gone: if the attachment no longer exists
    :raises Rejected: if its stated size exceeds Antares's limit
    """
    method, url, headers, _ = prepare_request(request, access)
    with ExitStack() as stack:
        response_stream = None
        beginning = None
        with suppress(provider_http.NoResponse):
            response_stream = stack.enter_context(
                provider_http.stream_response(method, url, headers)
            )
            beginning = (
                _read_beginning(response_stream.chunks)
                if response_stream.response.is_success
                else None
            )
        if response_stream is None:
            raise errors.Unavailable("Google did not answer")
        if not response_stream.response.is_success:
            raise map_google_error(response_stream.response, errors.Gone)
        if beginning is None:
            raise errors.Unavailable("Google stopped answering")
        size, first = beginning
        if (size or 0) > MAX_BYTES:
            raise _build_too_large_error()
        return FileDownload(
            _iterate_chunks(first, response_stream.chunks), stack.pop_all(), size=size
        )


def _read_beginning(chunks: Iterator[bytes]) -> tuple[int | None, bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        data_start = _DATA.search(head)
        if data_start is not None:
            size = _SIZE.search(head, 0, data_start.start())
            return int(size[1]) if size is not None else None, head[data_start.end() :]
        if len(head) > _MAX_HEAD:
            break
    raise errors.Unexpected("the answer holds no data")


def _iterate_chunks(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    is_interrupted = False
    try:
        yield from _decode_until_quote(first, chunks)
    except provider_http.NoResponse:
        is_interrupted = True
    if is_interrupted:
        raise errors.Unavailable("Google stopped answering")


def _build_too_large_error() -> errors.Rejected:
    return errors.Rejected("the attachment is larger than we carry", reason="too-large")


def _decode_until_quote(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    pending, total, chunk = b"", 0, first
    while True:
        data, quote, _ = chunk.partition(b'"')
        pending += data.translate(None, _IGNORED_BYTES)
        complete_length = len(pending) if quote else len(pending) // 4 * 4
        decoded = base64.urlsafe_b64decode(
            pending[:complete_length] + b"=" * (-complete_length % 4)
        )
        pending = pending[complete_length:]
        total += len(decoded)
        if total > MAX_BYTES:
            raise _build_too_large_error()
        if decoded:
            yield decoded
        if quote:
            return
        following = next(chunks, None)
        if following is None:
            raise errors.Unavailable("the answer ended early")
        chunk = following
