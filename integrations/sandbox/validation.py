"""Checks calls and answers against the discovery document."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import orjson

from integrations.sandbox import schema_validators, schemas
from integrations.sandbox.http_messages import HttpAnswer, HttpCall

MAX_VIOLATIONS = 500
MAX_MESSAGE_LENGTH = 300


class ApiValidator:
    """`checked` proves that calls were checked."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.checked = 0
        self.count = 0
        self.violations: deque[dict[str, str]] = deque(maxlen=MAX_VIOLATIONS)

    def check_call(
        self,
        call: HttpCall,
        method: schemas.ApiMethod | None,
        path: Mapping[str, str],
        answer: HttpAnswer,
    ) -> None:
        self.checked += 1
        if method is None:
            self._add_violation("request", call, "no method of the API has this path")
            return
        for complaint in find_request_complaints(call, method, path):
            self._add_violation("request", call, complaint)
        for complaint in find_answer_complaints(call, method, answer):
            self._add_violation("answer", call, complaint)

    def _add_violation(self, side: str, call: HttpCall, complaint: str) -> None:
        self.count += 1
        self.violations.append(
            {"side": side, "method": call.method, "path": call.path, "complaint": complaint}
        )


def find_request_complaints(
    call: HttpCall, method: schemas.ApiMethod, path: Mapping[str, str]
) -> list[str]:
    complaints = [f"path lacks {name}" for name in method.path if not path.get(name)]
    described = {**schemas.get_global_parameters(), **method.query}
    for name, values in call.query.items():
        if name == "uploadType" and method.upload:
            continue
        if name not in described:
            complaints.append(f"query has unknown {name}")
            continue
        if len(values) > 1 and not described[name].get("repeated"):
            complaints.append(f"query repeats {name}")
        complaints.extend(_find_value_complaint(name, value, described[name]) for value in values)
    missing = (n for n, p in method.query.items() if p.get("required") and n not in call.query)
    complaints.extend(f"query lacks {name}" for name in missing)
    complaints.extend(_find_body_complaints(call, method))
    return [complaint for complaint in complaints if complaint]


def _find_value_complaint(name: str, value: str, described: Mapping[str, Any]) -> str:
    kind = described.get("type")
    if "enum" in described and value not in described["enum"]:
        return f"query {name} is not one of its values: {value}"
    if kind == "boolean" and value not in ("true", "false"):
        return f"query {name} is not a boolean: {value}"
    bounds = schemas.BOUNDS.get(described.get("format", ""))
    if bounds and not (value.lstrip("-").isdecimal() and bounds[0] <= int(value) <= bounds[1]):
        return f"query {name} is not {described['format']}: {value}"
    return ""


def _find_body_complaints(call: HttpCall, method: schemas.ApiMethod) -> list[str]:
    kind = call.headers.get("content-type", "").partition(";")[0].strip()
    if not call.body:
        return []
    if not method.request:
        return ["body where there is none"]
    if kind != "application/json":
        return [] if method.upload else [f"body is {kind}"]
    try:
        value = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        return ["body is not JSON"]
    return _find_schema_complaints(method.api, method.request, value, answers=False)


def find_answer_complaints(
    call: HttpCall, method: schemas.ApiMethod, answer: HttpAnswer
) -> list[str]:
    complaint = _find_form_complaint(call, answer)
    if complaint is not None:
        return [complaint] if complaint else []
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ["answer is not JSON"]
    if answer.status >= 400:  # noqa: PLR2004 - HTTP
        return _find_error_complaints(value, answer.status)
    if not method.response:
        return ["answer where there is none"]
    if call.get_param("fields"):
        return _find_schema_complaints(method.api, method.response, value, answers=False)
    form = ""
    if method.id == "gmail.users.messages.get":
        form = call.get_param("format", "full").lower()
    return _find_schema_complaints(method.api, method.response, value, answers=True, form=form)


def _find_form_complaint(call: HttpCall, answer: HttpAnswer) -> str | None:
    """For answers without JSON; "" if there is nothing to complain of, None if it is JSON."""
    if answer.status == 204:  # noqa: PLR2004 - HTTP
        return "204 with a body" if answer.body else ""
    if answer.content is not None:
        return "" if call.get_param("alt") == "media" else "content without alt=media"
    if answer.status == 200 and "Location" in answer.headers:  # noqa: PLR2004 - HTTP
        is_resumable = call.get_param("uploadType") == "resumable"
        return "" if is_resumable else "unexpected upload session"
    return None


def _find_schema_complaints(
    api: str, name: str, value: object, *, answers: bool, form: str = ""
) -> list[str]:
    checker = schema_validators.get_validator(api, name, answers=answers, form=form)
    return [
        f"{name}{error.json_path[1:]}: {error.message[:MAX_MESSAGE_LENGTH]}"
        for error in checker.iter_errors(value)
    ]


def _find_error_complaints(value: Any, status: int) -> list[str]:
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or error.get("code") != status or "message" not in error:
        return ["error without the envelope, or with another code than the status"]
    reasons = error.get("errors")
    if not isinstance(reasons, list) or not all("reason" in reason for reason in reasons):
        return ["error without reasons"]
    return []
