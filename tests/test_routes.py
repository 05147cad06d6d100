"""
The walk of all routes: each, by each method and
caller, with somebody else's ids wherever ids go.

What is expected stands in `routes.py`. A route that is not declared there, or a
caller without a column, fails. Where else than in an address something is named
stands in `naming.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from accounts import delegations, memberships, organisations
from accounts.ids import uuid7
from accounts.middleware import CONFIRMATION_ROUTES
from accounts.models import Delegation, Membership, ServiceToken, User
from accounts.role_permissions import DenyAll
from accounts.roles import STAFF
from config import health_probes
from config.heartbeats import DUTIES
from integrations import connections
from integrations.access.request_context import RequestContext
from integrations.models import (
    Approval,
    Calendar,
    ConnectAttempt,
    Connection,
    DraftProposal,
    DriveFile,
    Event,
    Integration,
    ItemKind,
    LookupMeans,
    OutboxCommand,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    StandingConsent,
    SupportLookup,
    SupportQuestion,
    SupportReason,
    Upload,
)
from integrations.operations import heartbeats
from integrations.outbox import uploads
from integrations.web import page_cursors
from limited_use.models import Receipt
from limited_use.policy import feature_registry
from tests import factories, naming, outbox, routes
from tests.api import cast
from tests.api.conftest import alice, bob, keyring, mailbox, mallory, synced
from tests.drive import make_drive_file, make_standing_consent
from tests.fakes.calendars import FakeCalendars
from tests.integrations import calendar_house
from tests.integrations import household as houses
from tests.integrations.calendar_house import meeting, moment
from tests.naming import NamedRequest

__all__ = ["alice", "bob", "keyring", "mailbox", "mallory", "synced"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Which word of a declared answer a method has.
PLACE = {"GET": 0, "HEAD": 0, "POST": 1, "PUT": 2, "PATCH": 2, "DELETE": 2, "OPTIONS": 3}
# `make test` tries all methods of these callers, and of the others the two that pages have.
TRY_ALL_METHODS = ("anonymous", "owner", "stranger", "feature")
UNKNOWN = "00000000-0000-7000-8000-000000000001"
FINE = range(200, 400)
# Without them no request to an upload reaches anything.
_TAKES_TUS = re.compile(r"/uploads/|/v1/users/[^/]+/files")
TUS_HEADERS = {"Tus-Resumable": "1.0.0", "Upload-Length": "1"}

# Which column a caller has, on pages and at the API.
CALLERS: dict[str, tuple[str, str]] = {
    "anonymous": ("nobody", "nobody"),
    "owner": ("owner", "owner"),
    "colleague": ("other", "other"),
    "stranger": ("other", "other"),
    "left": ("nobody", "nobody"),
    "feature": ("nobody", "owner"),
    "feature of a stranger": ("nobody", "other"),
    "feature switched off": ("nobody", "nobody"),
    "feature without delegation": ("nobody", "nobody"),
    "undeclared purpose": ("nobody", "refused"),
    **dict.fromkeys(sorted(STAFF), ("other", "other")),
    **{f"{role} without a factor": ("bare", "bare") for role in sorted(STAFF)},
}


@dataclass(frozen=True)
class Route:
    """
    One pattern of the URLconf.

    :param wanted: the parameters of its address
    """

    name: str
    callback: Any
    wanted: frozenset[str]

    @property
    def is_api(self) -> bool:
        return hasattr(self.callback, "cls")


@cache
def list_routes() -> tuple[Route, ...]:
    """Return every pattern of the URLconf."""

    def iterate_routes(patterns, wanted) -> Iterator[Route]:
        for one in patterns:
            more = wanted | set(one.pattern.regex.groupindex)
            if isinstance(one, URLPattern):
                yield Route(one.name, one.callback, frozenset(more))
            else:
                yield from iterate_routes(one.url_patterns, more)

    return tuple(iterate_routes(get_resolver().url_patterns, frozenset()))


def names() -> list[str]:
    return list(dict.fromkeys(one.name for one in list_routes()))


def route(name: str) -> Route:
    return next(one for one in list_routes() if one.name == name)


@dataclass
class RoutesWorld:
    """What is Alice's: ids for addresses, cursors by route, and forms that name more of hers."""

    house: houses.Household
    ids: dict[str, str | int]
    cursors: dict[str, str]
    # Ids that take the place of `ids` at one route.
    ids_by_route: dict[str, dict[str, str]]
    forms: dict[str, dict[str, str]]

    def address(self, name: str, *, unknown: bool = False) -> str:
        if name == "api-nothing":
            return "/v1/users/me/nothing"
        wanted = route(name).wanted
        ids = self.ids | self.ids_by_route.get(name, {})
        values = {key: unknown_id(key) if unknown else ids[key] for key in wanted}
        return reverse(name, kwargs=values)

    def named(self, one: NamedRequest) -> str:
        """Return what of hers goes where that request names something."""
        of = naming.OF[one.name]
        return self.cursors[one.route] if of == "cursor" else str(self.ids[of])

    def state(self) -> list[list[dict]]:
        """Everything of Alice's that a request could change."""
        user = self.house.user.id
        rows = (
            Connection.objects.filter(user_id=user),
            Integration.objects.filter(connection__user_id=user),
            PurgeJob.objects.filter(user_id=user),
            Delegation.objects.filter(user_id=user),
            Membership.objects.filter(user_id=user),
            Calendar.objects.filter(user_id=user),
            OutboxCommand.objects.filter(user_id=user).values("id", "state"),
            Approval.objects.filter(user_id=user),
            ConnectAttempt.objects.filter(user_id=user),
            Event.objects.filter(user_id=user),
            Upload.objects.filter(user_id=user),
            OutboxCommand.objects.filter(user_id=user),
            DraftProposal.objects.filter(user_id=user),
            DriveFile.objects.filter(user_id=user),
            StandingConsent.objects.filter(user_id=user),
            ServiceToken.objects.filter(delegation__user_id=user),
            Authenticator.objects.filter(user_id=user),
            User.objects.filter(id=user),
        )
        return [list(found.order_by("pk").values()) for found in rows]


