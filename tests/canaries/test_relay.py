"""What of a request is at its place, and so is no leak; everything else of it is searched."""

from __future__ import annotations

import json

import pytest

from tests.canaries.relay import Sent

pytestmark = pytest.mark.invariant(4)
MARK = "cnry0123456789alice"
CALENDAR = f"/calendar/v3/calendars/{MARK}-email%40x.example"
EVENT = {
    "summary": MARK,
    "description": MARK,
    "location": MARK,
    "attendees": [{"email": MARK}],
    "id": MARK,
}


def left(method: str, target: str, body: object = None, **headers: str) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    return Sent(method, target, tuple(headers.items()), data).without_its_due


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"{CALENDAR}/events?syncToken=x", None),
        ("POST", f"{CALENDAR}/events?sendUpdates=none", EVENT),
        ("PATCH", f"{CALENDAR}/events/abc", {"summary": MARK}),
        ("POST", f"{CALENDAR}/events/watch", {"id": MARK, "token": MARK}),
        ("GET", f"/gmail/v1/users/me/messages?q={MARK}", None),
        ("POST", "/token", {"code": MARK}),
    ],
)
def test_is_no_leak_at_its_place(method, target, body):
    assert MARK.encode() not in left(method, target, body)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", f"/calendar/v3/users/me/calendarList?x={MARK}", None),
        ("GET", f"{CALENDAR}/events?q={MARK}", None),
        ("POST", f"{CALENDAR}/events", {"extendedProperties": {"private": {"k": MARK}}}),
        ("POST", f"{CALENDAR}/events/watch", {"address": MARK}),
        ("POST", f"{CALENDAR}/acl", EVENT),
        ("POST", "/elsewhere", EVENT),
        ("GET", f"/gmail/v1/users/me/labels?q={MARK}", None),
    ],
)
def test_is_a_leak_anywhere_else(method, target, body):
    assert MARK.encode() in left(method, target, body)


def test_is_a_leak_in_a_header():
    assert MARK.encode() in left("GET", f"{CALENDAR}/events", **{"x-more": MARK})
    assert MARK.encode() not in left("GET", "/gmail", authorization=f"Bearer {MARK}")
