"""Serves the providers' URLs over HTTP. Only this module can delay and cut connections."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from aiohttp import web

from integrations.sandbox import request_bodies
from integrations.sandbox.google import batch, consent, dispatch, identity, metadata, tokens
from integrations.sandbox.google.drive import upload_protocol
from integrations.sandbox.google.identity import get_bearer_token
from integrations.sandbox.http_messages import HttpAnswer, HttpCall, HttpProblem
from integrations.sandbox.microsoft import identity as microsofts_identity
from integrations.sandbox.microsoft import login_routes
from integrations.sandbox.microsoft.graph import dispatch as graph
from integrations.sandbox.microsoft.graph import limits, subscriptions
from integrations.sandbox.microsoft.mail import upload_sessions
from integrations.sandbox.request_log import MAX_BODY, LoggedRequest
from integrations.sandbox.state import SandboxState

STATE = web.AppKey("world", SandboxState)
SUBSCRIPTIONS = "/v1.0/subscriptions"
LARGEST_BODY = 160 * 2**20
Page = Callable[[SandboxState, HttpCall], HttpAnswer]

PAGES: dict[tuple[str, str], Page] = {
    ("GET", "/.well-known/openid-configuration"): metadata.show_openid_configuration,
    ("GET", "/oauth2/v3/certs"): metadata.show_certs,
    ("GET", "/oauth2/v1/certs"): metadata.show_pem_certs,
    ("GET", "/o/oauth2/v2/auth"): consent.show_consent_page,
    ("POST", "/o/oauth2/v2/auth/decision"): consent.handle_decision,
    ("POST", "/token"): tokens.answer_token_request,
    ("POST", "/revoke"): tokens.revoke_token,
    ("GET", "/v1/userinfo"): identity.show_userinfo,
    ("POST", "/v1/userinfo"): identity.show_userinfo,
    ("GET", "/oauth2/v2/userinfo"): identity.show_userinfo,
    ("GET", "/tokeninfo"): identity.show_tokeninfo,
    ("POST", "/tokeninfo"): identity.show_tokeninfo,
    ("GET", "/oauth2/v2/tokeninfo"): identity.show_tokeninfo,
    ("GET", "/oidc/userinfo"): microsofts_identity.show_userinfo,
}
BATCHES = ("/batch", "/batch/gmail/v1", "/batch/calendar/v3", "/batch/drive/v3")
APIS = (
    "/gmail/v1/", "/upload/gmail/v1/", "/resumable/upload/gmail/v1/", "/calendar/v3/",
    "/drive/v3/", "/upload/drive/v3/", "/resumable/upload/drive/v3/",
)  # fmt: skip


def make_app(state: SandboxState) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY)
    app[STATE] = state
    app.router.add_route("*", "/{path:.*}", _serve_request)
    return app


async def _serve_request(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    call = HttpCall(
        method=request.method,
        path=_get_path(request),
        query_string=request.rel_url.raw_query_string,
        headers={name.lower(): value for name, value in request.headers.items()},
    )
    if not upload_protocol.is_session_call(call):
        call = replace(call, body=await request.read())
    fault = state.faults.take_matching(call)
    if fault:
        if fault.hang_seconds:
            faults = state.faults
            await asyncio.sleep(fault.hang_seconds)
            if state.faults is not faults:
                # The sandbox was reset: the call has no effect on what came after.
                return _abort_connection(request)
        if fault.drop == "before":
            return _abort_connection(request)
        if fault.status and not fault.after:
            await request_bodies.discard_body(request)
            _log_request(state, call, fault.status)
            return _to_response(fault.make_answer())
    if upload_protocol.is_session_call(call):
        answer = await _answer_session_call(request, state, call)
    else:
        answer = await _route_call(state, call)
    if fault and fault.drop == "after":
        return _abort_connection(request)
    if fault and fault.status:
        return _to_response(fault.make_answer())
    return await _send_content(request, answer) if answer.content else _to_response(answer)


async def _answer_session_call(
    request: web.Request, state: SandboxState, call: HttpCall
) -> HttpAnswer:
    """Log the request when it ends."""
    status = 0
    try:
        answer = await upload_protocol.answer_session_call(
            state, call, request_bodies.StreamedBody(request), lambda: _cut_connection(request)
        )
        status = answer.status
    except upload_protocol.ConnectionCut:
        _abort_connection(request)
        raise
    finally:
        state.request_log.add_request(upload_protocol.describe_request(state, call, status))
    return answer


async def _send_content(request: web.Request, answer: HttpAnswer) -> web.StreamResponse:
    assert answer.content is not None  # noqa: S101 - checked by the caller
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = answer.content.size
    await response.prepare(request)
    for block in answer.content.iterate():
        await response.write(block)
    await response.write_eof()
    return response


def _get_path(request: web.Request) -> str:
    """Keep an API path encoded: the routes of an API decode each segment themselves."""
    raw = request.rel_url.raw_path
    return raw if raw.startswith((*APIS, graph.ROOT)) else unquote(raw)


async def _route_call(state: SandboxState, call: HttpCall) -> HttpAnswer:
    if call.path in BATCHES and call.method == "POST":
        return await _answer_api_call(state, call, lambda: _answer_batch(state, call))
    if call.path.startswith(APIS):
        return await _answer_api_call(state, call, lambda: dispatch.answer_call(state, call))
    if call.path.startswith(graph.ROOT):
        return await _answer_graph_call(state, call)
    if call.path.startswith(upload_sessions.ROOT):
        page: Page | None = upload_sessions.answer_upload_call
    else:
        page = PAGES.get((call.method, call.path)) or login_routes.find_page(call.method, call.path)
    try:
        answer = page(state, call) if page else HttpAnswer(404, b"Not Found", {}, "text/plain")
    except HttpProblem as problem:
        answer = problem.answer
    _log_request(state, call, answer.status)
    return answer


async def _answer_graph_call(state: SandboxState, call: HttpCall) -> HttpAnswer:
    account = state.microsoft.find_account_by_token(microsofts_identity.get_bearer_token(call))
    async with limits.count_open_requests(state, account, call) as arrival:
        if account and (call.method, call.path) == ("POST", SUBSCRIPTIONS):
            refused = await subscriptions.validate_addresses(call)
            if refused:
                return refused
        return graph.answer_call(state, call, arrival)


def _answer_batch(state: SandboxState, call: HttpCall) -> HttpAnswer:
    """Answer a batch. A part can meet its own fault, if that fault is an answer."""
    arrived: Counter[str] = Counter()

    def answer_part(inner: HttpCall) -> HttpAnswer:
        access = state.grants.find_access_token(get_bearer_token(inner))
        if access:
            arrived[access.grant.sub] += 1
            state.open_requests[access.grant.sub] += 1
        fault = state.faults.take_matching(inner, answers_only=True)
        if fault and not fault.after:
            return fault.make_answer()
        answer = dispatch.answer_call(state, inner)
        return fault.make_answer() if fault else answer

    try:
        return batch.answer_batch(call, answer_part)
    except HttpProblem as problem:
        return problem.answer
    finally:
        state.open_requests.subtract(arrived)


async def _answer_api_call(
    state: SandboxState, call: HttpCall, work: Callable[[], HttpAnswer]
) -> HttpAnswer:
    """Count the call per account; parts of a batch count one by one."""
    access = (
        state.grants.find_access_token(get_bearer_token(call)) if call.path not in BATCHES else None
    )
    user = access.grant.sub if access else ""
    state.open_requests[user] += 1
    try:
        if state.knobs.latency_seconds:
            await asyncio.sleep(state.knobs.latency_seconds)
        return work()
    finally:
        state.open_requests[user] -= 1


def _log_request(state: SandboxState, call: HttpCall, status: int) -> None:
    state.request_log.add_request(
        LoggedRequest(
            at=state.clock.now(),
            method=call.method,
            path=call.path,
            query=call.query_string,
            body=call.body[:MAX_BODY].decode("utf-8", "replace"),
            method_id=call.path,
            user="",
            status=status,
        )
    )


def _cut_connection(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()


def _abort_connection(request: web.Request) -> web.StreamResponse:
    _cut_connection(request)
    raise asyncio.CancelledError


def _to_response(answer: HttpAnswer) -> web.Response:
    headers = dict(answer.headers)
    if answer.body:
        headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=answer.body, headers=headers)