def unknown_id(key: str) -> str | int:
    # What is no id stays: there is one provider, one feature, one problem page to ask for.
    fixed = {"provider": "google", "key": "inbox-widget", "code": "not-found", "uidb36": "a"}
    fixed["clause_id"] = "LU-1"
    fixed["slug"] = "paging"
    return fixed.get(key, 999_999_999 if key == "pk" else UNKNOWN)


@pytest.fixture
def world(alice, monkeypatch):
    # As if every process ran, for as long as the walk takes.
    heartbeats.record_heartbeats(DUTIES, at=timezone.now() + timedelta(hours=1))
    monkeypatch.setattr(health_probes, "READINESS", health_probes.ReadinessCache())
    mine = cast.get_owned_ids(alice)
    event = calendar_of(alice, monkeypatch)
    second = organisations.found_organisation(
        platform_id="second", name="Second", at=timezone.now()
    )
    memberships.add_member(user_id=alice.user.id, organisation_id=second.id, at=timezone.now())
    command, _ = (outbox.make_command(alice.integration, timezone.now()) for _ in range(2))
    proposal, _ = (outbox.make_proposal(alice.integration, timezone.now()) for _ in range(2))
    drive_of_alice = factories.make_integration(alice.connection, product="drive", consent=False)
    factories.make_consent(alice.connection, feature="drive")
    # Two, so that the list has a next page.
    file, _ = (make_drive_file(drive_of_alice, timezone.now(), due_at=None) for _ in range(2))
    standing_consent = make_standing_consent(drive_of_alice, timezone.now())
    delegation = cast.switch_on(alice, cast.widget())
    factor = cast.security_key(alice.user)
    elsewhere = cast.make_remote_attachment_ref(alice)
    ids = {
        "row": str(elsewhere.row),
        "seal": elsewhere.seal,
        "user": mine.user,
        "message_id": mine.message,
        "thread_id": mine.thread,
        "attachment_id": mine.attachment,
        "connection_id": mine.connection,
        "calendar_id": str(event.calendar_id),
        "event_id": str(event.id),
        "integration_id": mine.integration,
        "purge_id": str(make_finished_removal(alice).id),
        "approval_id": str(factories.make_approval(alice.user, alice.organisation).id),
        "attempt_id": str(factories.make_attempt(alice.user, alice.organisation).id),
        "pk": factor.pk,
        "consent_id": str(cast.one_item(alice).id),
        "own_entry_id": str(cast.entry(alice)),
        "provider": "google",
        "key": "inbox-widget",
        "code": "not-found",
        "uidb36": "a",
        "token": "nobodys",
        "clause_id": "LU-1",
        "slug": "paging",
        "entry_id": UNKNOWN,
        "share_id": UNKNOWN,
        "removal_id": UNKNOWN,
        "upload_id": str(make_upload(alice).id),
        "command_id": str(command.id),
        "proposal_id": str(proposal.id),
        "drive_id": str(drive_of_alice.id),
        "file_id": str(file.id),
        "standing_consent_id": str(standing_consent.id),
        "bundle_id": UNKNOWN,
        "run_id": UNKNOWN,
        "act_id": UNKNOWN,
        "alarm_id": UNKNOWN,
        "bulk_id": UNKNOWN,
        "lookup_id": UNKNOWN,
        "service_client_id": UNKNOWN,
        "change_id": UNKNOWN,
        "question_id": str(make_question(alice).id),
        "delegation": str(delegation.id),
        "organisation": str(second.id),
    }
    support_version = str(feature_registry.FEATURES["support"].version)
    forms = {
        "settings-horizon": {"horizon_days": "30"},
        "inbox-support": {"agree": "yes", "hours": "24", "version": support_version},
        "calendar-support": {"agree": "yes", "hours": "24", "version": support_version},
        "settings-support-answer": {"agree": "yes", "hours": "24", "version": support_version},
        "settings-support-answer-event": {
            "agree": "yes",
            "hours": "24",
            "version": support_version,
        },
        "settings-feature": {"switch": "off", "delegation": str(delegation.id)},
        "connect-begin": {**cast.AGREED, "connection": mine.connection},
        "switch_organisation": {"organisation": str(second.id)},
    }
    empty = factories.make_connection(alice.user, alice.organisation)
    about_an_event = make_question(alice, kind=ItemKind.EVENT)
    ids_by_route = {
        # Nothing of it is switched on: the only kind that can be forgotten.
        "settings-forget": {"connection_id": str(empty.id)},
        "settings-support-answer-event": {"question_id": str(about_an_event.id)},
    }
    found = cursors(cast.browser(alice.user)) | make_client_cursors()
    return RoutesWorld(alice, ids, found, ids_by_route, forms)


