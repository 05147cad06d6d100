"""An agreement withdrawn at the very moment at which something else relies on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections as databases
from django.utils import timezone

from integrations import connections
from integrations.models import Integration, PurgeJob
from limited_use.models import Consent
from tests.factories import make_connection, make_integration
from tests.integrations.google import ALICE_BOX, acme, alice, bob, browser_of, google

__all__ = ["acme", "alice", "bob", "browser_of", "google"]

pytestmark = pytest.mark.django_db(transaction=True)


def do_together(*acts):
    """Do all of `acts` at one moment, and return what they return."""
    barrier = Barrier(len(acts))

    def act_at_barrier(act):
        try:
            barrier.wait()
            return act()
        finally:
            databases.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result() for each in [pool.submit(act_at_barrier, act) for act in acts]]


def withdraw(person, organisation):
    return connections.withdraw_consent(
        feature="inbox", user_id=person.id, organisation_id=organisation.id, at=timezone.now()
    )


@pytest.mark.invariant(5)
class TestAWithdrawal:
    @pytest.mark.clause("MS-COPY", "AN-2")
    def test_beside_a_connect_leaves_no_copy_without_an_agreement(
        self, browser_of, alice, acme, google
    ):
        make_integration(make_connection(alice, acme))
        browser = browser_of(alice)
        back = google.consent(browser.begin(), email=ALICE_BOX)

        do_together(lambda: browser.arrive(back), lambda: withdraw(alice, acme))

        live = Integration.objects.live().count()
        agreed = Consent.objects.filter(withdrawn_at=None).count()
        # Whoever came second: what it brought in is agreed to, or ended with the rest.
        assert (live, agreed) in {(0, 0), (1, 1)}
        assert PurgeJob.objects.count() == 2 - live

    def test_twice_at_once_ends_each_mailbox_once(self, alice, acme):
        for _ in range(3):
            make_integration(make_connection(alice, acme))

        jobs = do_together(lambda: withdraw(alice, acme), lambda: withdraw(alice, acme))

        assert sorted(len(one) for one in jobs) == [0, 3]
        assert PurgeJob.objects.count() == 3
        assert not Consent.objects.filter(withdrawn_at=None).exists()
