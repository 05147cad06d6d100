"""Mail and calendars of one account go at once: so does the grant, and the receipts are true."""

from __future__ import annotations

import html
import json
from functools import partial
from threading import Barrier

import pytest
from django.utils import timezone

from accounts.models import Membership
from integrations import connections, purge
from integrations.coordination.leases import NotClaimable
from integrations.models import Connection, ConnectionStatus, Integration, PurgeJob, PurgeStep
from limited_use.models import DataKey, Receipt
from tests.factories import as_agreed, make_keyring, make_organisation, make_user
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser, point_at
from tests.integrations.purge.interleaving import Worker
from tests.races.test_purge_during import InThread
from tests.worlds.processes import wait_until

CALENDAR = {"product": "calendar", "version": as_agreed("calendar", "calendar-editing")}


@pytest.fixture
def browser(transactional_db, sandbox, settings):
    """Return a browser of Alice, who has connected mail and calendars of one Google account."""
    make_keyring()
    point_at(settings, sandbox)
    sandbox.seed(ALICE_BOX, size=3, days=30)
    browser = GoogleConnectBrowser(
        make_user("alice", organisation=make_organisation("Acme")), sandbox
    )
    connection = browser.connect().connection
    address = browser.begin(connection, **CALENDAR)
    assert browser.arrive(sandbox.consent(address, email=ALICE_BOX)).status_code == 303
    assert Integration.objects.live().filter(connection=connection).count() == 2
    assert sandbox.grants(ALICE_BOX) != []
    sandbox.clear_journal()
    return browser


def disconnect(browser, product) -> PurgeJob:
    return connections.disconnect_integration(
        integration_id=Integration.objects.live()
        .get(product=product, connection__user=browser.user)
        .id,
        user_id=browser.user.id,
        organisation_id=Membership.objects.get(user=browser.user).organisation_id,
        at=timezone.now(),
    )


def run_to_the_end(job) -> None:
    """Run the purge as its sweeps do, once more whenever it is due."""

    def is_done() -> bool:
        try:
            return purge.run_purge(job_id=job.id) is PurgeStep.DONE
        except NotClaimable:
            return PurgeJob.objects.filter(id=job.id, step=PurgeStep.DONE).exists()

    wait_until(is_done)


def said_by(job) -> dict:
    document = Receipt.objects.get(subject_id=job.integration_id, part=1).document
    return json.loads(bytes(document))["body"]["provider_revocation"]


def assert_revoked_once(sandbox) -> None:
    assert sandbox.grants(ALICE_BOX) == []
    assert [one["status"] for one in sandbox.requests("/revoke")] == [200]
    ended = Connection.objects.get()
    assert (ended.status, ended.refresh_token) == (ConnectionStatus.ENDED, None)
    assert not DataKey.objects.filter(holder__in=[ended.id, ended.grant_id]).exists()


def read_page(browser, job) -> str:
    return html.unescape(browser.client.get(f"/settings/removals/{job.id}/").content.decode())


@pytest.mark.invariant(6)
@pytest.mark.scenario("X6")
@pytest.mark.clause("TOK-REVOKE", "TOK-DELETE")
class TestMailAndCalendars:
    def test_that_are_purged_by_two_workers_at_once(self, browser, sandbox):
        jobs = [disconnect(browser, product) for product in ("mail", "calendar")]
        together = Barrier(2)

        def work(job):
            together.wait(30)
            run_to_the_end(job)

        workers = [InThread(partial(work, job)) for job in jobs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)

        assert [worker.raised for worker in workers] == [None, None]
        assert_revoked_once(sandbox)
        assert [said_by(job)["outcome"] for job in jobs] == ["confirmed", "confirmed"]

    @pytest.mark.parametrize("first", ["mail", "calendar"])
    def test_of_which_the_second_goes_after_the_first_was_needed(self, browser, sandbox, first):
        second = {"mail": "calendar", "calendar": "mail"}[first]
        earlier = disconnect(browser, first)
        worker = Worker(partial(purge.run_purge, job_id=earlier.id), ignored=())
        decided = PurgeJob.objects.filter(id=earlier.id, revocation="needed_elsewhere")
        while not decided.exists():
            worker.step()

        later = disconnect(browser, second)
        while not worker.is_over:
            worker.step()
        for job in (later, earlier):
            run_to_the_end(job)

        assert worker.raised is None
        assert_revoked_once(sandbox)
        assert said_by(later)["outcome"] == said_by(earlier)["outcome"] == "confirmed"

    def test_of_which_the_second_goes_after_the_first_has_its_receipt(self, browser, sandbox):
        earlier = disconnect(browser, "mail")
        run_to_the_end(earlier)
        kept = sandbox.grants(ALICE_BOX)

        later = disconnect(browser, "calendar")
        run_to_the_end(later)

        assert kept != []
        assert_revoked_once(sandbox)
        assert said_by(earlier)["needed_by"] == ["calendar"]
        assert "The calendars of this account are still connected." in said_by(earlier)["says"]
        assert said_by(earlier)["tries"] == 0
        assert said_by(later)["outcome"] == "confirmed"


@pytest.mark.scenario("X6")
@pytest.mark.clause("TOK-REVOKE")
class TestTwoOwners:
    """Of one Google account, in two organisations."""

    @pytest.mark.claim("receipt.was-needed", "receipt.revoked")
    def test_of_whom_the_last_ends_the_grant(self, browser, sandbox):
        bob = make_user("bob", organisation=make_organisation("Beta"))
        others = GoogleConnectBrowser(bob, sandbox)
        others.connect()
        jobs = [disconnect(browser, product) for product in ("mail", "calendar")]
        for job in jobs:
            run_to_the_end(job)

        kept = sandbox.grants(ALICE_BOX)
        asked = sandbox.requests("/revoke")
        last = disconnect(others, "mail")
        run_to_the_end(last)

        assert (kept != [], asked) == (True, [])
        assert sandbox.grants(ALICE_BOX) == []
        assert [one["status"] for one in sandbox.requests("/revoke")] == [200]
        assert said_by(last)["outcome"] == "confirmed"
        assert said_by(last)["says"] == "The provider confirmed that the access is revoked."
        assert said_by(last)["says"] in read_page(others, last)
        for job in jobs:
            assert said_by(job)["says"].startswith("Not revoked: ")
            assert said_by(job)["needed_by"] == ["other_connection"]
            assert said_by(job)["says"] in read_page(browser, job)
        assert "when Antares destroyed your access tokens" in said_by(jobs[-1])["says"]
        for ended in Connection.objects.all():
            assert (ended.status, ended.refresh_token) == (ConnectionStatus.ENDED, None)
            assert not DataKey.objects.filter(holder__in=[ended.id, ended.grant_id]).exists()
        assert Connection.objects.count() == 2