def cursors(hers: Client) -> dict[str, str]:
    """Return where each of her lists goes on, by the routes that take it."""
    lists = {
        "api-messages": ("messages", {}),
        "api-threads": ("threads", {}),
        "api-events": ("events", naming.TIMES),
        "api-outbox": ("outbox", {}),
        "api-proposals": ("proposals", {}),
        "api-files": ("files", {}),
        # The page of files and the API read the same list.
        "drive-files": ("files", {}),
        # The page of conversations and the API read the same list.
        "inbox": ("threads", {"folder": "inbox"}),
    }
    found = {}
    for name, (path, query) in lists.items():
        answer = hers.get(f"/v1/users/me/{path}", {**query, "limit": 1})
        found[name] = answer.json()["next_cursor"]
    assert all(found.values())
    return found


def make_client_cursors() -> dict[str, str]:
    """Return where the lists of a client go on, which are about several people."""
    client, at = cast.widget(), timezone.now()
    position = page_cursors.CursorPagePosition(at, uuid7())
    queries = {
        "api-delegations": ("delegations", ""),
        "api-removals": ("removals", "open"),
    }
    return {
        name: page_cursors.write(
            position, kind=kind, audience=f"client {client.id}", filters=filters, at=at
        )
        for name, (kind, filters) in queries.items()
    }


