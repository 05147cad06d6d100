"""Opaque page and sync tokens, bound to their query."""

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from integrations.sandbox.google import api_problems
from integrations.sandbox.http_messages import HttpCall

DAY = 86_400
# May change between the calls of a round.
_IGNORED_PARAMS = frozenset(
    {
        "syncToken", "pageToken", "maxResults", "fields", "alt", "prettyPrint", "key",
        # Only in the first call of a round.
        "timeMin", "timeMax", "updatedMin", "q", "orderBy", "iCalUID",
    }
)  # fmt: skip


@dataclass(frozen=True)
class ListToken:
    """`version` is the calendar's when the list began; `offset` counts shown items."""

    query_hash: str
    version: int
    issued_at: float
    since: int = -1
    offset: int = 0

    def __str__(self) -> str:
        body = orjson.dumps(
            [self.query_hash, self.version, self.issued_at, self.since, self.offset]
        )
        return base64.urlsafe_b64encode(body).decode().rstrip("=")


def hash_query(call: HttpCall, *names: str) -> str:
    """Hash the query without the position in the answer."""
    params = sorted(
        (name, values) for name, values in call.query.items() if name not in _IGNORED_PARAMS
    )
    return hashlib.sha256(urlencode([*params, ("", names)], doseq=True).encode()).hexdigest()[:16]


def read_token(text: str, expected: str) -> ListToken:
    """:raises HttpProblem: 400 for a token of another query"""
    try:
        body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        token = ListToken(*orjson.loads(body))
    except (ValueError, TypeError) as error:
        raise api_problems.bad_value("Invalid sync token value.") from error
    if token.query_hash != expected:
        raise api_problems.bad_value("Invalid sync token value.")
    return token
