"""Calls and answers without an HTTP library, so that batches can nest them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

if TYPE_CHECKING:
    from integrations.sandbox.google.drive.content import StoredContent

JSON = "application/json; charset=UTF-8"


@dataclass(frozen=True)
class HttpCall:
    """`path` is decoded; header names are lower case."""

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.query_string, keep_blank_values=True) if self.query_string else {}

    @cached_property
    def form(self) -> dict[str, str]:
        pairs = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in pairs.items()}

    def get_param(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[0] if values else default


@dataclass(frozen=True)
class HttpAnswer:
    """`content` is sent in pieces, instead of `body`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    content: "StoredContent | None" = None


def make_json_answer(value: Any, status: int = 200, **headers: str) -> HttpAnswer:
    return HttpAnswer(status, orjson.dumps(value), headers)


class HttpProblem(Exception):
    """Ends a call with this answer."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer
