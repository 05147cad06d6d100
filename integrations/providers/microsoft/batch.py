"""
Several reads of Graph in one request, each answered by itself.

Each part counts as a request, and as many as a mailbox answers at once are under way: a batch saves
round trips and processor time, not quota. A part may be throttled by itself.
https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson

from integrations.providers import errors, http, request_concurrency
from integrations.providers.access import Access

from .http import Outcome, Request, call, meaning, preferences, query_of, relative_path
from .mailbox_concurrency import AT_ONCE

MOST_PARTS: Final = 20
_OK: Final = range(200, 300)


def call_in_batches(requests: Sequence[Request], access: Access) -> list[Outcome]:
    """
    Return the answer to each of `requests`, reads of JSON, in order.

    A caller that may have fewer requests under way than Graph has parts gets batches of as many.
    Where Graph throttles parts, each of them tells the longest pause that any was asked for.
    """
    width = request_concurrency.requests_at_once.get()
    size = width if 0 < width < AT_ONCE else MOST_PARTS
    answers = [
        answer
        for at in range(0, len(requests), size)
        for answer in _call_batch(requests[at : at + size], access)
    ]
    return _with_longest_pause(answers)


def _call_batch(requests: Sequence[Request], access: Access) -> list[Outcome]:
    if len(requests) == 1:
        return [_call_alone(requests[0], access)]
    parts = [_part(place, request, access) for place, request in enumerate(requests)]
    batch = Request("/$batch", method="POST", body={"requests": parts}, parts=len(parts))
    answer = _call_alone(batch, access)
    if isinstance(answer, errors.Rejected):
        # Too large as a whole, or one part nests too deeply: each half, until one is left.
        half = len(requests) // 2
        return _call_batch(requests[:half], access) + _call_batch(requests[half:], access)
    if isinstance(answer, errors.ProviderError):
        return [answer for _ in requests]
    responses = _by_id(answer.get("responses"))
    return [_outcome(responses.get(str(place))) for place in range(len(requests))]


def _by_id(responses: object) -> dict[str, Mapping[str, Any]]:
    """Return the parts of an answer by the ids of their requests; an odd part answers none."""
    parts = responses if isinstance(responses, list) else ()
    return {str(part.get("id")): part for part in parts if isinstance(part, dict)}


def _call_alone(request: Request, access: Access) -> Outcome:
    try:
        return call(request, access)
    except errors.ProviderError as error:
        return error.with_traceback(None)


def _part(place: int, request: Request, access: Access) -> dict[str, Any]:
    return {
        "id": str(place),
        "method": request.method,
        "url": relative_path(request, access) + query_of(request),
        "headers": {"Accept": request.accept, "Prefer": preferences(request)},
    }


def _outcome(response: Mapping[str, Any] | None) -> Outcome:
    if response is None:
        return errors.Unavailable("Microsoft did not answer this part")
    status = response.get("status")
    if not isinstance(status, int):
        return errors.Unexpected("a part of a batch has no status")
    body = response.get("body")
    if status in _OK:
        if isinstance(body, dict):
            return body
        return errors.Unexpected("the answer has another shape", status=status)
    headers = {str(name).lower(): str(said) for name, said in _items(response.get("headers"))}
    return meaning(http.Answer(status, headers, _encode(body)), errors.Gone)


def _encode(body: object) -> bytes:
    """Return the body of an error as JSON; empty where its code cannot be read."""
    try:
        return orjson.dumps(body)
    except TypeError:
        # It nests too deeply, or holds half of a character.
        return b""


def _items(headers: object) -> Sequence[tuple[object, object]]:
    return list(headers.items()) if isinstance(headers, dict) else []


def _with_longest_pause(answers: list[Outcome]) -> list[Outcome]:
    """Have every throttled part tell the longest pause that any part was asked for."""
    throttled = [one for one in answers if isinstance(one, errors.RateLimited)]
    pauses = [one.retry_after for one in throttled if one.retry_after is not None]
    if not pauses:
        return answers
    limited = errors.RateLimited(
        "Microsoft throttled a part of a batch",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        reason=throttled[0].reason,
        retry_after=max(pauses),
    )
    return [limited if isinstance(one, errors.RateLimited) else one for one in answers]
