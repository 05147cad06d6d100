"""No answer is a 5xx, whatever stands in an address, a query, a form, a body or a header."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson
import pytest
from django import forms
from django.test import Client
from django.urls import resolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.ids import uuid7
from config import urls
from integrations.urls.api import openapi
from limited_use.policy.feature_registry import FEATURES
from tests import hostile_values, naming
from tests.api import cast
from tests.api.conftest import alice, keyring, mailbox, synced
from tests.test_routes import UNKNOWN, RoutesWorld, names, send_request, world

__all__ = ["alice", "keyring", "mailbox", "synced", "world"]

pytestmark = [pytest.mark.django_db, pytest.mark.control("5.1.3")]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
SEVERAL = settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# What a form needs before a view reads the rest of it.
USUAL: dict[str, dict[str, str]] = {
    "inbox-support": {"agree": "yes", "hours": "24", "version": str(FEATURES["support"].version)},
    "calendar-support": {
        "agree": "yes",
        "hours": "24",
        "version": str(FEATURES["support"].version),
    },
    "settings-feature": {"agree": "yes", "version": "1"},
    "connect-begin": {"agree": "yes", "version": "inbox:1"},
    "inbox-search": {"words": "x"},
    "calendar-new": {**naming.EVENT, "calendar": UNKNOWN},
    "calendar-edit": {**naming.EVENT, "version": "0", "scope": "this"},
    "calendar-answer": {"response": "accepted", "version": "0"},
    "calendar-find": {"people": UNKNOWN, "length": "60", "reach": "7", "weekdays": "0"},
    "settings-local-calendar-new": {
        "name": "x",
        "zone": "UTC",
        "version": str(FEATURES["local-calendar"].version),
        "agree": "yes",
    },
    "ledger-consistency": {"from": "1", "to": "2"},
}
# Of these, what is asked by a query.
READ = frozenset({"calendar-find", "ledger-consistency"})
# Signing out ends the browser of all examples.
LEFT_OUT = frozenset({"account_logout"})
PAGES = tuple(name for name in names() if name not in LEFT_OUT and not name.startswith("api-"))


def form_fields() -> Iterator[str]:
    """Return the names of the fields of all forms of ours."""

    def below(kind: type) -> Iterator[type]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    for form in below(forms.BaseForm):
        if form.__module__.startswith(("accounts", "integrations")):
            yield from form.base_fields


@cache
def page_names() -> tuple[str, ...]:
    """Return what pages read from queries and forms."""
    # Forms are defined where they are used.
    assert urls.SITE_URLCONFS
    found = {*naming.NO_ID, *naming.OF, *form_fields(), "next", "login", "password"}
    return tuple(sorted(found))


@pytest.fixture
def browser(world) -> Client:
    return never_raising(cast.browser(world.house.user, mfa=True, recent=True))


def never_raising(client: Client) -> Client:
    """Have an exception answered with the page for it, as a server does."""
    client.raise_request_exception = False
    return client


def refuse_5xx(answer: Any, *said: object) -> None:
    """:raises AssertionError: if the answer is one, or shows what an exception says"""
    assert answer.status_code < 500, said
    # What is streamed is made after the view is done.
    assert b"Traceback" not in answer.getvalue()


class TestPageWithHostileValues:
    @given(data=st.data())
    @SEVERAL
    def test_answers_anything(self, world, browser, data):
        name = data.draw(st.sampled_from(PAGES))
        method = data.draw(st.sampled_from(("GET", "POST")))
        usual = USUAL.get(name, world.forms.get(name, {}))
        sent = data.draw(hostile_values.parameters(page_names(), usual))
        path = hostile_values.put_into_path(data.draw, world.address(name), ids_of(world))
        headers = data.draw(hostile_values.headers())
        who = data.draw(st.sampled_from((browser, never_raising(Client()))))

        refuse_5xx(send_hostile(who, method, path, sent, headers), method, path, sent, headers)

    def test_answers_the_worst_values_of_all_that_its_form_needs(self, world, browser):
        wrong = []

        for name, usual in USUAL.items():
            for each in usual:
                for value in (b"9" * 5_000, b"\0"):
                    sent = hostile_values.write_form({**usual, each: value})
                    method = "GET" if name in READ else "POST"
                    answer = send_hostile(browser, method, world.address(name), sent, {})
                    if answer.status_code >= 500:
                        wrong.append((name, each, value[:20]))

        assert wrong == []


class TestTheApi:
    @given(data=st.data())
    @SEVERAL
    def test_answers_anything(self, world, browser, data):
        name, method, told = data.draw(st.sampled_from(operations()))
        queries = tuple(one["name"] for one in told.get("parameters", ()) if one["in"] == "query")
        sent = data.draw(hostile_values.parameters(queries, dict(naming.TIMES) if queries else {}))
        path = hostile_values.put_into_path(data.draw, world.address(name), ids_of(world))
        body = data.draw(hostile_values.bodies(members_of(world, told)))
        headers = {"Idempotency-Key": f"key-{uuid7()}", "If-Match": '"0"'}
        headers |= data.draw(hostile_values.headers())
        who = data.draw(st.sampled_from((browser, never_raising(Client()))))

        answer = send_json(who, method, f"{path}?{sent}", body, headers)

        refuse_5xx(answer, method, path, sent, body, headers)
        # A problem, and no page: also for what never reached a view.
        assert answer.status_code < 400 or "problem+json" in answer["Content-Type"]


def ids_of(world: RoutesWorld) -> list[str]:
    return [str(each) for each in world.ids.values()]


def send_hostile(client: Client, method: str, path: str, sent: str, headers: dict[str, str]) -> Any:
    """Send a query or a form, and take back all that it did."""
    if method == "GET":
        return send_request(client, "GET", f"{path}?{sent}", {}, headers=headers)
    return send_request(client, "POST", path, sent, content_type=FORM, headers=headers)


def send_json(client: Client, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
    if method == "POST":
        return send_request(client, "POST", path, body, content_type=JSON, headers=headers)
    return send_request(client, method, path, {}, data=body, content_type=JSON, headers=headers)


@cache
def operations() -> tuple[tuple[str, str, dict[str, Any]], ...]:
    """Return route, method and description of each operation of the API."""
    described = orjson.loads(openapi.read_document())["paths"]
    return tuple(
        (resolve(re.sub(r"\{\w+\}", UNKNOWN, path)).url_name, method.upper(), told)
        for path, methods in described.items()
        for method, told in methods.items()
    )


def members_of(world: RoutesWorld, told: dict[str, Any]) -> dict[str, str]:
    """Return the members of the body of an operation, each with a value that is valid."""
    content = told.get("requestBody", {}).get("content", {}).get(JSON, {})
    schema = naming._resolved(content.get("schema", {}))
    mine = {key: str(value) for key, value in world.ids.items()}
    mine |= {"calendar": mine["calendar_id"], "cursor": "x", "own_entry_id": UNKNOWN}
    valid = {
        "when": json.dumps({"object": "timespan", **naming.TIMES}),
        "timezone": '"UTC"',
        "version": str(FEATURES["local-calendar"].version),
        "recurrence": '["RRULE:FREQ=DAILY;COUNT=3"]',
        "participants": json.dumps([{"user_id": mine["user"]}]),
        "people": json.dumps([mine["user"]]),
        "calendar_id": json.dumps(mine["calendar_id"]),
        "duration_minutes": "60",
        "status": '"accepted"',
        "level": '"details"',
        "scope": '"this"',
        "notify": '"none"',
        **{name: json.dumps(value) for name, value in naming.TIMES.items()},
    }
    return {name: valid.get(name, '"x"') for name in schema.get("properties", {})}
