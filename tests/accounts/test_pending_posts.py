from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts import mfa_secrets
from accounts.allauth_private import SUSPENDED_REQUEST_KEY
from accounts.models import Session
from accounts.pending_posts import _CONTEXT
from accounts.sessions import SessionStore
from tests.accounts import cast

MARK = "cnry-what-somebody-typed"


@pytest.fixture
def waiting(db, settings):
    """Return a browser whose form waits for a confirmation: one for new recovery codes."""
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    browser = cast.sign_in(cast.person("alice"))
    answer = browser.post(
        "/accounts/mfa/recovery-codes/generate/",
        {"typed": MARK},
        HTTP_X_TYPED=MARK,
        HTTP_REFERER=f"https://x.example/{MARK}",
        SECRET_OF_THE_PROCESS=MARK,
    )
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    return browser


def read_suspended_request(browser: Client) -> dict:
    return SessionStore(browser.cookies["session"].value).load()[SUSPENDED_REQUEST_KEY]


@pytest.mark.invariant(4)
@pytest.mark.control("6.5.1")
class TestAFormThatWaits:
    def test_is_encrypted_in_the_session(self, waiting):
        kept = json.dumps(read_suspended_request(waiting))

        assert MARK not in kept
        assert waiting.cookies["session"].value not in kept
        assert MARK not in Session.objects.get().session_data

    def test_is_kept_without_the_headers_cookies_and_environment_it_came_with(self, waiting):
        opened = json.loads(
            mfa_secrets.decrypt_secret(read_suspended_request(waiting)["request"], context=_CONTEXT)
        )

        assert waiting.cookies["session"].value not in json.dumps(opened["META"])
        assert MARK not in json.dumps(opened["META"])
        assert MARK in opened["POST"]

    def test_is_run_once_its_sender_confirmed(self, waiting):
        answer = waiting.post(
            "/accounts/reauthenticate/",
            {"password": cast.PASSWORD, "next": "/accounts/mfa/recovery-codes/generate/"},
        )

        # The form ran: it is allauth's own answer to somebody without a second factor.
        assert answer.status_code == 200
        assert "You cannot generate recovery codes without" in answer.content.decode()
        assert SUSPENDED_REQUEST_KEY not in SessionStore(waiting.cookies["session"].value).load()

    def test_waits_on_through_a_wrong_password(self, waiting):
        waiting.post("/accounts/reauthenticate/", {"password": "wrong"})

        assert "request" in read_suspended_request(waiting)
        assert MARK not in Session.objects.get().session_data

    def test_is_dropped_where_no_secret_opens_it(self, waiting, settings):
        session = SessionStore(waiting.cookies["session"].value)
        session[SUSPENDED_REQUEST_KEY] = {"request": "f1.AAAA"}
        session.save()

        answer = waiting.get("/accounts/reauthenticate/")

        assert answer.status_code == 200
        assert SUSPENDED_REQUEST_KEY not in SessionStore(waiting.cookies["session"].value).load()
