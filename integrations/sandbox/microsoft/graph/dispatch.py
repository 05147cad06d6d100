"""Each Graph call, alone or in a batch: authenticate, apply limits, handle."""

import base64
import re
from typing import Any
from urllib.parse import unquote

import orjson

from integrations.sandbox.http_messages import HttpAnswer, HttpCall, HttpProblem
from integrations.sandbox.microsoft.accounts import MicrosoftAccount
from integrations.sandbox.microsoft.grants import EntraAccessToken
from integrations.sandbox.microsoft.graph import batch, faults, limits, problems, routing
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.identity import get_bearer_token
from integrations.sandbox.microsoft.mail import sending
from integrations.sandbox.request_log import MAX_BODY, LoggedRequest
from integrations.sandbox.state import SandboxState

ROOT = "/v1.0/"
SINGLE_ARRIVAL = limits.MailboxArrival()
CONTENT_TYPE = (
    "application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; "
    "charset=utf-8"
)
_PREFERENCE = re.compile(r'([\w.\-]+)(?:\s*=\s*("[^"]*"|[^,;\s]+))?')


def answer_call(
    state: SandboxState,
    call: HttpCall,
    arrival: limits.MailboxArrival = SINGLE_ARRIVAL,
    part: int = 0,
) -> HttpAnswer:
    """
    Never raises HttpProblem.

    :param part: index in the batch
    """
    segments = routing.split_path(call.path)
    match = routing.find_route(call.method, segments)
    try:
        if segments == ["$batch"] and call.method == "POST":
            _authenticate(state, call)
            result = batch.answer_batch(
                state, call, lambda inner, part: _answer_part(state, inner, arrival, part)
            )
        else:
            result = _answer_authorized_call(state, call, match, arrival.get_place(part))
    except HttpProblem as problem:
        result = problem.answer
    _log_request(
        state, call, f"graph.{match[0].name}" if match else unquote(call.path), result.status
    )
    return result


def _log_request(state: SandboxState, call: HttpCall, method_id: str, status: int) -> None:
    account = state.microsoft.find_account_by_token(get_bearer_token(call))
    state.request_log.add_request(
        LoggedRequest(
            at=state.clock.now(),
            method=call.method,
            path=unquote(call.path),
            query=call.query_string,
            body=call.body[:MAX_BODY].decode("utf-8", "replace"),
            method_id=method_id,
            user=account.email if account else "",
            status=status,
        )
    )


def _answer_part(
    state: SandboxState, call: HttpCall, arrival: limits.MailboxArrival, part: int
) -> HttpAnswer:
    """A part can meet its own fault, if that is an answer."""
    state.request_log.batch_parts += 1
    fault = state.faults.take_matching(call, answers_only=True)
    if fault is None or fault.after:
        answer = answer_call(state, call, arrival, part)
        return fault.make_answer() if fault else answer
    result = fault.make_answer()
    _log_request(state, call, "fault", result.status)
    return result


def _answer_authorized_call(
    state: SandboxState,
    call: HttpCall,
    match: tuple[routing.GraphRoute, dict[str, str]] | None,
    place: int,
) -> HttpAnswer:
    access, account = _authenticate(state, call)
    if match is None:
        raise problems.no_such_path(unquote(call.path.rpartition("/")[2]))
    route, path = match
    if path.pop("user", account.oid) not in (account.oid, account.email):
        raise problems.access_denied()
    limits.admit_request(state, access, account, place)
    if route.scopes and not route.scopes & access.bare_scopes:
        raise problems.access_denied()
    if account.outlook:
        sending.complete_due_sends(state, account.outlook)
    prefer = parse_preferences(call.headers.get("prefer", ""))
    result = faults.handle_with_faults(
        route, GraphRequest(state, call, account, access, path, prefer)
    )
    return _make_answer(result, prefer, call)


def parse_preferences(header: str) -> dict[str, str]:
    """`IdType="ImmutableId", odata.maxpagesize=50`"""
    return {
        preference[1].lower(): (preference[2] or "").strip('"')
        for preference in _PREFERENCE.finditer(header)
        if preference[1]
    }


def _authenticate(state: SandboxState, call: HttpCall) -> tuple[EntraAccessToken, MicrosoftAccount]:
    token = get_bearer_token(call)
    if not token:
        raise problems.missing_token()
    access = state.microsoft.grants.find_access_token(token)
    account = state.microsoft.find_account_by_token(token)
    if access is None or account is None or account.is_disabled:
        raise problems.invalid_token()
    if access.is_challenged:
        now = int(state.clock.now())
        claims = {"access_token": {"nbf": {"essential": True, "value": str(now)}}}
        encoded = base64.b64encode(orjson.dumps(claims)).decode()
        raise problems.claims_challenge(encoded, access.client_id)
    return access, account


def _make_answer(result: Any, prefer: dict[str, str], call: HttpCall) -> HttpAnswer:
    """A handler returns None, an answer, (status, value), or a value."""
    if isinstance(result, HttpAnswer):
        return result
    status, value = (
        result if isinstance(result, tuple) else (200 if result is not None else 204, result)
    )
    headers = {"request-id": call.headers.get("client-request-id", "sandbox")}
    applied_preferences = [
        f'{name}="{value}"' if value else name
        for name, value in (
            ("IdType", prefer.get("idtype", "")),
            ("outlook.body-content-type", prefer.get("outlook.body-content-type", "")),
            ("outlook.timezone", prefer.get("outlook.timezone", "")),
        )
        if value
    ]
    if "odata.maxpagesize" in prefer:
        applied_preferences.append(f"odata.maxpagesize={prefer['odata.maxpagesize']}")
    if applied_preferences:
        headers["Preference-Applied"] = ", ".join(applied_preferences)
    if value is None:
        return HttpAnswer(status, b"", headers)
    return HttpAnswer(status, orjson.dumps(value), headers, CONTENT_TYPE)
