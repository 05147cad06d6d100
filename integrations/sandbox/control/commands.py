"""One function per control: plain values in, plain values out. `app.py` puts them on HTTP."""

from dataclasses import fields
from typing import Any

from integrations.sandbox.control import calendars, mailboxes
from integrations.sandbox.control.errors import Misuse, text
from integrations.sandbox.faults import Fault
from integrations.sandbox.google import problems
from integrations.sandbox.google.grants import Grant
from integrations.sandbox.microsoft.graph import problems as graph_problems
from integrations.sandbox.people import Client, Person
from integrations.sandbox.world import World

Values = dict[str, Any]
PROBLEMS = problems.BY_NAME | graph_problems.BY_NAME


def reset(world: World, _: Values) -> Values:
    world.reset()
    return {}


def add_client(world: World, values: Values) -> Values:
    """
    {client_id, client_secret, redirect_uris, project?, name?, deleted?, tenant?,
    secret_expired?}; again replaces it.
    """
    client = Client(
        client_id=text(values, "client_id"),
        secret=text(values, "client_secret"),
        redirect_uris=list(values.get("redirect_uris", [])),
        project=values.get("project", Client.project),
        name=values.get("name", Client.name),
        deleted=bool(values.get("deleted", False)),
        tenant=values.get("tenant", ""),
        secret_expired=bool(values.get("secret_expired", False)),
    )
    world.clients[client.client_id] = client
    return {"client_id": client.client_id}


def add_account(world: World, values: Values) -> Values:
    """{email, name?, sub?, hosted_domain?, claims?, gmail?: false, calendar?: false, …}"""
    email = text(values, "email")
    person = Person(
        email=email,
        sub=values.get("sub") or Person.sub_of(email),
        name=values.get("name") or email.partition("@")[0].replace(".", " ").title(),
        hosted_domain=values.get("hosted_domain", ""),
        claims=dict(values.get("claims", {})),
    )
    if values.get("gmail", True):
        person.mailbox = mailboxes.make(world, person, values)
    if values.get("calendar", True):
        calendars.make(world, person, values.get("calendar_fields", {}))
    world.people.add(person)
    world.galleries.pop(person.sub, None)
    return mailboxes.summary(person) if person.mailbox else {"email": email, "sub": person.sub}


def dials(world: World, values: Values) -> Values:
    try:
        world.dials.change(values)
    except ValueError as error:
        raise Misuse(str(error)) from error
    return world.dials.as_dict()


def fail_next(world: World, values: Values) -> Values:
    """Fields of `Fault`, with `body` as text or JSON, or `problem`: a name of problems.BY_NAME."""
    values = dict(values)
    if name := values.pop("problem", ""):
        if name not in PROBLEMS:
            raise Misuse(f"no problem is called {name!r}; there are {sorted(PROBLEMS)}")
        answer = PROBLEMS[name]().answer
        values |= {"status": answer.status, "headers": dict(answer.headers)}
        values["content_type"] = answer.content_type
        values["body"] = answer.body.decode()
    body = values.pop("body", "")
    unknown = set(values) - {each.name for each in fields(Fault)}
    if unknown:
        raise Misuse(f"a fault has no {sorted(unknown)}")
    if not isinstance(body, str):
        import orjson

        body = orjson.dumps(body).decode()
    world.faults.add(Fault(**values, body=body.encode()))
    return {"pending": world.faults.pending()}


def clear_faults(world: World, _: Values) -> Values:
    world.faults.queue.clear()
    return {}


def advance(world: World, values: Values) -> Values:
    world.clock.advance(float(values["seconds"]))
    return {"now": world.clock.now()}


def _grants(world: World, values: Values) -> list[Grant]:
    person = mailboxes.person(world, values)
    return world.grants.of_person(person.sub)


def expire_access(world: World, values: Values) -> Values:
    """{email}: every access token of the person ends; refresh tokens live."""
    tokens = [token for grant in _grants(world, values) for token in grant.accesses]
    return {"expired": sum(world.grants.drop_access(token) for token in tokens)}


def kill_refresh(world: World, values: Values) -> Values:
    """{email} or {token}: refresh tokens die, the grant's consent stays."""
    tokens = [values["token"]] if "token" in values else [
        token for grant in _grants(world, values) for token in grant.refreshes
    ]  # fmt: skip
    return {"killed": sum(world.grants.drop_refresh(token) for token in tokens)}


def revoke_grant(world: World, values: Values) -> Values:
    """{email}: the person removes the app at Google. Everything of it dies at once."""
    grants = _grants(world, values)
    for grant in grants:
        world.grants.kill(grant)
    return {"revoked": len(grants)}


def change_password(world: World, values: Values) -> Values:
    return {"killed": world.grants.password_changed(mailboxes.person(world, values).sub)}


def rotate_keys(world: World, _: Values) -> Values:
    return {"kid": world.keys.rotate()}


def grants(world: World, values: Values) -> Values:
    """{email}: what Google's own page of connected apps would list, with the live tokens."""
    return {
        "grants": [
            {
                "project": grant.project,
                "scopes": sorted(grant.scopes),
                "refresh_tokens": list(grant.refreshes),
                "access_tokens": list(grant.accesses),
            }
            for grant in _grants(world, values)
        ]
    }


def counters(world: World, _: Values) -> Values:
    return world.journal.counters()


def clear_journal(world: World, _: Values) -> Values:
    """Counters, recorded requests, violations and spent quota start at zero again."""
    world.journal.clear()
    world.meter.clear()
    world.microsoft.requests.clear()
    if world.validator:
        world.validator.clear()
    return {}


def requests(world: World, values: Values) -> Values:
    return {"requests": world.journal.as_list(values.get("path_prefix", ""))}


def violations(world: World, _: Values) -> Values:
    if world.validator is None:
        raise Misuse("started without --validate")
    found = world.validator
    return {"checked": found.checked, "count": found.count, "violations": list(found.violations)}


def people(world: World, _: Values) -> Values:
    return {
        "accounts": [{"email": p.email, "sub": p.sub, "name": p.name} for p in world.people.all()]
    }


def health(world: World, _: Values) -> Values:
    return {"url": world.url, "issuer": world.issuer, "now": world.clock.now()}
