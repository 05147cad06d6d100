"""Page and sync tokens: opaque to others, and bound to the question that they continue."""

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import urlencode

import orjson

from integrations.sandbox.google import problems
from integrations.sandbox.messages import Call

DAY = 86_400
# May differ between the call that a token came from and the one that brings it.
_FREE = frozenset(
    {
        "syncToken", "pageToken", "maxResults", "fields", "alt", "prettyPrint", "key",
        # Stand in the first call of a round only: a token takes none of them.
        "timeMin", "timeMax", "updatedMin", "q", "orderBy", "iCalUID",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Token:
    """`version` is what was known when the list began; `place` how many items were shown."""

    question: str
    version: int
    made_at: float
    since: int = -1
    place: int = 0

    def __str__(self) -> str:
        body = orjson.dumps([self.question, self.version, self.made_at, self.since, self.place])
        return base64.urlsafe_b64encode(body).decode().rstrip("=")


def question(call: Call, *names: str) -> str:
    """What a call asks, apart from where in the answer it is."""
    asked = sorted((name, values) for name, values in call.query.items() if name not in _FREE)
    return hashlib.sha256(urlencode([*asked, ("", names)], doseq=True).encode()).hexdigest()[:16]


def read(text: str, expected: str) -> Token:
    """:raises Problem: 400 for anything that was not handed out for this question"""
    try:
        body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = Token(*orjson.loads(body))
    except (ValueError, TypeError) as error:
        raise problems.bad_value("Invalid sync token value.") from error
    if found.question != expected:
        raise problems.bad_value("Invalid sync token value.")
    return found
