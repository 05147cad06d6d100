"""Two people, one account, at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections as databases

from config.celery import app
from integrations.models import AttemptOutcome, ConnectAttempt, Connection, Integration
from tests.integrations.google import ALICE_BOX, acme, alice, bob, browser_of, google

__all__ = ["acme", "alice", "bob", "browser_of", "google"]

pytestmark = pytest.mark.django_db(transaction=True)


class TestTwoConnectsOfOneAccount:
    @pytest.mark.scenario("A6")
    def test_leave_one_connection_and_one_refusal(
        self,
        browser_of,
        alice,
        bob,
        google,
    ):
        browsers = [browser_of(alice), browser_of(bob)]
        backs = [google.consent(browser.begin(), email=ALICE_BOX) for browser in browsers]
        barrier = Barrier(2)

        def arrive(browser, back):
            try:
                barrier.wait()
                browser.arrive(back)
                return browser.attempt().outcome
            finally:
                databases.close_all()

        with ThreadPoolExecutor(2) as pool:
            outcomes = set(pool.map(arrive, browsers, backs))

        assert outcomes == {AttemptOutcome.CONNECTED, AttemptOutcome.CONNECTED_BY_OTHER}
        assert Connection.objects.count() == Integration.objects.count() == 1
        # The loser's tokens were of the winner's grant: forgotten, not revoked.
        assert google.grants(ALICE_BOX)


class TestTwoConnectsOfOnePerson:
    @pytest.mark.scenario("A3")
    def test_both_succeed_and_wait_for_each_other_in_no_circle(
        self, browser_of, alice, google, caplog
    ):
        browser, other = browser_of(alice), browser_of(alice)
        google.seed("second.box@example.com", size=1)
        accounts = [ALICE_BOX, "second.box@example.com"]
        backs = [
            google.consent(one.begin(), email=email)
            for one, email in zip((browser, other), accounts, strict=True)
        ]
        # Left open: both successes settle it.
        browser.begin()
        barrier = Barrier(2)

        def arrive(one, back):
            try:
                barrier.wait()
                return one.arrive(back).status_code
            finally:
                databases.close_all()

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(arrive, (browser, other), backs)) == [303, 303]

        assert Connection.objects.live().count() == 2
        assert "database.contended" not in caplog.messages
        open_attempt = ConnectAttempt.objects.get(outcome=AttemptOutcome.PENDING)
        assert open_attempt.settled_at is not None


class TestABrokerThatIsDown:
    @pytest.mark.scenario("X1")
    @pytest.mark.invariant(5)
    def test_is_asked_once_and_not_waited_for(self, settings):
        # Kombu's own default is to try for six seconds, with the person's browser waiting.
        assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["max_retries"] == 0
        assert app.conf.broker_transport_options["max_retries"] == 0
