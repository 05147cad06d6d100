"""What of a request is at its place, and so is no leak; everything else of it is searched."""

from __future__ import annotations

import json

import pytest

from tests.canaries.relay import Sent

pytestmark = pytest.mark.invariant(4)
MARK = "cnry0123456789alice"
CALENDAR = f"/calendar/v3/calendars/{MARK}-email%40x.example"
DRIVE = "/upload/drive/v3/files"
OUTLOOKS = f"/v1.0/me/calendars/{MARK}"
SUBSCRIPTION = {"clientState": MARK, "resource": f"/me/calendars/{MARK}/events"}
EVENT = {
    "summary": MARK,
    "description": MARK,
    "location": MARK,
    "attendees": [{"email": MARK}],
    "id": MARK,
}


def list_left_of_request(method: str, target: str, body: object = None, **headers: str) -> bytes:
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
        ("POST", f"{CALENDAR}/events/abc/move?destination={MARK}", None),
        ("GET", f"{OUTLOOKS}/calendarView/delta?$deltatoken=x", None),
        ("POST", f"{OUTLOOKS}/events", {"subject": MARK, "body": {"content": MARK}}),
        ("PATCH", f"{OUTLOOKS}/events/abc", {"location": {"displayName": MARK}}),
        ("GET", f"/v1.0/me/messages?$search={MARK}&$top=5", None),
        ("POST", "/v1.0/subscriptions", SUBSCRIPTION),
        ("DELETE", f"/v1.0/subscriptions/{MARK}", None),
        ("POST", "/common/oauth2/v2.0/token", {"refresh_token": MARK}),
        ("POST", "/upload/gmail/v1/users/me/drafts?uploadType=multipart", {"raw": MARK}),
        ("POST", "/v1.0/me/messages", {"subject": MARK, "toRecipients": [MARK]}),
        ("PATCH", "/v1.0/me/messages/abc", {"body": {"content": MARK}}),
        ("GET", f"/drive/v3/files?pageSize=1&q=name%3D{MARK}", None),
        ("POST", f"{DRIVE}?uploadType=resumable", {"name": MARK, "mimeType": MARK, "id": MARK}),
        ("PUT", f"{DRIVE}?uploadType=resumable&upload_id={MARK}", {"bytes": MARK}),
        ("DELETE", f"{DRIVE}?upload_id={MARK}", None),
    ],
)
def test_is_no_leak_at_its_place(method, target, body):
    assert MARK.encode() not in list_left_of_request(method, target, body)


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
        ("POST", f"{CALENDAR}/events/abc?destination={MARK}", None),
        ("GET", f"/v1.0/me/messages/{MARK}", None),
        ("GET", f"/v1.0/me/messages?$filter={MARK}", None),
        ("GET", f"/v1.0/me/mailFolders?$search={MARK}", None),
        ("POST", f"{OUTLOOKS}/events", {"categories": [MARK]}),
        ("POST", "/v1.0/subscriptions", {"notificationUrl": MARK}),
        ("POST", "/v1.0/me/events", EVENT),
        ("POST", "/common/oauth2/v2.0/devicecode", EVENT),
        ("POST", "/upload/gmail/v1/users/me/messages/send", {"raw": MARK}),
        ("POST", f"/upload/gmail/v1/users/me/drafts?q={MARK}", {"raw": "x"}),
        ("POST", "/v1.0/me/messages", {"categories": [MARK]}),
        ("POST", "/v1.0/me/sendMail", {"message": {"subject": MARK}}),
        ("GET", f"/drive/v3/files/abc?q={MARK}", None),
        ("POST", "/drive/v3/files", {"name": MARK}),
        ("POST", f"{DRIVE}?uploadType=multipart", {"name": MARK}),
        ("POST", f"{DRIVE}?uploadType=resumable", {"description": MARK, "parents": [MARK]}),
        ("PUT", DRIVE, {"bytes": MARK}),
        ("GET", f"{DRIVE}?upload_id={MARK}", None),
        ("PUT", f"/drive/v3/files/abc?upload_id={MARK}", {"bytes": MARK}),
        ("PATCH", "/drive/v3/files/abc", {"name": MARK}),
    ],
)
def test_is_a_leak_anywhere_else(method, target, body):
    assert MARK.encode() in list_left_of_request(method, target, body)


def test_is_a_leak_in_a_header():
    assert MARK.encode() in list_left_of_request("GET", f"{CALENDAR}/events", **{"x-more": MARK})
    assert MARK.encode() not in list_left_of_request(
        "GET", "/gmail", authorization=f"Bearer {MARK}"
    )


def batch(target: str, more: str = "") -> Sent:
    part = f"Content-Type: application/http\r\n\r\nGET {target} HTTP/1.1\r\n{more}\r\n\r\n"
    return Sent("POST", "/batch/drive/v3", (), f"--b\r\n{part}--b--\r\n".encode())


def test_is_no_leak_at_its_place_in_a_batch():
    sent = batch(f"/drive/v3/files?pageSize=1&q=name%3D{MARK}&alt=json")

    assert MARK.encode() not in sent.without_its_due
    assert b"GET /drive/v3/files?pageSize=1&alt=json HTTP/1.1" in sent.without_its_due
    assert [part.path for part in sent.parts] == ["/drive/v3/files"]


@pytest.mark.parametrize(
    ("target", "more"),
    [
        (f"/drive/v3/files/abc?q={MARK}", ""),
        (f"/drive/v3/files?fields={MARK}", ""),
        (f"/drive/v3/files/{MARK}?alt=json", ""),
        ("/drive/v3/files?q=x", f"x-more: {MARK}"),
    ],
)
def test_is_a_leak_anywhere_else_in_a_batch(target, more):
    assert MARK.encode() in batch(target, more).without_its_due
