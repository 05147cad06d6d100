"""An answer, held against the OpenAPI document: nothing missing, nothing undeclared."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.urls import Resolver404, resolve
from jsonschema import Draft202012Validator, FormatChecker

from integrations.urls.api import openapi

FORMATS = FormatChecker(formats=["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    """Return whether `value` is RFC 3339 with an offset."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("email")
def is_email(value: object) -> bool:
    return not isinstance(value, str) or "@" in value


@FORMATS.checks("uri")
def is_address(value: object) -> bool:
    parts = urlsplit(str(value))
    return bool(parts.scheme and parts.netloc)


@cache
def read_strict_document() -> dict[str, Any]:
    found = orjson.loads(openapi.read_document())
    for schema in found["components"]["schemas"].values():
        # What is not declared is not sent, or a new column becomes API by accident.
        schema["additionalProperties"] = False
    for methods in found["paths"].values():
        for told in methods.values():
            told["responses"] = {
                status: _resolve_answer(answer, found)
                for status, answer in told["responses"].items()
            }
    return found


def _resolve_answer(answer: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of an operation, or the one that many operations share."""
    if "$ref" not in answer:
        return answer
    return found["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]


def operation(path: str, method: str = "get") -> dict[str, Any]:
    """Return what the document says of the view that answers `path` to that method."""
    route = resolve(path).route
    for converter in ("<str:", "<uuid:"):
        route = route.replace(converter, "{")
    return read_strict_document()["paths"]["/" + route.replace(">", "}")][method]


def check_answer(answer) -> dict[str, Any]:
    """
    Return the answer's body, having checked it.

    :raises AssertionError: if the document does not describe this status, type or body
    """
    media_type = answer.headers["Content-Type"]
    asked = answer.request["REQUEST_METHOD"].lower()
    says = operation(answer.request["PATH_INFO"], asked)["responses"]
    assert str(answer.status_code) in says, answer.status_code
    schema = says[str(answer.status_code)]["content"][media_type]["schema"]
    validator = Draft202012Validator(
        {**schema, "components": read_strict_document()["components"]}, format_checker=FORMATS
    )
    body = orjson.loads(answer.content)
    found = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in validator.iter_errors(body)]
    assert found == [], found
    return body


def is_documented(answer) -> bool:
    """Return False if the answer's status is none that the document lists for its operation."""
    try:
        described = operation(answer.request["PATH_INFO"], answer.request["REQUEST_METHOD"].lower())
    except (KeyError, Resolver404):
        # The address or the method is none, and so has no entry.
        return True
    return str(answer.status_code) in described["responses"]


def problem(answer, status: int, code: str) -> dict[str, Any]:
    """Return the problem document that `answer` is, having checked every member of it."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "no-store" in answer.headers["Cache-Control"]
    assert is_documented(answer), f"{status} is not documented"
    body = orjson.loads(answer.content)
    check_problem(body)
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"].endswith(f"/problems/{code}/")
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return body


def check_problem(body: dict[str, Any]) -> None:
    """Check every member of a problem document."""
    schema = read_strict_document()["components"]["schemas"]["Problem"]
    errors = list(Draft202012Validator(schema, format_checker=FORMATS).iter_errors(body))
    assert errors == []
