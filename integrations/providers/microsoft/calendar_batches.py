"""
Many reads of one mailbox's calendars in few requests: `$batch`, twenty at a time.

Graph counts each part as a request and runs no more than four at once for a mailbox. What a batch
saves is round trips and the cost of a request here; so batches follow each other, and none runs
beside another. https://learn.microsoft.com/en-us/graph/json-batching
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from integrations.providers import errors, transport
from integrations.providers.access import Access

from .calls import IMMUTABLE, Outcome, Request, call_each, meaning

MOST: Final = 20


def read_each(requests: Sequence[Request], access: Access) -> list[Outcome]:
    """Return the answer to each of `requests`, reads by path, in order."""
    found: list[Outcome] = []
    for at in range(0, len(requests), MOST):
        part = requests[at : at + MOST]
        found += _read_batch(part, access) if len(part) > 1 else call_each(part, access)
    return found


def _read_batch(requests: Sequence[Request], access: Access) -> list[Outcome]:
    parts = [_part(number, one) for number, one in enumerate(requests)]
    request = Request("/$batch", method="POST", body={"requests": parts})
    [answer] = call_each([request], access)
    if isinstance(answer, errors.Rejected):
        # Together they are larger than we carry.
        return call_each(requests, access)
    if isinstance(answer, errors.ProviderError):
        return [answer for _ in requests]
    answers = {str(one.get("id")): one for one in answer.get("responses") or ()}
    return [_outcome(answers.get(str(number))) for number in range(len(requests))]


def _part(number: int, request: Request) -> dict[str, Any]:
    query = urlencode(request.query, quote_via=quote, safe="$,()':/")
    url = f"{request.path}?{query}" if query else request.path
    prefer = ", ".join((IMMUTABLE, *request.prefer))
    return {"id": str(number), "method": "GET", "url": url, "headers": {"Prefer": prefer}}


def _outcome(answer: Mapping[str, Any] | None) -> Outcome:
    """:raises TypeError, ValueError: if an answer has another shape"""
    if answer is None:
        return errors.Unavailable("a part of a batch was not answered")
    status, body = int(answer["status"]), answer.get("body")
    headers = {str(name).lower(): str(value) for name, value in answer.get("headers", {}).items()}
    whole = transport.Answer(status, headers, json.dumps(body).encode())
    if not whole.is_success:
        return meaning(whole, errors.Gone)
    if isinstance(body, dict):
        return body
    return errors.Unavailable("a part of a batch cannot be read", status=status)
