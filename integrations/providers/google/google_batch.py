"""
Several requests of Google in one.

Half the processor time of small requests is HTTP. Each part costs its own quota and counts as
concurrent. The batches of Google's library have a costly line parser. Source:
https://developers.google.com/workspace/gmail/api/guides/batch
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.providers import errors, provider_http
from integrations.providers.provider_access import ProviderAccess

from .google_http import map_google_error, parse_outcome, prepare_request, send_google_read

GoogleOutcome = dict[str, Any] | errors.ProviderError

_BOUNDARY: Final = re.compile(r'boundary="?([^";\s]+)')
_ID: Final = re.compile(rb"^content-id:\s*<?response-<?(\d+)>", re.IGNORECASE | re.MULTILINE)


def send_batch(requests: Sequence[Any], access: ProviderAccess, *, url: str) -> list[GoogleOutcome]:
    """Return the results of reads, in order."""
    if len(requests) == 1:
        return [_send_single(requests[0], access)]
    boundary = f"batch_{token_hex(16)}"
    _, _, headers, _ = prepare_request(requests[0], access)
    headers["content-type"] = f"multipart/mixed; boundary={boundary}"
    parts = [_format_part(position, request, boundary) for position, request in enumerate(requests)]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    response, is_too_large = None, False
    try:
        response = provider_http.send_request("POST", url, headers, body)
    except provider_http.ResponseTooLarge:
        is_too_large = True
    except provider_http.NoResponse:
        pass
    # Handled outside `except`: transport errors hold a token and must not become context.
    if is_too_large:
        # The responses together are too large: send each half, down to single requests.
        middle = len(requests) // 2
        first_half = send_batch(requests[:middle], access, url=url)
        return first_half + send_batch(requests[middle:], access, url=url)
    if response is None:
        return [errors.Unavailable("Google did not answer") for _ in requests]
    if not response.is_success:
        return [map_google_error(response, errors.Unexpected) for _ in requests]
    answers = _parse_responses(response)
    return [
        parse_outcome(request, answers[position])
        if position in answers
        else errors.Unavailable("Google did not answer this part", status=response.status)
        for position, request in enumerate(requests)
    ]


def _send_single(request: Any, access: ProviderAccess) -> GoogleOutcome:
    try:
        return send_google_read(request, access)
    except errors.ProviderError as error:
        return error.with_traceback(None)


def _format_part(position: int, request: Any, boundary: str) -> bytes:
    """Only the headers of the batch hold the token."""
    target = urlsplit(request.uri)
    return (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <{position}>\r\n\r\n"
        f"{request.method} {target.path}?{target.query} HTTP/1.1\r\n"
        "Accept: application/json\r\n\r\n"
    ).encode()


def _parse_responses(
    response: provider_http.ProviderResponse,
) -> dict[int, provider_http.ProviderResponse]:
    boundary = _BOUNDARY.search(response.headers.get("content-type", ""))
    if boundary is None:
        return {}
    answers: dict[int, provider_http.ProviderResponse] = {}
    # With the line end before it, which no string in JSON contains.
    delimiter = b"\r\n--" + boundary[1].encode()
    for part in (b"\r\n" + response.content).split(delimiter)[1:]:
        head, _, message = part.partition(b"\r\n\r\n")
        content_id = _ID.search(head)
        if content_id is not None:
            with suppress(ValueError):
                answers[int(content_id[1])] = provider_http.parse_http_response(message)
    return answers
