"""`POST /$batch`: up to twenty calls, answered in any order."""

import base64
import json
from collections.abc import Callable
from typing import Any

import orjson

from integrations.sandbox.http_messages import HttpAnswer, HttpCall
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.state import SandboxState

MAX_PARTS = 20
FIRST_ERROR_STATUS = 400
FAILED_DEPENDENCY = 424


def count_parts(call: HttpCall) -> int:
    try:
        return min(MAX_PARTS, len(orjson.loads(call.body)["requests"])) or 1
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return 1


def answer_batch(
    state: SandboxState, call: HttpCall, answer_part: Callable[[HttpCall, int], HttpAnswer]
) -> HttpAnswer:
    """
    :param answer_part: answers a part, given its index
    :raises HttpProblem: not a batch, more than 20 parts, or two with the same id
    """
    try:
        parts: list[dict[str, Any]] = orjson.loads(call.body)["requests"]
        ids = [str(part["id"]) for part in parts]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise problems.bad_request("Invalid batch payload format.") from error
    if len(parts) > MAX_PARTS:
        raise problems.bad_request(
            f"Number of batch request steps exceeds the maximum value of {MAX_PARTS}."
        )
    if len(set(ids)) < len(ids):
        raise problems.bad_request("Request Id's must be unique.")
    answers_by_id: dict[str, dict[str, Any]] = {}
    for index, (name, part) in enumerate(zip(ids, parts, strict=True)):
        dependencies = [
            answers_by_id.get(str(dependency)) for dependency in part.get("dependsOn", [])
        ]
        if any(
            dependency is None or dependency["status"] >= FIRST_ERROR_STATUS
            for dependency in dependencies
        ):
            answers_by_id[name] = {
                "id": name,
                "status": FAILED_DEPENDENCY,
                "headers": {},
                "body": None,
            }
            continue
        answers_by_id[name] = _format_part(name, answer_part(_read_inner_call(call, part), index))
    answers = list(answers_by_id.values())
    if state.knobs.graph_batch_shuffled:
        answers = answers[1::2][::-1] + answers[::2]
    return HttpAnswer(200, orjson.dumps({"responses": answers}))


def _read_inner_call(outer: HttpCall, part: dict[str, Any]) -> HttpCall:
    url = str(part.get("url", ""))
    if "://" in url:
        raise problems.bad_request("Invalid request url: it must be relative.")
    path, _, query = url.partition("?")
    headers = {name.lower(): str(value) for name, value in part.get("headers", {}).items()}
    # Links lead to the called host.
    for name in ("authorization", "host"):
        headers.setdefault(name, outer.headers.get(name, ""))
    body = part.get("body")
    content = b"" if body is None else orjson.dumps(body)
    if isinstance(body, str):
        content = body.encode()
    path = f"/v1.0/{path.removeprefix('/')}"
    return HttpCall(str(part.get("method", "GET")).upper(), path, query, headers, content)


def _embed_lone_surrogates(body: bytes) -> Any:
    """A fault contains lone surrogates; None for other text."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return None
    return orjson.Fragment(body)


def _format_part(name: str, result: HttpAnswer) -> dict[str, Any]:
    headers = dict(result.headers)
    body: Any = None
    if result.body:
        headers["Content-Type"] = result.content_type
        try:
            body = orjson.loads(result.body)
        except orjson.JSONDecodeError:
            body = _embed_lone_surrogates(result.body) or base64.b64encode(result.body).decode()
    return {"id": name, "status": result.status, "headers": headers, "body": body}