def calendar_of(alice: houses.Household, monkeypatch) -> Event:
    """Return an event in a calendar of hers, of another connection."""
    who = (alice.user, alice.organisation, alice.membership)
    account = calendar_house.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
    for day in (3, 4):
        account.put(meeting(moment(day), cast.MARKER))
    more = calendar_house.calendar_house(at=timezone.now(), who=who)
    more.sync()
    return more.events.order_by("id")[0]


def make_upload(alice: houses.Household) -> Upload:
    cast.allow_sending(alice.connection)
    context = RequestContext(alice.actor, alice.user.id, timezone.now())
    access = uploads.authorize_upload(context, alice.integration)
    return uploads.create_upload(
        access, size=1, filename="a.txt", content_type="text/plain", at=context.at
    )


def make_question(alice: houses.Household, *, kind: ItemKind = ItemKind.MESSAGE) -> SupportQuestion:
    """Return a question of an agent who is not on this walk."""
    at = timezone.now()
    asked = {"agent_id": uuid7(), "user_id": alice.user.id, "reason": SupportReason.OTHER}
    lookup = SupportLookup.objects.create(
        search_id=uuid7(), means=LookupMeans.CODE, opened_at=at, expires_at=at, **asked
    )
    return SupportQuestion.objects.create(
        lookup=lookup,
        kind=kind,
        text=cast.MARKER,
        asked_at=at,
        expires_at=at + timedelta(days=7),
        **asked,
    )


def make_finished_removal(alice: houses.Household) -> PurgeJob:
    """Return a finished removal of another mailbox of hers, with a receipt."""
    gone = houses.household(who=(alice.user, alice.organisation, alice.membership))
    job = connections.disconnect_integration(
        integration_id=gone.integration.id,
        user_id=alice.user.id,
        organisation_id=alice.organisation.id,
        at=timezone.now(),
        trigger=PurgeTrigger.OWNER,
    )
    document = orjson.dumps({"receipt": {"marker": cast.MARKER}, "signature": ""})
    receipt = Receipt.objects.create(
        subject_id=gone.integration.id,
        owner_id=alice.user.id,
        document=document,
        created_at=timezone.now(),
    )
    PurgeJob.objects.filter(id=job.id).update(
        step=PurgeStep.DONE, receipt_id=receipt.id, done_at=timezone.now()
    )
    return PurgeJob.objects.get(id=job.id)


def make_caller(who: str, world: RoutesWorld, bob, mallory) -> Client:
    """Return the client of that caller, as recently confirmed as can be."""
    people = {"owner": world.house, "colleague": bob, "stranger": mallory}
    if who in people:
        # The owner has a security key.
        return cast.browser(people[who].user, mfa=who == "owner", recent=True)
    if who in FEATURES:
        return FEATURES[who](world, bob, mallory)
    if who == "anonymous":
        return Client()
    if who == "left":
        browser = cast.browser(bob.user, recent=True)
        memberships.end_membership(
            user_id=bob.user.id, organisation_id=bob.organisation.id, at=timezone.now()
        )
        return browser
    role, _, bare = who.partition(" ")
    return cast.browser(staff(role, world.house.organisation), mfa=not bare, recent=True)


def staff(role: str, organisation) -> User:
    """Return a person of that role who belongs to `organisation`."""
    user, *_ = houses.person(role, organisation, at=timezone.now())
    User.objects.filter(id=user.id).update(role=role)
    user.refresh_from_db()
    return user


def _of_alice(world, bob, mallory):
    live = Delegation.objects.live().get(user=world.house.user, feature="inbox-widget")
    return cast.feature(cast.widget(), live)


def _of_a_stranger(world, bob, mallory):
    return cast.feature(cast.widget(), cast.switch_on(mallory, cast.widget()))


