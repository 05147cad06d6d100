"""Requests that no client of ours sends: each is refused, and none is answered with a 5xx."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from limited_use.policy import feature_registry
from tests.api import cast, schema

V1 = "/v1/users/me"
FORMS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
)
FILE = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def browser(alice):
    """Return Alice's browser as it is: with a form token, which is checked."""
    browser = cast.browser(alice.user, strict=True)
    browser.raise_request_exception = False
    browser.get("/settings/integrations/")
    return browser


def post_bytes(browser: Client, path: str, body: bytes, content_type: str, **headers: str):
    headers |= {"X-CSRFToken": browser.cookies["csrf"].value, "Idempotency-Key": "key-00000001"}
    return browser.post(path, body, content_type=content_type, headers=headers)


@pytest.mark.parametrize("content_type", FORMS)
class TestABodySentAsAForm:
    def test_is_not_understood(self, browser, content_type):
        for path in ("calendars", "events", "free-busy", "availability"):
            for body in (b"[1]", b"1", b'"x"', b"null", b"a=b", b"\xff", b""):
                answer = post_bytes(browser, f"{V1}/{path}", body, content_type)
                schema.problem(answer, 400, "bad-request")

    def test_has_no_token_that_the_api_accepts(self, browser, content_type):
        token = browser.cookies["csrf"].value
        body = json.dumps({"csrfmiddlewaretoken": token}).encode()

        answer = browser.post(f"{V1}/events", body, content_type=content_type)

        schema.problem(answer, 403, "not-permitted")

    def test_is_imported_if_it_is_a_calendar(self, browser, calendar, content_type):
        answer = post_bytes(browser, f"{V1}/calendars/{calendar}/import", FILE, content_type)

        assert schema.check_answer(answer)["added"] == 0

    def test_is_not_imported_if_it_is_none(self, browser, calendar, content_type):
        for body in (b"a=b", b"\xff", b"--x--", b"[1]"):
            answer = post_bytes(browser, f"{V1}/calendars/{calendar}/import", body, content_type)
            assert (answer.status_code, answer.json()["code"]) == (422, "unreadable-file")


@pytest.fixture
def calendar(browser) -> str:
    version = feature_registry.FEATURES["local-calendar"].version
    about = {"name": "Own", "timezone": "UTC", "version": version}
    answer = post_bytes(browser, f"{V1}/calendars", json.dumps(about).encode(), "application/json")
    assert answer.status_code == 201
    return schema.check_answer(answer)["id"]


class TestANumberOfAForm:
    # More digits than Python reads, than a column holds, and of another script.
    NUMBERS = ("9" * 5_000, "9" * 20, "-1", "1e9", "\u0663", "0x10", "1_0", "\0", "")

    @pytest.fixture
    def confirmed(self, alice):
        browser = cast.browser(alice.user, recent=True)
        browser.raise_request_exception = False
        return browser

    @pytest.mark.parametrize("name", ["hours", "version"])
    def test_opens_no_message_to_support(self, confirmed, mine, name):
        version = feature_registry.FEATURES["support"].version
        form = {"agree": "yes", "hours": "24", "version": str(version)}

        for number in self.NUMBERS:
            path = reverse("inbox-support", args=[mine.message])
            answer = confirmed.post(path, {**form, name: number}, follow=True)
            assert answer.status_code == 200
            assert "from the list" in answer.text or "has changed" in answer.text

    def test_is_no_length_to_keep_calendars_for(self, confirmed, mine):
        for number in self.NUMBERS:
            path = reverse("settings-calendars-keep", args=[mine.integration])
            assert confirmed.post(path, {"hours": number}).status_code == 302

    def test_agrees_to_no_feature(self, confirmed):
        path = reverse("settings-feature", args=["inbox-widget"])

        for number in self.NUMBERS:
            answer = confirmed.post(path, {"agree": "yes", "version": number}, follow=True)
            assert (answer.status_code, "has changed" in answer.text) == (200, True)

    def test_agrees_to_no_connection(self, confirmed):
        path = reverse("connect-begin", args=["google"])

        for number in self.NUMBERS:
            answer = confirmed.post(path, {"agree": "yes", "version": f"inbox:{number}"})
            assert answer["Location"] == "/settings/connect/google/?product=mail"


class TestAnAddressWithALineEnd:
    @pytest.mark.parametrize("method", ["GET", "POST", "TRACE"])
    def test_below_v1_is_a_problem(self, db, method):
        for end in ("%0A", "a%0Ab", "users/me/messages%0A", "%0A/", "%0D%0A", "%00", "%ED%A0%80"):
            answer = Client(raise_request_exception=False).generic(method, f"/v1/{end}")
            schema.problem(answer, 404, "not-found")

    @pytest.mark.parametrize("path", ["/%0A", "/inbox/%0A", "/webhooks/%0A", "/v1%0A"])
    def test_elsewhere_is_a_page(self, db, path):
        answer = Client(raise_request_exception=False).get(path)

        assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


class TestAMethodThatNobodyAnswers:
    METHODS = ("TRACE", "PROPFIND", "CONNECT", "trace", "G%T")

    @pytest.mark.parametrize("method", METHODS)
    def test_is_a_problem_below_v1(self, hers, mine, method):
        answers = [
            hers.generic(method, path)
            for path in (f"{V1}/messages", f"{V1}/messages/{mine.message}", f"{V1}/calendars")
        ]

        for answer in answers:
            schema.problem(answer, 405, "method-not-allowed")
            assert "GET" in answer["Allow"]

    @pytest.mark.parametrize("path", ["/", "/inbox/", "/oauth/token", "/webhooks/google/pubsub"])
    def test_is_refused_elsewhere(self, hers, path):
        hers.raise_request_exception = False

        assert {hers.generic(method, path).status_code for method in self.METHODS} == {405}


class TestARequestThatDjangoRefuses:
    QUERY = "&".join(f"a{number}=" for number in range(2_000))

    @pytest.mark.parametrize(
        ("path", "headers"),
        [(f"{V1}/messages?{QUERY}", {}), (f"{V1}/messages", {"Host": "elsewhere.example"})],
        ids=["2,000 parameters", "host"],
    )
    def test_is_a_problem_below_v1(self, hers, path, headers):
        hers.raise_request_exception = False

        schema.problem(hers.get(path, headers=headers), 400, "bad-request")

    def test_is_a_page_elsewhere(self, hers):
        answer = hers.get("/inbox/", headers={"Host": "elsewhere.example"})

        assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")
