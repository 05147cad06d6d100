"""A webhook knows of no session: a cookie that comes with a call is neither read nor set."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Session, User
from integrations.push.webhooks.urls import urlpatterns
from tests.api import cast
from tests.integrations.webhooks.conftest import asked_of
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]
PATHS = [*(reverse(route.name) for route in urlpatterns), "/webhooks/nothing"]


@pytest.fixture
def browser(alice):
    """Return Alice's browser; she was last seen two days ago."""
    browser = cast.browser(alice.user, strict=True)
    User.objects.filter(id=alice.user.id).update(last_seen_at=timezone.now() - timedelta(days=2))
    return browser


@pytest.mark.parametrize("path", PATHS)
class TestACallWithACookie:
    def test_looks_up_no_session(self, browser, alice, path):
        seen = User.objects.get(id=alice.user.id).last_seen_at
        held = list(Session.objects.values())

        with CaptureQueriesContext(connection) as queries:
            answer = browser.post(path, b"{}", content_type="application/json")

        assert asked_of(queries) == []
        assert answer.status_code in {202, 403, 404}
        assert list(Session.objects.values()) == held
        assert User.objects.get(id=alice.user.id).last_seen_at == seen

    def test_gets_none_back(self, browser, path):
        answer = browser.post(path, b"{}", content_type="application/json")

        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")

    def test_is_answered_as_without_one(self, browser, path):
        answers = [
            client.post(path, b"{}", content_type="application/json")
            for client in (browser, Client())
        ]

        first, second = (
            (answer.status_code, answer.content, set(answer.headers)) for answer in answers
        )
        assert first == second


class TestACallThatPassesNoSession:
    def test_has_the_headers_of_every_answer(self, db):
        answer = Client().post(f"{PATHS[2]}?validationToken=x")

        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Request-ID"]
        assert answer["Content-Length"] == "1"

    def test_has_to_name_our_host(self, db):
        assert Client().post(PATHS[0], headers={"Host": "elsewhere.example"}).status_code == 400