def _switched_off(world, bob, mallory):
    delegation = cast.switch_on(bob, cast.widget())
    client = cast.feature(cast.widget(), delegation)
    delegations.switch_delegation_off(
        delegation_id=delegation.id, user_id=bob.user.id, at=timezone.now()
    )
    return client


def _undeclared(world, bob, mallory):
    client = cast.campaigns()
    return cast.feature(client, cast.switch_on(world.house, client), "marketing")


FEATURES = {
    "feature": _of_alice,
    "feature of a stranger": _of_a_stranger,
    "feature switched off": _switched_off,
    "feature without delegation": lambda *_: cast.bearer("A" * 43),
    "undeclared purpose": _undeclared,
}


def send_request(client: Client, method: str, path: str, form: Mapping[str, Any], **more: Any):
    """Send one request and take back all that it did."""
    cookies = client.cookies.output()
    before = transaction.savepoint()
    if _TAKES_TUS.match(path):
        more["headers"] = {**TUS_HEADERS, **more.get("headers", {})}
    try:
        if method == "POST":
            answer = client.post(path, form, **more)
        else:
            answer = client.generic(method, path, **more)
        if answer.streaming:
            # Read to its end, as clients do: until then it is one of the person's streams.
            answer.streaming_content = [b"".join(answer.streaming_content)]
        return answer
    finally:
        transaction.savepoint_rollback(before)
        client.cookies.load(re.sub(r"(?m)^Set-Cookie: ", "", cookies).replace("\r\n", "; "))


def get_own_ids(client: Client) -> dict[str, str]:
    """
    Return ids of the caller's own: a mailbox, a calendar and an event, where they may have any.

    So that nothing is refused for what stands in an address, or beside what is tried.
    """
    ids = {"user": "me", "provider": "google", "key": "inbox-widget", "etag": "0"}
    ids |= {"calendar_id": UNKNOWN, "event_id": UNKNOWN, "message_id": UNKNOWN}
    ids["integration_id"] = find_own_mailbox(client) or UNKNOWN
    version = feature_registry.FEATURES["local-calendar"].version
    about = {"name": "Own", "timezone": "UTC", "version": version}
    json = {"content_type": "application/json"}
    key = {"Idempotency-Key": "a-calendar-of-their-own"}
    made = client.post("/v1/users/me/calendars", about, headers=key, **json)
    if made.status_code != 201:
        return ids
    ids["calendar_id"] = made.json()["id"]
    event = {"calendar_id": ids["calendar_id"], "when": {"object": "timespan", **naming.TIMES}}
    headers = {"Idempotency-Key": "an-event-of-their-own"}
    written = client.post("/v1/users/me/events", event, headers=headers, **json)
    assert written.status_code == 201
    return ids | {"event_id": written.json()["id"], "etag": written.json()["etag"]}


def find_own_mailbox(client: Client) -> str | None:
    listed = client.get("/v1/users/me/connections")
    connected = listed.json()["data"] if listed.status_code == 200 else []
    return next(
        (
            integration["id"]
            for connection in connected
            for integration in connection["integrations"]
            if integration["product"] == "mail"
        ),
        None,
    )


def ask_for_named(client: Client, one: NamedRequest, theirs: str, mine: Mapping[str, str]):
    """Send a request of the caller's own that names `theirs` where it names something."""
    path = reverse(one.route, kwargs={each: mine[each] for each in route(one.route).wanted})
    if not one.at:
        return send_request(
            client, one.method, path, {}, query_params={**one.rest, one.name: theirs}
        )
    headers = {"Idempotency-Key": "of-this-walk", "If-Match": f'"{mine["etag"]}"'}
    more: dict[str, Any] = {"headers": {each: headers[each] for each in one.headers}}
    if one.is_api:
        more["content_type"] = "application/json"
    return send_request(client, one.method, path, naming.body(one, theirs, mine), **more)


