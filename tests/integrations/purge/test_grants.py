"""One account, connected several times: who needs the grant, and in which order."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection as database
from django.db import connections, transaction

from integrations import grants, purge
from integrations.models import (
    Connection,
    ConnectionStatus,
    PurgeJob,
    PurgeStep,
    RevocationOutcome,
)
from limited_use.models import DataKey, Receipt
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, disconnect
from tests.integrations.purge.test_engine import body_of, left, run
from tests.worlds.processes import wait_until


@pytest.fixture
def elsewhere(mailbox):
    """Return a live integration of the same Google account, of bob in another organisation."""
    bob = holdings.person(NOW, "bob")
    return holdings.integration(holdings.connection(bob, at=NOW, token="1//bob"), at=NOW)


@pytest.mark.scenario("X6")
@pytest.mark.clause("TOK-REVOKE")
class TestNeededElsewhere:
    @pytest.mark.claim("receipt.needed-elsewhere")
    def test_spares_the_grant_of_another_organisation(self, mailbox, elsewhere, google, clock):
        before = left(elsewhere)

        job = run(disconnect(mailbox), clock)

        assert google.tokens == []
        assert job.revocation == RevocationOutcome.NEEDED_ELSEWHERE
        assert left(elsewhere) == before
        assert not any(left(mailbox).values())
        assert "still lists" in body_of(mailbox)["provider_revocation"]["says"]

    def test_spares_the_grant_of_a_connection_that_brought_nothing_in(self, mailbox, google, clock):
        bob = holdings.person(NOW, "bob")
        empty = holdings.connection(bob, at=NOW, token="1//bob")

        job = run(disconnect(mailbox), clock)

        assert google.tokens == []
        assert job.revocation == RevocationOutcome.NEEDED_ELSEWHERE
        assert Connection.objects.get(id=empty.id).refresh_token is not None

    def test_revokes_when_the_last_of_the_account_goes(self, mailbox, elsewhere, google, clock):
        run(disconnect(mailbox), clock)
        job = run(disconnect(elsewhere, at=clock()), clock)

        assert google.tokens == ["1//bob"]
        assert job.revocation == RevocationOutcome.CONFIRMED

    def test_does_not_spare_a_grant_that_ended(self, mailbox, elsewhere, google, clock):
        Connection.objects.filter(id=elsewhere.connection_id).update(
            status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=NOW
        )

        job = run(disconnect(mailbox), clock)

        assert job.revocation == RevocationOutcome.CONFIRMED

    @pytest.mark.claim(
        "receipt.needed-elsewhere",
        "receipt.credential-kept",
        "receipt.connection-emptied",
    )
    def test_keeps_the_credential_for_another_product(self, mailbox, google, clock):
        other = holdings.integration(mailbox.connection, at=NOW, product="calendar", messages=0)

        job = run(disconnect(mailbox), clock)

        kept = Connection.objects.get(id=mailbox.connection_id)
        assert (google.tokens, kept.status) == ([], ConnectionStatus.ACTIVE)
        assert kept.refresh_token is not None
        assert DataKey.objects.filter(holder__in=[kept.id, other.id]).count() == 2
        assert job.credential_key_id == ""
        remains = body_of(mailbox)["remains"]
        assert "credential" in remains
        assert "emptied" not in remains["tombstones"]

    def test_asks_once_for_two_products_that_go_together(self, mailbox, google, clock):
        other = holdings.integration(mailbox.connection, at=NOW, product="calendar", messages=0)
        jobs = [disconnect(mailbox), disconnect(other)]

        outcomes = {run(job, clock).revocation for job in jobs}

        assert google.tokens == ["1//refresh"]
        assert outcomes == {RevocationOutcome.CONFIRMED}
        assert Receipt.objects.count() == 2

    def test_spares_a_connection_that_came_back_while_the_provider_was_down(
        self, mailbox, google, clock
    ):
        google.answer = (503, {})
        purge.run(job_id=(job := disconnect(mailbox)).id, now=clock)
        revived = Connection.objects.get(id=mailbox.connection_id)
        Connection.objects.filter(id=revived.id).update(status=ConnectionStatus.ACTIVE)
        again = holdings.integration(revived, at=NOW)
        clock.advance(minutes=5)

        job = run(job, clock)

        assert job.revocation == RevocationOutcome.NEEDED_ELSEWHERE
        assert Connection.objects.get(id=revived.id).refresh_token is not None
        assert DataKey.objects.filter(holder=again.id).exists()


@pytest.mark.scenario("X6")
class TestRevokingUntil:
    def until(self, integration, at):
        blind = bytes(Connection.objects.get(id=integration.connection_id).account_blind)
        with transaction.atomic():
            grants.order(blind)
            return grants.revoking_until(provider="google", account_blind=blind, at=at)

    def test_says_while_a_revocation_is_on_its_way(self, mailbox, google, clock):
        google.may_answer.clear()
        job = disconnect(mailbox)
        worker = Thread(target=in_thread, args=(job.id, clock))
        worker.start()
        assert google.asked.wait(10)

        during = self.until(mailbox, NOW)
        google.may_answer.set()
        worker.join(timeout=60)
        assert not worker.is_alive()

        assert during > NOW
        assert PurgeJob.objects.get(id=job.id).revoking_until is None

    def test_says_nothing_of_an_account_that_nobody_revokes(self, mailbox):
        assert self.until(mailbox, NOW) is None

    def test_makes_a_revocation_wait_for_a_connect_that_decides(self, mailbox, google, clock):
        job = disconnect(mailbox)
        with transaction.atomic():
            grants.order(bytes(mailbox.connection.account_blind))
            worker = Thread(target=in_thread, args=(job.id, clock))
            worker.start()
            wait_for_a_waiter()
            asked_meanwhile = list(google.tokens)
        worker.join(timeout=60)
        assert not worker.is_alive()

        assert asked_meanwhile == []
        assert google.tokens == ["1//refresh"]


def in_thread(job_id, clock):
    try:
        assert purge.run(job_id=job_id, now=clock) is PurgeStep.DONE
    finally:
        connections.close_all()


def wait_for_a_waiter():
    """Wait until somebody waits for an advisory lock of this connection."""
    wait_until(is_waited_for, within=30)


def is_waited_for():
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return cursor.fetchone()[0]
