"""Exceptions of this package. A request without a readable response raises `httpx.RequestError`."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import httpx

from .retries import read_retry_after

_PROBLEM_TYPE: Final = "application/problem+json"


class AntaresError(Exception):
    """Base class of the others."""


class UnexpectedResponse(AntaresError):
    """A response that the OpenAPI document does not describe, such as the page of a proxy."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"Unexpected response with status {response.status_code}")
        self.status = response.status_code
        self.content = response.content


class ProblemError(AntaresError):
    """
    A problem document (RFC 9457). Decide by `code`: texts may change.

    `code` is a value of `antares_client.models.ProblemCode`, or a newer one.
    """

    def __init__(self, response: httpx.Response, problem: dict[str, Any]) -> None:
        self.status = response.status_code
        self.code = _read_text(problem, "code")
        self.title = _read_text(problem, "title")
        self.detail = _read_text(problem, "detail")
        #: Tell it to support.
        self.request_id = _read_text(problem, "request_id")
        #: `self` (Antares) or `provider`, if a limit was reached.
        self.limited_by = _read_text(problem, "limited_by") or None
        #: Seconds until the next request.
        self.retry_after = read_retry_after(response.headers)
        self.errors = _read_list(problem, "errors")
        self.problem = problem
        super().__init__(f"{self.status} {self.code}: {self.detail or self.title}")


class Refused(ProblemError):
    """The policy does not allow this use of data. A repetition gets the same answer."""

    def __init__(self, response: httpx.Response, problem: dict[str, Any]) -> None:
        super().__init__(response, problem)
        self.rule = _read_text(problem, "rule")
        self.clauses = [str(clause) for clause in _read_list(problem, "clauses")]
        self.missing = [str(name) for name in _read_list(problem, "missing")]
        self.purpose = _read_text(problem, "purpose")
        self.data_class = _read_text(problem, "data_class")
        self.recipient = _read_text(problem, "recipient")
        self.ledger_entry = _read_uuid(problem, "ledger_entry")


class TokenRefused(AntaresError):
    """The token endpoint refused (RFC 6749 §5.2); `error` is its code."""

    def __init__(self, response: httpx.Response) -> None:
        body = read_json_object(response) or {}
        self.status = response.status_code
        self.error = _read_text(body, "error")
        self.description = _read_text(body, "error_description")
        self.retry_after = read_retry_after(response.headers)
        super().__init__(f"{self.status} {self.error}: {self.description}")


class DelegationEnded(TokenRefused):
    """
    The service knows no live delegation with this id, and only a new hand-over helps.

    The person switched the feature off or left, or the id is of another client or service.
    Removals tell what to delete.
    """


class HandOverFailed(AntaresError):
    """The redirect back does not belong to this hand-over, or reports an error."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description


class HandOverDeclined(HandOverFailed):
    """The person did not agree."""


def raise_for_problem(response: httpx.Response) -> None:
    """:raises ProblemError, UnexpectedResponse: unless the request succeeded"""
    if not response.is_success:
        raise make_problem_error(response)


def make_problem_error(response: httpx.Response) -> ProblemError | UnexpectedResponse:
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
    problem = read_json_object(response) if media_type == _PROBLEM_TYPE else None
    if problem is None:
        return UnexpectedResponse(response)
    if problem.get("code") == "limited-use-refused":
        return Refused(response, problem)
    return ProblemError(response, problem)


def read_json_object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    # Deep nesting ends in a RecursionError.
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _read_text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _read_list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _read_uuid(body: dict[str, Any], name: str) -> UUID | None:
    try:
        return UUID(_read_text(body, name))
    except ValueError:
        return None
