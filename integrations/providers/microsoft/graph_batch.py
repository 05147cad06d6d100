"""
Several reads of Graph in one request.

A batch saves round trips and processor time, not quota: each part counts as concurrent and may be
throttled. Source: https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson

from integrations.providers import errors, provider_http, request_concurrency
from integrations.providers.provider_access import ProviderAccess

from .graph_http import (
    GraphApiRequest,
    GraphOutcome,
    format_preferences,
    format_query,
    get_relative_path,
    map_graph_error,
    send_graph_read,
)
from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS

MAX_PARTS: Final = 20
_SUCCESS_STATUSES: Final = range(200, 300)


def send_in_batches(
    requests: Sequence[GraphApiRequest], access: ProviderAccess
) -> list[GraphOutcome]:
    """
    A batch is at most as large as the caller's number of concurrent requests. Each throttled part
    gets the longest pause.
    """
    width = request_concurrency.requests_at_once.get()
    size = width if 0 < width < MAX_CONCURRENT_REQUESTS else MAX_PARTS
    answers = [
        answer
        for start in range(0, len(requests), size)
        for answer in _send_batch(requests[start : start + size], access)
    ]
    return _apply_longest_pause(answers)


def _send_batch(requests: Sequence[GraphApiRequest], access: ProviderAccess) -> list[GraphOutcome]:
    if len(requests) == 1:
        return [_send_single(requests[0], access)]
    parts = [_build_part(position, request, access) for position, request in enumerate(requests)]
    batch = GraphApiRequest(
        "/$batch", method="POST", body={"requests": parts}, request_count=len(parts)
    )
    answer = _send_single(batch, access)
    if isinstance(answer, errors.Rejected):
        # The batch is too large, or one part nests too deeply: send each half, down to single
        # requests.
        middle = len(requests) // 2
        return _send_batch(requests[:middle], access) + _send_batch(requests[middle:], access)
    if isinstance(answer, errors.ProviderError):
        return [answer for _ in requests]
    responses = _index_responses(answer.get("responses"))
    return [_parse_part(responses.get(str(position))) for position in range(len(requests))]


def _index_responses(responses: object) -> dict[str, Mapping[str, Any]]:
    parts = responses if isinstance(responses, list) else ()
    return {str(part.get("id")): part for part in parts if isinstance(part, dict)}


def _send_single(request: GraphApiRequest, access: ProviderAccess) -> GraphOutcome:
    try:
        return send_graph_read(request, access)
    except errors.ProviderError as error:
        return error.with_traceback(None)


def _build_part(position: int, request: GraphApiRequest, access: ProviderAccess) -> dict[str, Any]:
    return {
        "id": str(position),
        "method": request.method,
        "url": get_relative_path(request, access) + format_query(request),
        "headers": {"Accept": request.accept, "Prefer": format_preferences(request)},
    }


def _parse_part(response: Mapping[str, Any] | None) -> GraphOutcome:
    if response is None:
        return errors.Unavailable("Microsoft did not answer this part")
    status = response.get("status")
    if not isinstance(status, int):
        return errors.Unexpected("a part of a batch has no status")
    body = response.get("body")
    if status in _SUCCESS_STATUSES:
        if isinstance(body, dict):
            return body
        return errors.Unexpected("the answer has another shape", status=status)
    headers = {
        str(name).lower(): str(value) for name, value in _list_headers(response.get("headers"))
    }
    return map_graph_error(
        provider_http.ProviderResponse(status, headers, _encode_body(body)), errors.Gone
    )


def _encode_body(body: object) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # The body nests too deeply, or contains a lone surrogate.
        return b""


def _list_headers(headers: object) -> Sequence[tuple[object, object]]:
    return list(headers.items()) if isinstance(headers, dict) else []


def _apply_longest_pause(answers: list[GraphOutcome]) -> list[GraphOutcome]:
    throttled = [answer for answer in answers if isinstance(answer, errors.RateLimited)]
    pauses = [error.retry_after for error in throttled if error.retry_after is not None]
    if not pauses:
        return answers
    limited = errors.RateLimited(
        "Microsoft throttled a part of a batch",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        reason=throttled[0].reason,
        retry_after=max(pauses),
    )
    return [limited if isinstance(answer, errors.RateLimited) else answer for answer in answers]
