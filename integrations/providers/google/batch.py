"""
Several requests in one, each answered by itself.

A mailbox is tens of thousands of small requests, and half of the processor time of one is HTTP.
https://developers.google.com/workspace/gmail/api/guides/batch: each part costs what it costs alone,
and counts as a call at once. Google's library has batches, too; it parses an answer line by line,
which costs more than what is saved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.providers import errors, http
from integrations.providers.access import Access

from .http import call, meaning, outcome, prepared

Outcome = dict[str, Any] | errors.ProviderError

_BOUNDARY: Final = re.compile(r'boundary="?([^";\s]+)')
_ID: Final = re.compile(rb"^content-id:\s*<?response-<?(\d+)>", re.IGNORECASE | re.MULTILINE)


def call_each(requests: Sequence[Any], access: Access, *, url: str) -> list[Outcome]:
    """
    Return the answer to each of `requests`, reads all of them, in order.

    :param url: where the service takes batches
    """
    if len(requests) == 1:
        return [_alone(requests[0], access)]
    boundary = f"batch_{token_hex(16)}"
    _, _, headers, _ = prepared(requests[0], access)
    headers["content-type"] = f"multipart/mixed; boundary={boundary}"
    parts = [_part(place, request, boundary) for place, request in enumerate(requests)]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    response, is_too_large = None, False
    try:
        response = http.send("POST", url, headers, body)
    except http.TooLarge:
        is_too_large = True
    except http.NoAnswer:
        pass
    # Outside of the except block: no error of the transport, which holds a token, becomes context.
    if is_too_large:
        # The answers are too large as a whole: ask for each half. One that is too large is left.
        half = len(requests) // 2
        some = call_each(requests[:half], access, url=url)
        return some + call_each(requests[half:], access, url=url)
    if response is None:
        return [errors.Unavailable("Google did not answer") for _ in requests]
    if not response.is_success:
        return [meaning(response, errors.Unexpected) for _ in requests]
    answers = _answers(response)
    return [
        outcome(request, answers[place])
        if place in answers
        else errors.Unavailable("Google did not answer this part", status=response.status)
        for place, request in enumerate(requests)
    ]


def _alone(request: Any, access: Access) -> Outcome:
    try:
        return call(request, access)
    except errors.ProviderError as error:
        return error.with_traceback(None)


def _part(place: int, request: Any, boundary: str) -> bytes:
    """Return one request as a part. The token stands once, in the headers of the whole."""
    target = urlsplit(request.uri)
    return (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <{place}>\r\n\r\n"
        f"{request.method} {target.path}?{target.query} HTTP/1.1\r\n"
        "Accept: application/json\r\n\r\n"
    ).encode()


def _answers(response: http.Answer) -> dict[int, http.Answer]:
    """Return the answers by the place of their request; what cannot be read is left out."""
    found = _BOUNDARY.search(response.headers.get("content-type", ""))
    if found is None:
        return {}
    answers: dict[int, http.Answer] = {}
    # With the line's end before it, which no JSON has within a string.
    delimiter = b"\r\n--" + found[1].encode()
    for part in (b"\r\n" + response.content).split(delimiter)[1:]:
        head, _, message = part.partition(b"\r\n\r\n")
        named = _ID.search(head)
        if named is not None:
            with suppress(ValueError):
                answers[int(named[1])] = http.answer_of(message)
    return answers
