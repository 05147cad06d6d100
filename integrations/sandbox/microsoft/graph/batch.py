"""`POST /$batch`: up to twenty calls in one, some after others, answered in any order."""

import base64
import json
from collections.abc import Callable
from typing import Any

import orjson

from integrations.sandbox.messages import Answer, Call
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.world import World

MOST = 20
FAILED = 400
FAILED_DEPENDENCY = 424


def count_parts(call: Call) -> int:
    """Return how many calls are in a batch; of a body that is no batch, 1."""
    try:
        return min(MOST, len(orjson.loads(call.body)["requests"])) or 1
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return 1


def answer(world: World, call: Call, one: Callable[[Call, int], Answer]) -> Answer:
    """
    :param one: answers a part, given which of the parts it is
    :raises Problem: not a batch, more than 20, or two with the same id
    """
    try:
        asked: list[dict[str, Any]] = orjson.loads(call.body)["requests"]
        ids = [str(each["id"]) for each in asked]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise problems.bad_request("Invalid batch payload format.") from error
    if len(asked) > MOST:
        raise problems.bad_request(
            f"Number of batch request steps exceeds the maximum value of {MOST}."
        )
    if len(set(ids)) < len(ids):
        raise problems.bad_request("Request Id's must be unique.")
    answered: dict[str, dict[str, Any]] = {}
    for place, (name, each) in enumerate(zip(ids, asked, strict=True)):
        before = [answered.get(str(other)) for other in each.get("dependsOn", [])]
        if any(other is None or other["status"] >= FAILED for other in before):
            answered[name] = {"id": name, "status": FAILED_DEPENDENCY, "headers": {}, "body": None}
            continue
        answered[name] = _shown(name, one(_inner(call, each), place))
    found = list(answered.values())
    if world.dials.graph_batch_shuffled:
        found = found[1::2][::-1] + found[::2]
    return Answer(200, orjson.dumps({"responses": found}))


def _inner(outer: Call, each: dict[str, Any]) -> Call:
    url = str(each.get("url", ""))
    if "://" in url:
        raise problems.bad_request("Invalid request url: it must be relative.")
    path, _, query = url.partition("?")
    headers = {name.lower(): str(value) for name, value in each.get("headers", {}).items()}
    # Links lead to the host that was asked, in a batch as well.
    for name in ("authorization", "host"):
        headers.setdefault(name, outer.headers.get(name, ""))
    body = each.get("body")
    content = b"" if body is None else orjson.dumps(body)
    if isinstance(body, str):
        content = body.encode()
    path = f"/v1.0/{path.removeprefix('/')}"
    return Call(str(each.get("method", "GET")).upper(), path, query, headers, content)


def _as_written(body: bytes) -> Any:
    """JSON with half of a character in it, which only a fault has; None for what is no JSON."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return None
    return orjson.Fragment(body)


def _shown(name: str, result: Answer) -> dict[str, Any]:
    headers = dict(result.headers)
    body: Any = None
    if result.body:
        headers["Content-Type"] = result.content_type
        try:
            body = orjson.loads(result.body)
        except orjson.JSONDecodeError:
            body = _as_written(result.body) or base64.b64encode(result.body).decode()
    return {"id": name, "status": result.status, "headers": headers, "body": body}
