"""The protocol side over HTTP: what only a real connection can do is done here."""

import asyncio
from collections import Counter
from collections.abc import Callable
from urllib.parse import unquote

from aiohttp import web

from integrations.sandbox.google import batch, consent, dispatch, identity, metadata, tokens
from integrations.sandbox.google.identity import bearer
from integrations.sandbox.journal import KEPT_BODY, Entry
from integrations.sandbox.messages import Answer, Call, Problem
from integrations.sandbox.microsoft import identity as microsofts_identity
from integrations.sandbox.microsoft import login
from integrations.sandbox.microsoft.graph import dispatch as graph
from integrations.sandbox.microsoft.graph import limits, subscriptions
from integrations.sandbox.microsoft.mail import uploads
from integrations.sandbox.world import World

WORLD = web.AppKey("world", World)
SUBSCRIPTIONS = "/v1.0/subscriptions"
LARGEST_BODY = 160 * 2**20
Page = Callable[[World, Call], Answer]

PAGES: dict[tuple[str, str], Page] = {
    ("GET", "/.well-known/openid-configuration"): metadata.openid_configuration,
    ("GET", "/oauth2/v3/certs"): metadata.certs,
    ("GET", "/oauth2/v1/certs"): metadata.certs_v1,
    ("GET", "/o/oauth2/v2/auth"): consent.authorize,
    ("POST", "/o/oauth2/v2/auth/decision"): consent.decide,
    ("POST", "/token"): tokens.token,
    ("POST", "/revoke"): tokens.revoke,
    ("GET", "/v1/userinfo"): identity.userinfo,
    ("POST", "/v1/userinfo"): identity.userinfo,
    ("GET", "/oauth2/v2/userinfo"): identity.userinfo,
    ("GET", "/tokeninfo"): identity.tokeninfo,
    ("POST", "/tokeninfo"): identity.tokeninfo,
    ("GET", "/oauth2/v2/tokeninfo"): identity.tokeninfo,
    ("GET", "/oidc/userinfo"): microsofts_identity.userinfo,
}
BATCHES = ("/batch", "/batch/gmail/v1", "/batch/calendar/v3")
APIS = ("/gmail/v1/", "/upload/gmail/v1/", "/resumable/upload/gmail/v1/", "/calendar/v3/")


def make(world: World) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY)
    app[WORLD] = world
    app.router.add_route("*", "/{path:.*}", _serve)
    return app


async def _serve(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    call = Call(
        method=request.method,
        path=_path(request),
        query_string=request.rel_url.raw_query_string,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )
    fault = world.faults.take(call)
    if fault:
        if fault.hang_seconds:
            await asyncio.sleep(fault.hang_seconds)
        if fault.drop == "before":
            return _cut(request)
        if fault.status:
            _record(world, call, fault.status)
            return _response(fault.answer())
    answer = await _answer(world, call)
    if fault and fault.drop == "after":
        return _cut(request)
    return _response(answer)


def _path(request: web.Request) -> str:
    """Still encoded where an API's routes decode each segment themselves."""
    raw = request.rel_url.raw_path
    return raw if raw.startswith((*APIS, graph.ROOT)) else unquote(raw)


async def _answer(world: World, call: Call) -> Answer:
    if call.path in BATCHES and call.method == "POST":
        return await _under_way(world, call, lambda: _batch(world, call))
    if call.path.startswith(APIS):
        return await _under_way(world, call, lambda: dispatch.answer(world, call))
    if call.path.startswith(graph.ROOT):
        return await _graph(world, call)
    if call.path.startswith(uploads.ROOT):
        page: Page | None = uploads.answer
    else:
        page = PAGES.get((call.method, call.path)) or login.find(call.method, call.path)
    try:
        answer = page(world, call) if page else Answer(404, b"Not Found", {}, "text/plain")
    except Problem as problem:
        answer = problem.answer
    _record(world, call, answer.status)
    return answer


async def _graph(world: World, call: Call) -> Answer:
    """Counted per mailbox from arrival to answer; see `limits`."""
    account = world.microsoft.account(microsofts_identity.bearer(call))
    async with limits.under_way(world, account, call) as arrival:
        if account and (call.method, call.path) == ("POST", SUBSCRIPTIONS):
            refused = await subscriptions.handshake(call)
            if refused:
                return refused
        return graph.answer(world, call, arrival)


def _batch(world: World, call: Call) -> Answer:
    """Each part can meet a fault of its own, if that fault is an answer."""
    arrived: Counter[str] = Counter()

    def one(inner: Call) -> Answer:
        access = world.grants.access(bearer(inner))
        if access:
            arrived[access.grant.sub] += 1
            world.under_way[access.grant.sub] += 1
        fault = world.faults.take(inner, answers_only=True)
        return fault.answer() if fault else dispatch.answer(world, inner)

    try:
        return batch.answer(call, one)
    except Problem as problem:
        return problem.answer
    finally:
        world.under_way.subtract(arrived)


async def _under_way(world: World, call: Call, work: Callable[[], Answer]) -> Answer:
    """Counted per person from arrival to answer; the parts of a batch count as they come."""
    access = world.grants.access(bearer(call)) if call.path not in BATCHES else None
    user = access.grant.sub if access else ""
    world.under_way[user] += 1
    try:
        if world.dials.latency_seconds:
            await asyncio.sleep(world.dials.latency_seconds)
        return work()
    finally:
        world.under_way[user] -= 1


def _record(world: World, call: Call, status: int) -> None:
    world.journal.record(
        Entry(
            at=world.clock.now(),
            method=call.method,
            path=call.path,
            query=call.query_string,
            body=call.body[:KEPT_BODY].decode("utf-8", "replace"),
            method_id=call.path,
            user="",
            status=status,
        )
    )


def _cut(request: web.Request) -> web.StreamResponse:
    """The connection ends without a byte."""
    if request.transport:
        request.transport.abort()
    raise asyncio.CancelledError


def _response(answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if answer.body:
        headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=answer.body, headers=headers)
