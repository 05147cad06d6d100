"""Every call of Graph, alone or in a batch: who, may they, can they afford it, then the play."""

import base64
import re
from typing import Any
from urllib.parse import unquote

import orjson

from integrations.sandbox.journal import KEPT_BODY, Entry
from integrations.sandbox.messages import Answer, Call, Problem
from integrations.sandbox.microsoft.accounts import Account
from integrations.sandbox.microsoft.grants import Access
from integrations.sandbox.microsoft.graph import batch, faults, limits, problems, routing
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.identity import bearer
from integrations.sandbox.microsoft.mail import sending
from integrations.sandbox.world import World

ROOT = "/v1.0/"
ALONE = limits.Arrival()
CONTENT_TYPE = (
    "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; "
    "charset=utf-8"
)
_PREFERENCE = re.compile(r'([\w.\-]+)(?:\s*=\s*("[^"]*"|[^,;\s]+))?')


def answer(world: World, call: Call, arrival: limits.Arrival = ALONE, part: int = 0) -> Answer:
    """
    Never raises a Problem: it is the answer. Recorded.

    :param part: of a batch, which of its parts it is
    """
    segments = routing.segments(call.path)
    found = routing.find(call.method, segments)
    try:
        if segments == ["$batch"] and call.method == "POST":
            _authenticated(world, call)
            result = batch.answer(
                world, call, lambda inner, part: _faulty(world, inner, arrival, part)
            )
        else:
            result = _answer(world, call, found, arrival.place_of(part))
    except Problem as problem:
        result = problem.answer
    _record(world, call, f"graph.{found[0].name}" if found else unquote(call.path), result.status)
    return result


def _record(world: World, call: Call, method_id: str, status: int) -> None:
    account = world.microsoft.account(bearer(call))
    world.journal.record(
        Entry(
            at=world.clock.now(),
            method=call.method,
            path=unquote(call.path),
            query=call.query_string,
            body=call.body[:KEPT_BODY].decode("utf-8", "replace"),
            method_id=method_id,
            user=account.email if account else "",
            status=status,
        )
    )


def _faulty(world: World, call: Call, arrival: limits.Arrival, part: int) -> Answer:
    """A part of a batch: it can meet a fault of its own, if that fault is an answer."""
    world.journal.batch_parts += 1
    fault = world.faults.take(call, answers_only=True)
    if fault is None:
        return answer(world, call, arrival, part)
    result = fault.answer()
    _record(world, call, "fault", result.status)
    return result


def _answer(
    world: World,
    call: Call,
    found: tuple[routing.Route, dict[str, str]] | None,
    place: int,
) -> Answer:
    access, account = _authenticated(world, call)
    if found is None:
        raise problems.no_such_path(unquote(call.path.rpartition("/")[2]))
    route, path = found
    if path.pop("user", account.oid) not in (account.oid, account.email):
        raise problems.access_denied()
    limits.admit(world, access, account, place)
    if route.scopes and not route.scopes & access.bare:
        raise problems.access_denied()
    if account.outlook:
        sending.settle(world, account.outlook)
    prefer = preferences(call.headers.get("prefer", ""))
    result = faults.play(route, Ask(world, call, account, access, path, prefer))
    return _shown(result, prefer, call)


def preferences(header: str) -> dict[str, str]:
    """`IdType="ImmutableId", odata.maxpagesize=50` → names in lower case, values without quotes."""
    return {
        one[1].lower(): (one[2] or "").strip('"') for one in _PREFERENCE.finditer(header) if one[1]
    }


def _authenticated(world: World, call: Call) -> tuple[Access, Account]:
    token = bearer(call)
    if not token:
        raise problems.missing_token()
    access = world.microsoft.grants.access(token)
    account = world.microsoft.account(token)
    if access is None or account is None or account.is_disabled:
        raise problems.invalid_token()
    if access.is_challenged:
        now = int(world.clock.now())
        claims = {"access_token": {"nbf": {"essential": True, "value": str(now)}}}
        encoded = base64.b64encode(orjson.dumps(claims)).decode()
        raise problems.claims_challenge(encoded, access.client_id)
    return access, account


def _shown(result: Any, prefer: dict[str, str], call: Call) -> Answer:
    """What a play gave: nothing, an answer of its own, (status, value), or a value."""
    if isinstance(result, Answer):
        return result
    status, value = (
        result if isinstance(result, tuple) else (200 if result is not None else 204, result)
    )
    headers = {"request-id": call.headers.get("client-request-id", "sandbox")}
    applied = [
        f'{name}="{value}"' if value else name
        for name, value in (
            ("IdType", prefer.get("idtype", "")),
            ("outlook.body-content-type", prefer.get("outlook.body-content-type", "")),
            ("outlook.timezone", prefer.get("outlook.timezone", "")),
        )
        if value
    ]
    if "odata.maxpagesize" in prefer:
        applied.append(f"odata.maxpagesize={prefer['odata.maxpagesize']}")
    if applied:
        headers["Preference-Applied"] = ", ".join(applied)
    if value is None:
        return Answer(status, b"", headers)
    return Answer(status, orjson.dumps(value), headers, CONTENT_TYPE)
