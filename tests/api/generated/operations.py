"""The operations of the document, and what is checked of every answer."""

from __future__ import annotations

from typing import Final

import orjson
from schemathesis import Case, Response
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure

from integrations.urls.api import openapi

_PATHS: Final = orjson.loads(openapi.read_document())["paths"]
OPERATIONS: Final = tuple(
    operation["operationId"] for methods in _PATHS.values() for operation in methods.values()
)
#: Those of a person's data.
PERSON_OPERATIONS: Final = tuple(
    operation["operationId"]
    for path, methods in _PATHS.items()
    if path.startswith("/v1/users/{user}/")
    for operation in methods.values()
)
#: Not among them: that valid data is accepted (a time zone is a string, and few strings are one).
NAMES: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
)


def list_failures(case: Case, answer: Response) -> list[str]:
    """Return what the checks find in the answer, each with the request that brought it about."""
    load_all_checks()
    found: list[str] = []
    try:
        case.validate_response(answer, checks=[CHECKS.get_one(name) for name in NAMES])
    except* Failure as group:
        found = [f"{one}\n{describe_failure(case, answer)}" for one in group.exceptions]
    return found


def describe_failure(case: Case, answer: Response) -> str:
    return (
        f"{case.method} {case.formatted_path} query {case.query} headers {dict(case.headers)}\n"
        f"body {str(case.body)[:500]}\n"
        f"answer {answer.status_code} {answer.content[:300]!r}"
    )
