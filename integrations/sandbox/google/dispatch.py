"""Each API call, alone or in a batch: authenticate, charge quota, handle."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google import api_problems, fields, quota, routing
from integrations.sandbox.google.authorized_call import AuthorizedCall
from integrations.sandbox.google.calendar.handlers import handle_calendar_call
from integrations.sandbox.google.drive.handlers import handle_drive_call
from integrations.sandbox.google.gmail.handlers import handle_gmail_call
from integrations.sandbox.google.grants import GoogleAccessToken
from integrations.sandbox.google.identity import get_bearer_token
from integrations.sandbox.http_messages import HttpAnswer, HttpCall, HttpProblem
from integrations.sandbox.request_log import MAX_BODY, LoggedRequest
from integrations.sandbox.schemas import ApiMethod, get_global_parameters
from integrations.sandbox.state import SandboxState

NO_CONTENT = 204
Handler = Callable[[AuthorizedCall], Any]
API_HANDLERS: Mapping[str, Handler] = {
    "gmail": handle_gmail_call,
    "calendar": handle_calendar_call,
    "drive": handle_drive_call,
}


def answer_call(state: SandboxState, call: HttpCall) -> HttpAnswer:
    """Answer, record and validate. Never raises HttpProblem."""
    call = _apply_method_override(call)
    match = routing.find_method(call.method, call.path)
    method = match[0] if match else None
    try:
        result = _answer_authorized_call(state, call, match)
    except HttpProblem as problem:
        result = problem.answer
    user = _get_user_email(state, call)
    state.request_log.add_request(
        LoggedRequest(
            at=state.clock.now(),
            method=call.method,
            path=call.path,
            query=call.query_string,
            body=call.body[:MAX_BODY].decode("utf-8", "replace"),
            method_id=method.id if method else call.path,
            user=user,
            status=result.status,
        )
    )
    if state.validator:
        state.validator.check_call(call, method, match[1] if match else {}, result)
    return result


def _get_user_email(state: SandboxState, call: HttpCall) -> str:
    access = state.grants.find_access_token(get_bearer_token(call))
    account = state.accounts.find(access.grant.sub) if access else None
    return account.email if account else ""


def _apply_method_override(call: HttpCall) -> HttpCall:
    """Long GETs arrive as POST."""
    override = call.headers.get("x-http-method-override", "")
    if call.method != "POST" or override != "GET":
        return call
    return HttpCall("GET", call.path, call.body.decode("utf-8", "replace"), call.headers)


def _answer_authorized_call(
    state: SandboxState, call: HttpCall, match: tuple[ApiMethod, dict[str, str]] | None
) -> HttpAnswer:
    if match is None:
        raise api_problems.no_such_path()
    method, path = match
    access, account = _authenticate(state, call)
    if not method.scopes & set(access.scopes):
        raise api_problems.insufficient_scope(sorted(method.scopes))
    for name in call.query:
        if (
            name not in method.query
            and name not in get_global_parameters()
            and name != "uploadType"
        ):
            raise api_problems.unknown_parameter(name)
    _charge_quota(state, call, method, account, access)
    return _make_answer(
        call, API_HANDLERS[method.api](AuthorizedCall(state, call, method, path, account, access))
    )


def _authenticate(state: SandboxState, call: HttpCall) -> tuple[GoogleAccessToken, SandboxAccount]:
    value = get_bearer_token(call) or call.get_param("access_token")
    if not value:
        raise api_problems.login_required()
    access = state.grants.find_access_token(value)
    account = state.accounts.find(access.grant.sub) if access else None
    if access is None or account is None:
        raise api_problems.invalid_credentials()
    return access, account


def _charge_quota(
    state: SandboxState,
    call: HttpCall,
    method: ApiMethod,
    account: SandboxAccount,
    access: GoogleAccessToken,
) -> None:
    """Concurrency first: Google charges nothing for calls refused there."""
    limit = state.knobs.concurrency
    if limit and state.open_requests[account.sub] > limit:
        raise api_problems.too_many_concurrent()
    project = access.grant.project
    if method.api == "calendar":
        state.quota_meter.count_request(user=account.sub, project=project)
        return
    if method.api == "drive":
        cost = quota.get_drive_units(method.id, is_download=call.get_param("alt") == "media")
        state.quota_meter.charge_drive_units(user=account.sub, project=project, cost=cost)
        state.request_log.count_units(method.id, account.email, cost)
        return
    cost = quota.get_units(method.id)
    state.quota_meter.charge_units(user=account.sub, project=project, cost=cost)
    state.request_log.count_units(method.id, account.email, cost)


def _make_answer(call: HttpCall, value: Any) -> HttpAnswer:
    if value is None:
        return HttpAnswer(NO_CONTENT)
    if isinstance(value, HttpAnswer):
        return value
    mask = call.get_param("fields")
    if mask:
        try:
            tree = fields.parse_mask(mask)
        except ValueError as error:
            raise api_problems.invalid_argument(f"Invalid field selection {mask}") from error
        loaded = orjson.loads(value if isinstance(value, bytes) else orjson.dumps(value))
        value = fields.apply_mask(tree, loaded)
    return HttpAnswer(200, value if isinstance(value, bytes) else orjson.dumps(value))