def get_expected_answer(who: str, name: str, method: str) -> str:
    page, api = CALLERS[who]
    column = api if route(name).is_api else page
    if name in routes.FOR_CLIENTS and column != "bare":
        return "401"
    if column == "refused":
        return "404" if name == "api-nothing" else "403"
    kind = routes.ROUTES[name]
    said = (
        get_bare_answer(name) if column == "bare" else kind.roles.get(who) or getattr(kind, column)
    )
    if method == "HEAD" and said == routes.BARE_PAGE:
        return "403"
    word, *more = said.split()[PLACE[method]].split("/")
    return dict(zip(("PATCH", "DELETE"), more, strict=False)).get(method, word)


def get_bare_answer(name: str) -> str:
    return routes.BARE_API if route(name).is_api else routes.BARE.get(name, routes.BARE_PAGE)


def is_in_reference(name: str) -> bool:
    """Return whether the API reference speaks of this route."""
    return route(name).is_api or name == "oauth_token"


def differs(answer, word: str) -> str:
    """Return what is wrong with `answer`, or nothing."""
    statuses, prefix = routes.WORDS[word]
    target = answer.headers.get("Location", "")
    if answer.status_code in statuses and target.startswith(prefix):
        # A redirect within is one to a page of ours, and not to the door.
        if word == "go" and target.startswith(("//", "/accounts/login/")):
            return f"leads to {target}"
        return ""
    return f"{answer.status_code} {target}"


class TestRouteTable:
    def test_declares_every_route_and_no_other(self):
        assert set(names()) == set(routes.ROUTES)

    def test_knows_of_all_that_a_page_reads_whether_it_names_something(self):
        pages = {one.name for one in naming.PAGES}

        assert naming.read_by_pages() <= pages | naming.NO_ID
        assert pages <= set(naming.OF)

    def test_has_a_name_for_every_route(self):
        assert None not in names()

    def test_declares_an_answer_for_every_kind_of_caller(self):
        columns = {column for pair in CALLERS.values() for column in pair}

        assert columns <= {"nobody", "owner", "other", "bare", "refused"}
        for name in names():
            for who in CALLERS:
                for method in METHODS:
                    assert get_expected_answer(who, name, method) in routes.WORDS, (name, who)

    @pytest.mark.control("3.1.5")
    def test_says_why_a_form_may_come_without_a_token(self):
        exempt = {
            one.name
            for one in list_routes()
            if getattr(one.callback, "csrf_exempt", False) and not one.is_api
        }

        assert exempt == set(routes.WITHOUT_FORM_TOKEN)

    @pytest.mark.control("3.1.1")
    def test_finds_a_declared_permission_in_every_view_of_ours(self):
        for one in list_routes():
            if one.is_api:
                view = one.callback.cls
                assert view.permission_classes, one.name
                assert DenyAll not in view.permission_classes, one.name
            elif one.callback.__module__.startswith(("integrations.", "limited_use.")):
                kind = routes.ROUTES[one.name]
                # A provider has no session and no role: it proves by what it sends who it is.
                proving = (routes.PUBLIC, routes.WEBHOOK, routes.WEBHOOK_TAKING_ALL)
                is_open = any(kind is open_ for open_ in proving) or one.name in routes.OPEN
                assert hasattr(one.callback, "permission") or is_open, one.name


