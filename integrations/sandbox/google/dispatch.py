"""Every call of an API, alone or in a batch: who, may they, can they afford it, then the play."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from integrations.sandbox.google import calendar, fields, gmail, problems, quota, routing
from integrations.sandbox.google.admitted import Admitted
from integrations.sandbox.google.grants import Access
from integrations.sandbox.google.identity import bearer
from integrations.sandbox.journal import KEPT_BODY, Entry
from integrations.sandbox.messages import Answer, Call, Problem
from integrations.sandbox.people import Person
from integrations.sandbox.schemas import Method, global_parameters
from integrations.sandbox.world import World

NO_CONTENT = 204
Play = Callable[[Admitted], Any]
PLAYS: Mapping[str, Play] = {"gmail": gmail.play, "calendar": calendar.play}


def answer(world: World, call: Call) -> Answer:
    """Never raises a Problem: it is the answer. Recorded, and validated if that is on."""
    call = _overridden(call)
    found = routing.find(call.method, call.path)
    method = found[0] if found else None
    try:
        result = _answer(world, call, found)
    except Problem as problem:
        result = problem.answer
    user = _who(world, call)
    world.journal.record(
        Entry(
            at=world.clock.now(),
            method=call.method,
            path=call.path,
            query=call.query_string,
            body=call.body[:KEPT_BODY].decode("utf-8", "replace"),
            method_id=method.id if method else call.path,
            user=user,
            status=result.status,
        )
    )
    if world.validator:
        world.validator.check(call, method, found[1] if found else {}, result)
    return result


def _who(world: World, call: Call) -> str:
    access = world.grants.access(bearer(call))
    person = world.people.find(access.grant.sub) if access else None
    return person.email if person else ""


def _overridden(call: Call) -> Call:
    """Long GETs travel as POST with a form body."""
    override = call.headers.get("x-http-method-override", "")
    if call.method != "POST" or override != "GET":
        return call
    return Call("GET", call.path, call.body.decode("utf-8", "replace"), call.headers)


def _answer(world: World, call: Call, found: tuple[Method, dict[str, str]] | None) -> Answer:
    if found is None:
        raise problems.no_such_path()
    method, path = found
    access, person = _authenticated(world, call)
    if not method.scopes & set(access.scopes):
        raise problems.insufficient_scope(sorted(method.scopes))
    for name in call.query:
        if name not in method.query and name not in global_parameters() and name != "uploadType":
            raise problems.unknown_parameter(name)
    _admit(world, method, person, access)
    return _shown(call, PLAYS[method.api](Admitted(world, call, method, path, person, access)))


def _authenticated(world: World, call: Call) -> tuple[Access, Person]:
    value = bearer(call) or call.first("access_token")
    if not value:
        raise problems.login_required()
    access = world.grants.access(value)
    person = world.people.find(access.grant.sub) if access else None
    if access is None or person is None:
        raise problems.invalid_credentials()
    return access, person


def _admit(world: World, method: Method, person: Person, access: Access) -> None:
    """Concurrency first, because Google charges nothing for what it turns away there."""
    limit = world.dials.concurrency
    if limit and world.under_way[person.sub] > limit:
        raise problems.too_many_concurrent()
    project = access.grant.project
    if method.api == "calendar":
        world.meter.count(user=person.sub, project=project)
        return
    cost = quota.units(method.id)
    world.meter.charge(user=person.sub, project=project, cost=cost)
    world.journal.spend(method.id, person.email, cost)


def _shown(call: Call, value: Any) -> Answer:
    if value is None:
        return Answer(NO_CONTENT)
    mask = call.first("fields")
    if mask:
        try:
            tree = fields.parse(mask)
        except ValueError as error:
            raise problems.invalid_argument(f"Invalid field selection {mask}") from error
        loaded = orjson.loads(value if isinstance(value, bytes) else orjson.dumps(value))
        value = fields.apply(tree, loaded)
    return Answer(200, value if isinstance(value, bytes) else orjson.dumps(value))
