"""A grant that is thrown away, and a connect of the same account meanwhile."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connections as databases
from django.utils import timezone

from integrations.grants import shared_grants
from integrations.models import AttemptOutcome, ConnectAttempt, Connection, Discard
from tests.broker import record_messages
from tests.factories import make_organisation, make_user
from tests.integrations.google import ALICE_BOX, acme, alice, bob, browser_of, google
from tests.worlds.processes import wait_until
from tests.worlds.sandbox import GMAIL_READONLY

__all__ = ["acme", "alice", "bob", "browser_of", "google"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_is_queued(monkeypatch):
    record_messages(monkeypatch)


@pytest.mark.scenario("X6", "A6")
@pytest.mark.clause("TOK-REVOKE")
class TestADiscard:
    def test_spares_the_grant_of_a_connection_that_has_no_mail(
        self, browser_of, alice, bob, google
    ):
        browser_of(alice).connect(untick=(GMAIL_READONLY,))

        refused = browser_of(bob).connect()

        assert refused.outcome == AttemptOutcome.CONNECTED_BY_OTHER
        assert google.calls("/revoke") == 0
        assert google.grants(ALICE_BOX)

    def test_leaves_no_connect_behind_with_a_grant_that_it_revoked(self, browser_of, alice, google):
        elsewhere = make_user("elsewhere", organisation=make_organisation("Other"))
        first, second = browser_of(alice), browser_of(elsewhere)
        backs = [google.consent(one.begin(), email=ALICE_BOX) for one in (first, second)]
        # What she agreed to has changed while she was there: her grant is not kept.
        ConnectAttempt.objects.filter(user=alice).update(feature_versions={"inbox": 0})
        google.fail_next(1, hang_seconds=1.5, path_prefix="/revoke")
        discarding = Thread(target=in_thread, args=(first, backs[0]))
        discarding.start()
        wait_until(lambda: Discard.objects.exists() or not discarding.is_alive())

        second.arrive(backs[1])
        discarding.join(timeout=60)

        assert not discarding.is_alive()

        outcome = second.attempt().outcome
        kept = Connection.objects.exists()
        assert first.attempt().outcome == AttemptOutcome.DISCLOSURE_OUTDATED
        assert kept == (outcome == AttemptOutcome.CONNECTED)
        assert kept == bool(google.grants(ALICE_BOX))
        assert not kept or google.calls("/token") > 2

    def test_leaves_nothing_when_it_is_over(self, browser_of, alice, google):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        ConnectAttempt.objects.update(feature_versions={"inbox": 0})

        browser.arrive(back)

        assert not google.grants(ALICE_BOX)
        assert not Discard.objects.exists()

    def test_that_nobody_heard_of_again_goes_with_the_sweep(self, browser_of, alice, google):
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)
        ConnectAttempt.objects.update(feature_versions={"inbox": 0})
        google.fail_next(1, drop="before", path_prefix="/revoke")

        browser.arrive(back)
        left = Discard.objects.count()
        shared_grants.delete_expired_discards(at=timezone.now() + shared_grants.IN_FLIGHT)

        assert (left, Discard.objects.count()) == (1, 0)


def in_thread(browser, back):
    try:
        browser.arrive(back)
    finally:
        databases.close_all()
