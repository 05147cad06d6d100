"""One call and its answer, free of any HTTP library, so that a batch can hold many of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

import orjson

JSON = "application/json; charset=UTF-8"


@dataclass(frozen=True)
class Call:
    """`path` is decoded, without the query; header names are lower case."""

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
        """The last value of each field of a form body."""
        pairs = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in pairs.items()}

    def first(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[0] if values else default


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, orjson.dumps(value), headers)


class Problem(Exception):
    """Ends a call with this answer. Constructors live in `google/problems.py`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