@pytest.mark.django_db
@pytest.mark.invariant(1)
@pytest.mark.control("3.1.1", "3.1.3", "3.1.4")
@pytest.mark.scenario("U3")
class TestEveryRoute:
    @pytest.mark.claim("api.no-store", "feature.inbox-only-you", "data-use.staff")
    @pytest.mark.parametrize("who", TRY_ALL_METHODS)
    def test_answers_each_method_as_declared(self, world, bob, mallory, who):
        self.walk(METHODS, world, bob, mallory, who)

    @pytest.mark.claim("api.no-store", "feature.inbox-only-you", "data-use.staff")
    @pytest.mark.parametrize("who", [who for who in CALLERS if who not in TRY_ALL_METHODS])
    def test_answers_get_and_post_as_declared(self, world, bob, mallory, who):
        self.walk(("GET", "POST"), world, bob, mallory, who)

    @pytest.mark.thorough("HEAD, PUT, PATCH, DELETE and OPTIONS of every route, for every caller")
    @pytest.mark.parametrize("who", [who for who in CALLERS if who not in TRY_ALL_METHODS])
    def test_answers_all_other_methods_as_declared(self, world, bob, mallory, who):
        others = tuple(method for method in METHODS if method not in {"GET", "POST"})
        self.walk(others, world, bob, mallory, who)

    def walk(self, methods, world, bob, mallory, who):
        client = make_caller(who, world, bob, mallory)
        before = world.state()
        wrong = []
        is_owner = who in {"owner", "feature"}

        for name in names():
            path = world.address(name)
            for method in methods:
                answer = send_request(client, method, path, world.forms.get(name, {}))
                said = differs(answer, get_expected_answer(who, name, method))
                if said:
                    wrong.append(
                        f"{name} {method}: {said}, not {get_expected_answer(who, name, method)}"
                    )
                if not is_owner and cast.MARKER.encode() in answer.getvalue():
                    wrong.append(f"{name} {method}: shows what is Alice's")
                if answer.status_code >= 500:
                    wrong.append(f"{name} {method}: {answer.status_code}")
                if is_in_reference(name) and "no-store" not in answer.get("Cache-Control", ""):
                    wrong.append(f"{name} {method}: may be stored")

        assert wrong == []
        assert world.state() == before

    @pytest.mark.parametrize("who", [one for one in CALLERS if one != "owner"])
    def test_answers_alices_ids_and_unknown_ones_alike(self, world, bob, mallory, who):
        client = make_caller(who, world, bob, mallory)
        wrong = []

        for one in list_routes():
            if not one.wanted & set(IDS) or (who == "feature" and one.is_api):
                continue
            for method in ("GET", "POST"):
                theirs, unknown = world.address(one.name), world.address(one.name, unknown=True)
                answers = [send_request(client, method, path, {}) for path in (theirs, unknown)]
                first, second = plain(answers[0], theirs), plain(answers[1], unknown)
                if first != second:
                    wrong.append(f"{method} {one.name}: {first} {second}")

        before, mine = world.state(), get_own_ids(client)
        for one in naming.list_named_requests():
            if who == "feature" and one.is_api:
                continue
            hers = world.named(one)
            answers = [
                plain(ask_for_named(client, one, each, mine), each)
                for each in (hers, make_neighbouring_id(hers))
            ]
            status, _, shown = answers[0]
            if answers[0] != answers[1] or status >= 500 or cast.MARKER.encode() in shown:
                wrong.append(f"{one}: {answers}")

        assert wrong == []
        assert world.state() == before

    def test_takes_from_their_owner_the_ids_that_the_others_try(self, world, bob, mallory):
        client = make_caller("owner", world, bob, mallory)
        mine = {name: str(value) for name, value in world.ids.items()} | {"user": "me"}
        mine["etag"] = client.get(f"/v1/users/me/events/{mine['event_id']}").json()["etag"]

        refused = [
            f"{one}: {answer.status_code} {answer.content.decode()}"
            for one in naming.list_named_requests()
            if one.route not in naming.FOR_FEATURES
            # On this walk, her calendar may not be written in, and she has not agreed to sending
            # (409). That answer comes after the check that the ids are hers.
            and (answer := ask_for_named(client, one, world.named(one), mine)).status_code
            not in {409, *FINE}
        ]

        assert refused == []

    @pytest.mark.control("2.4.1")
    @pytest.mark.parametrize("who", ["owner", "colleague"])
    def test_that_ends_something_asks_who_it_is_first(self, world, bob, who):
        browser = cast.browser((world.house if who == "owner" else bob).user)
        before = world.state()
        sensitive = [one for one in list_routes() if getattr(one.callback, "needs_recent", False)]

        assert {one.name for one in sensitive} == routes.CONFIRM | routes.CONFIRM_OF_STAFF
        for one in sensitive:
            answer = send_request(browser, "POST", world.address(one.name), {})
            # The owner has a security key.
            expected = "factor" if who == "owner" else "confirm"
            if one.name in routes.CONFIRM_OF_STAFF:
                expected = "403"
            assert differs(answer, expected) == "", one.name
        assert world.state() == before

    @pytest.mark.control("2.4.1")
    def test_that_ends_something_asks_for_the_second_factor_of_its_owner(self, world):
        by_password = cast.browser(world.house.user, recent=True)
        by_factor = cast.browser(world.house.user, mfa=True, recent=True)
        before = world.state()

        for name in sorted(routes.CONFIRM):
            refused = send_request(by_password, "POST", world.address(name), {})
            allowed = send_request(by_factor, "POST", world.address(name), {})
            assert differs(refused, "factor") == "", name
            assert differs(allowed, "factor") != "", name
        assert world.state() == before

    @pytest.mark.parametrize("role", [*sorted(STAFF), "member"])
    def test_has_nothing_for_who_belongs_nowhere_any_more(self, world, role):
        user, organisation = staff(role, world.house.organisation), world.house.organisation
        memberships.end_membership(
            user_id=user.id, organisation_id=organisation.id, at=timezone.now()
        )
        # Signed in again, after leaving.
        browser = cast.browser(user, mfa=role in STAFF, recent=True)

        for name in names():
            for method in ("GET", "POST"):
                answer = send_request(
                    browser, method, world.address(name), world.forms.get(name, {})
                )
                assert answer.status_code < 500, name
                assert cast.MARKER.encode() not in answer.getvalue(), name
                if route(name).is_api:
                    expected = 401 if name in routes.FOR_CLIENTS else 404
                    assert answer.status_code == expected, name

    @pytest.mark.control("3.3.1")
    @pytest.mark.parametrize("role", sorted(STAFF))
    def test_waits_for_a_factor_that_was_set_up_and_not_shown(self, world, role):
        user = staff(role, world.house.organisation)
        cast.security_key(user)
        browser = cast.browser(user, recent=True)

        for name in (
            set(names()) - CONFIRMATION_ROUTES - routes.WITHOUT_SESSION - routes.FOR_CLIENTS
        ):
            answer = send_request(browser, "GET", world.address(name), {})
            assert differs(answer, "403" if route(name).is_api else "factor") == "", name
            assert send_request(browser, "POST", world.address(name), {}).status_code == 403, name


