"""Every body that the API reads: too deep, too large, too many or no JSON is a 400, and no more."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from integrations.models import Calendar, Event
from integrations.web.api import json_parser
from limited_use.models import Consent, Share
from tests.api import cast, schema

pytestmark = [pytest.mark.django_db, pytest.mark.control("5.1.8")]
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
V1 = "/v1/users/me"
BODIES = {
    "lists in lists": b"[" * 100_000,
    "lists in lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"title":' * 100_000,
    "a field deeper than a shape": b'{"title":' + b"[" * 900 + b"]" * 900 + b"}",
    "one too deep": b"[" * (json_parser.MAX_DEPTH + 1) + b"]" * (json_parser.MAX_DEPTH + 1),
    "one byte too large": b'"' + b"x" * (json_parser.MAX_BYTES - 1) + b'"',
    "values by the thousand": json.dumps({"people": [0] * json_parser.MAX_VALUES}).encode(),
    "half a character": b'"\xc3"',
    "half a surrogate": rb'{"title": "\ud800"}',
    "no number": b'{"title": NaN}',
    "two values": b"{} {}",
    "a list": b"[]",
    "nothing in it": b"null",
    "unknown fields by the hundred": json.dumps({f"x{n}": n for n in range(900)}).encode(),
}


def reads_json() -> list[tuple[str, str]]:
    """Return every operation of the document that takes a JSON body: its method and address."""
    return [
        (method, path)
        for path, methods in schema.read_strict_document()["paths"].items()
        for method, one in methods.items()
        if JSON in one.get("requestBody", {}).get("content", {})
    ]


def test_there_are_as_many_as_there_were_or_more():
    assert len(reads_json()) >= 8


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize("operation", reads_json(), ids=" ".join)
def test_a_body_that_is_none_is_told_and_changes_nothing(alice, account, hers, operation):
    method, path = operation
    ids = {"user": "me", "calendar_id": alice.primary.id, "event_id": alice.events.first().id}
    headers = {"If-Match": '"00"', "Idempotency-Key": "key-00000001"}
    tables = (Calendar, Event, Share, Consent)
    before = [list(one.objects.order_by("id").values()) for one in tables], account.version

    for what, body in BODIES.items():
        answer = hers.generic(method, path.format(**ids), body, content_type=JSON, headers=headers)

        said = schema.problem(answer, 400, "bad-request")
        assert len(said.get("errors", [])) <= 100, what
        assert len(answer.content) < 20_000, what

    assert (
        [list(one.objects.order_by("id").values()) for one in tables],
        account.version,
    ) == before


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize(
    ("member", "value", "named"),
    [
        ("title", 5, "title"),
        ("busy", "yes", "busy"),
        ("busy", 1, "busy"),
        ("calendar_id", "00000000000070008000000000000001", "calendar_id"),
        ("recurrence", [5], "recurrence/0"),
        ("participants", [{"email": 5}], "participants/0/email"),
        ("reminders", [{"minutes": "10"}], "reminders/0/minutes"),
        ("when", {"object": "timespan", "start": 5, "end": "2026-05-04"}, "when/start"),
    ],
)
def test_a_value_of_another_type_is_named(alice, hers, member, value, named):
    when = {"object": "datespan", "start": "2026-05-04", "end": "2026-05-05"}
    body = {"calendar_id": str(alice.primary.id), "when": when, member: value}
    headers = {"Idempotency-Key": "key-00000001"}

    answer = hers.post(f"{V1}/events", json.dumps(body), content_type=JSON, headers=headers)

    said = schema.problem(answer, 400, "bad-request")
    assert [one["parameter"] for one in said["errors"]] == [named]


def test_a_form_that_is_larger_than_any_is_not_read(alice):
    browser = cast.browser(alice.user, strict=True)
    browser.get("/settings/integrations/")
    path, form = f"{V1}/events", b"title=" + b"x" * 3_000_000

    # The CSRF token comes in a header: it is not looked for in the form.
    without = browser.generic("POST", path, form, content_type=FORM)
    token = {"X-CSRFToken": browser.cookies["csrf"].value}
    answer = browser.generic("POST", path, form, content_type=FORM, headers=token)

    schema.problem(without, 403, "not-permitted")
    schema.problem(answer, 400, "bad-request")


class TestWhatIsRead:
    def test_is_as_deep_and_as_many_as_it_may_be(self):
        deep = "[" * json_parser.MAX_DEPTH + "]" * json_parser.MAX_DEPTH
        many = json.dumps([0] * (json_parser.MAX_VALUES - 1))

        for text in (deep, many):
            assert json_parser.BoundedJSONParser().parse(BytesIO(text.encode())) == json.loads(text)