IDS = (
    "user", "row", "message_id", "thread_id", "attachment_id", "connection_id", "integration_id",
    "purge_id", "pk", "own_entry_id", "consent_id", "calendar_id", "event_id", "command_id",
    "proposal_id", "file_id",
)  # fmt: skip


def make_neighbouring_id(value: str) -> str:
    """Return an id or cursor like that one which is nobody's."""
    try:
        return str(UUID(int=UUID(value).int ^ 1))
    except ValueError:
        return f"{value}x"


def remove_said(value: str, said: str) -> str:
    """Return an address without what was `said`; the way back through a door says it twice over."""
    for _ in range(3):
        value, said = value.replace(said, ""), quote(said, safe="")
    return value


_OF_A_FORM = re.compile(rb'value="[A-Za-z0-9]{64}"|name="key" value="[0-9a-f-]{36}"')


def plain(answer, said: str) -> tuple:
    """Return all of an answer but what the request `said`, its id, the moment, a form's own."""
    body = answer.getvalue().replace(said.encode(), b"")
    if answer.headers.get("Content-Type", "").startswith("application/"):
        unlike = dict.fromkeys(("request_id", "instance", "ledger_entry"), "")
        body = orjson.dumps(orjson.loads(body) | unlike)
    headers = {
        name: remove_said(value, said)
        for name, value in answer.headers.items()
        if name not in {"X-Request-ID", "Content-Length", "Expires", "RateLimit"}
    }
    return answer.status_code, headers, _OF_A_FORM.sub(b"", body)
