"""One account, connected several times: who needs the grant, and in which order."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Thread

import pytest
from django.db import connection as database
from django.db import connections, transaction

from integrations import purge
from integrations.connections import save_grant
from integrations.coordination.leases import NotClaimable
from integrations.grants import shared_grants
from integrations.models import (
    Connection,
    ConnectionStatus,
    PurgeJob,
    PurgeStep,
    RevocationOutcome,
)
from integrations.providers.oauth_client import TokenSet
from limited_use.models import DataKey, Receipt
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.interleaving import Worker
from tests.integrations.purge.revoke_endpoint import DONE, DOWN, GONE
from tests.integrations.purge.test_engine import (
    another_sequencer_at_work,
    body_of,
    count_left,
    run_purge_to_end,
)
from tests.worlds.processes import wait_until

HOUR = timedelta(hours=1)


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
        before = count_left(elsewhere)

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        assert google.tokens == []
        assert job.revocation == RevocationOutcome.NEEDED_ELSEWHERE
        assert count_left(elsewhere) == before
        assert not any(count_left(mailbox).values())
        assert get_provider_revocation(mailbox)["needed_by"] == ["other_connection"]
        assert "still listed all permissions" in get_provider_revocation(mailbox)["says"]

    def test_spares_the_grant_of_a_connection_that_brought_nothing_in(self, mailbox, google, clock):
        bob = holdings.person(NOW, "bob")
        empty = holdings.connection(bob, at=NOW, token="1//bob")

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        assert google.tokens == []
        assert job.revocation == RevocationOutcome.NEEDED_ELSEWHERE
        assert Connection.objects.get(id=empty.id).refresh_token is not None

    def test_revokes_when_the_last_of_the_account_goes(self, mailbox, elsewhere, google, clock):
        run_purge_to_end(open_purge_job(mailbox), clock)
        job = run_purge_to_end(open_purge_job(elsewhere, at=clock()), clock)

        assert google.tokens == ["1//bob"]
        assert job.revocation == RevocationOutcome.CONFIRMED

    def test_does_not_spare_a_grant_that_ended(self, mailbox, elsewhere, google, clock):
        Connection.objects.filter(id=elsewhere.connection_id).update(
            status=ConnectionStatus.REAUTH_REQUIRED, reauth_since=NOW
        )

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        assert job.revocation == RevocationOutcome.CONFIRMED

    @pytest.mark.claim(
        "receipt.needed-elsewhere",
        "receipt.credential-kept",
        "receipt.connection-emptied",
    )
    def test_keeps_the_credential_for_another_product(self, mailbox, google, clock):
        other = holdings.integration(mailbox.connection, at=NOW, product="calendar", messages=0)

        job = run_purge_to_end(open_purge_job(mailbox), clock)

        kept = Connection.objects.get(id=mailbox.connection_id)
        assert (google.tokens, kept.status) == ([], ConnectionStatus.ACTIVE)
        assert kept.refresh_token is not None
        assert DataKey.objects.filter(holder__in=[kept.id, other.id]).count() == 2
        assert job.credential_key_id == ""
        remains = body_of(mailbox)["remains"]
        assert remains["credential"].startswith("The account is still connected:")
        assert "emptied" not in remains["tombstones"]

    def test_asks_once_for_two_products_that_go_together(self, mailbox, google, clock):
        other = holdings.integration(mailbox.connection, at=NOW, product="calendar", messages=0)
        jobs = [open_purge_job(mailbox), open_purge_job(other)]

        outcomes = run_in_turn(jobs, clock)

        assert google.tokens == ["1//refresh"]
        assert outcomes == ["confirmed", "confirmed"]
        assert Receipt.objects.count() == 2

    @pytest.mark.claim("receipt.mail-connected")
    def test_spares_a_connection_that_came_back_while_the_provider_was_down(
        self, mailbox, google, clock
    ):
        google.answer = (503, {})
        purge.run_purge(job_id=(job := open_purge_job(mailbox)).id, now=clock)
        revived = Connection.objects.get(id=mailbox.connection_id)
        Connection.objects.filter(id=revived.id).update(status=ConnectionStatus.ACTIVE)
        again = holdings.integration(revived, at=NOW)
        clock.advance(minutes=5)

        job = run_purge_to_end(job, clock)

        assert job.revocation == RevocationOutcome.NEEDED_ELSEWHERE
        assert Connection.objects.get(id=revived.id).refresh_token is not None
        assert DataKey.objects.filter(holder=again.id).exists()
        assert get_provider_revocation(mailbox)["needed_by"] == ["mail"]
        assert (
            "The mail of this account is still connected."
            in get_provider_revocation(mailbox)["says"]
        )

    @pytest.mark.claim("receipt.reconnected")
    def test_names_a_connection_that_came_back_without_a_product(self, mailbox, google, clock):
        google.answer = (503, {})
        purge.run_purge(job_id=(job := open_purge_job(mailbox)).id, now=clock)
        Connection.objects.filter(id=mailbox.connection_id).update(status=ConnectionStatus.ACTIVE)
        clock.advance(minutes=5)

        run_purge_to_end(job, clock)

        assert get_provider_revocation(mailbox)["needed_by"] == ["connection"]
        assert "The account was connected again." in get_provider_revocation(mailbox)["says"]


@pytest.mark.scenario("X6")
@pytest.mark.clause("TOK-REVOKE")
class TestSeveralPurgesOfAConnection:
    @pytest.fixture
    def calendars(self, mailbox):
        """Return the calendars of the account that has the mailbox."""
        return holdings.integration(mailbox.connection, at=NOW, product="calendar", messages=0)

    def test_share_an_outcome_that_is_not_the_first_answer(self, mailbox, calendars, google, clock):
        google.answer = DOWN
        jobs = [open_purge_job(mailbox), open_purge_job(calendars)]
        for job in jobs:
            purge.run_purge(job_id=job.id, now=clock)
        google.answer = DONE
        clock.advance(minutes=5)

        outcomes = run_in_turn(jobs, clock)

        assert outcomes == ["confirmed", "confirmed"]
        assert len(google.tokens) == 2
        assert (
            get_provider_revocation(mailbox)["tries"]
            == get_provider_revocation(calendars)["tries"]
            == 2
        )

    @pytest.mark.claim("receipt.tokens-destroyed")
    def test_give_up_together_a_day_after_the_last_disconnect(
        self, mailbox, calendars, google, clock
    ):
        google.answer = DOWN
        first = open_purge_job(mailbox)
        with another_sequencer_at_work():
            purge.run_purge(job_id=first.id, now=clock)
        clock.advance(hours=3)
        second = open_purge_job(calendars, at=clock())

        outcomes = run_in_turn([first, second], clock)

        assert outcomes == ["unconfirmed", "unconfirmed"]
        assert clock() - second.fenced_at >= timedelta(hours=24)
        ended = Connection.objects.get(id=mailbox.connection_id)
        assert (ended.refresh_token, ended.access_token) == (None, None)
        assert not DataKey.objects.filter(holder__in=[ended.id, ended.grant_id]).exists()
        for integration in (mailbox, calendars):
            assert get_provider_revocation(integration)["says"].endswith(
                "Antares destroyed your access tokens."
            )
            assert get_provider_revocation(integration)["pages"]

    def test_of_which_one_never_begins_keep_the_grant_for_two_minutes_at_most(
        self, mailbox, calendars, google, clock
    ):
        open_purge_job(calendars)
        job = open_purge_job(mailbox)

        purge.run_purge(job_id=job.id, now=clock)
        asked_at_once = list(google.tokens)
        clock.advance(seconds=2)
        job = run_purge_to_end(job, clock)

        assert asked_at_once == []
        assert google.tokens == ["1//refresh"]
        assert clock() - NOW <= timedelta(minutes=3)
        assert job.revocation == RevocationOutcome.CONFIRMED

    def test_each_revoke_the_grant_of_their_own_time(self, mailbox, google, clock):
        first = open_purge_job(mailbox)
        worker = Worker(partial(purge.run_purge, job_id=first.id, now=clock), ignored=())
        while Connection.objects.get(id=mailbox.connection_id).revocation == "pending":
            worker.step()
        worker.kill()
        clock.advance(minutes=2)
        second = open_purge_job(holdings.integration(reconnect(mailbox, "1//newer"), at=NOW))

        assert run_in_turn([first, second], clock) == ["confirmed", "confirmed"]
        assert google.tokens == ["1//refresh", "1//newer"]

    @pytest.mark.claim("receipt.already-gone")
    def test_remember_across_a_reconnect_that_they_asked_before(self, mailbox, google, clock):
        google.answer = DOWN
        first = open_purge_job(mailbox)
        purge.run_purge(job_id=first.id, now=clock)
        clock.advance(minutes=2)
        second = open_purge_job(holdings.integration(reconnect(mailbox, "1//newer"), at=NOW))
        google.answer = GONE

        outcomes = run_in_turn([first, second], clock)

        assert outcomes == ["gone_after_asking", "already_gone"]
        assert google.tokens == ["1//refresh", "1//newer"]

    @pytest.mark.claim("receipt.calendars-connected", "receipt.still-listed")
    def test_say_what_needed_the_grant_when_the_receipt_was_issued(
        self, mailbox, calendars, google, clock
    ):
        run_purge_to_end(open_purge_job(mailbox), clock)

        assert get_provider_revocation(mailbox)["outcome"] == "needed_elsewhere"
        assert get_provider_revocation(mailbox)["needed_by"] == ["calendar"]
        assert (
            "The calendars of this account are still connected."
            in get_provider_revocation(mailbox)["says"]
        )
        assert get_provider_revocation(mailbox)["says"].endswith(
            "and Antares keeps the access tokens."
        )
        assert google.tokens == []
        assert Connection.objects.get(id=mailbox.connection_id).refresh_token is not None
        assert (
            get_provider_revocation(mailbox)["tries"],
            get_provider_revocation(mailbox)["tried_at"],
        ) == (0, None)

    @pytest.mark.claim("receipt.needed-elsewhere", "receipt.other-organisation")
    def test_name_everything_that_needs_the_grant(
        self, mailbox, calendars, elsewhere, google, clock
    ):
        run_purge_to_end(open_purge_job(mailbox), clock)

        assert get_provider_revocation(mailbox)["needed_by"] == ["calendar", "other_connection"]
        assert "also connected in another organisation." in get_provider_revocation(mailbox)["says"]
        assert elsewhere.connection.organisation_id != mailbox.connection.organisation_id
        assert google.tokens == []

    @pytest.mark.claim("receipt.credential-until-settled", "receipt.other-organisation")
    def test_leave_the_credential_to_the_one_that_is_not_over(
        self, mailbox, calendars, elsewhere, google, clock
    ):
        first = open_purge_job(mailbox)
        with another_sequencer_at_work():
            purge.run_purge(job_id=first.id, now=clock)
        second = open_purge_job(calendars)
        clock.advance(seconds=1)

        run_purge_to_end(first, clock)

        assert get_provider_revocation(mailbox)["needed_by"] == ["other_connection"]
        remains = body_of(mailbox)["remains"]
        assert "Another disconnect of this account is in progress." in remains["credential"]
        assert Connection.objects.get(id=mailbox.connection_id).refresh_token is not None
        run_purge_to_end(second, clock)
        assert Connection.objects.get(id=mailbox.connection_id).refresh_token is None
        assert "credential" not in body_of(calendars)["remains"]
        # No grant was ended by either.
        assert google.tokens == []

    def test_do_not_name_a_need_that_ended_before_the_receipt(
        self, mailbox, calendars, google, clock
    ):
        first = open_purge_job(mailbox)
        with another_sequencer_at_work():
            purge.run_purge(job_id=first.id, now=clock)
        first.refresh_from_db()
        decided_at_first = first.revocation
        second = open_purge_job(calendars)

        outcomes = run_in_turn([first, second], clock)

        assert decided_at_first == RevocationOutcome.NEEDED_ELSEWHERE
        assert outcomes == ["confirmed", "confirmed"]
        assert google.tokens == ["1//refresh"]


class TestAnotherOrganisation:
    @pytest.mark.claim("receipt.was-needed")
    def test_that_needed_the_grant_is_named_after_it_has_gone(
        self, mailbox, elsewhere, google, clock
    ):
        first = open_purge_job(mailbox)
        with another_sequencer_at_work():
            purge.run_purge(job_id=first.id, now=clock)
        ended = Connection.objects.get(id=mailbox.connection_id)
        run_purge_to_end(open_purge_job(elsewhere), clock)
        clock.advance(seconds=1)

        run_purge_to_end(first, clock)

        assert ended.status == ConnectionStatus.ENDED
        assert get_provider_revocation(mailbox)["needed_by"] == ["other_connection"]
        assert get_provider_revocation(mailbox)["says"].startswith(
            "Not revoked: when Antares destroyed your access tokens"
        )
        assert google.tokens == ["1//bob"]


def reconnect(integration, token):
    """Return the integration's connection with a new grant, as a connect stores it."""
    connection = Connection.objects.get(id=integration.connection_id)
    tokens = TokenSet("ya29.newer", token, NOW + HOUR, None, frozenset())
    with transaction.atomic():
        connection = save_grant._renew_connection(connection, tokens, NOW)
        connection.save()
    return connection


def get_provider_revocation(integration):
    return body_of(integration)["provider_revocation"]


def run_in_turn(jobs, clock):
    """Run the purges as sweeps do, whichever is due; return their outcomes."""
    for _ in range(200):
        for job in jobs:
            with suppress(NotClaimable):
                purge.run_purge(job_id=job.id, now=clock)
        waiting = PurgeJob.objects.exclude(step=PurgeStep.DONE).order_by("next_try_at")
        if not waiting:
            break
        clock.at = max(clock.at, waiting[0].next_try_at)
    return [str(PurgeJob.objects.get(id=job.id).revocation) for job in jobs]


@pytest.mark.scenario("X6")
class TestRevokingUntil:
    def until(self, integration, at):
        blind = bytes(Connection.objects.get(id=integration.connection_id).account_blind)
        with transaction.atomic():
            shared_grants.lock_account(blind)
            return shared_grants.get_revocation_end(provider="google", account_blind=blind, at=at)

    def test_says_while_a_revocation_is_on_its_way(self, mailbox, google, clock):
        google.may_answer.clear()
        job = open_purge_job(mailbox)
        worker = Thread(target=in_thread, args=(job.id, clock))
        worker.start()
        assert google.asked.wait(10)

        during = self.until(mailbox, NOW)
        google.may_answer.set()
        worker.join(timeout=60)
        assert not worker.is_alive()

        assert during > NOW
        assert Connection.objects.get(id=mailbox.connection_id).revoking_until is None

    def test_says_nothing_of_an_account_that_nobody_revokes(self, mailbox):
        assert self.until(mailbox, NOW) is None

    def test_makes_a_revocation_wait_for_a_connect_that_decides(self, mailbox, google, clock):
        job = open_purge_job(mailbox)
        with transaction.atomic():
            shared_grants.lock_account(bytes(mailbox.connection.account_blind))
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
        assert purge.run_purge(job_id=job_id, now=clock) is PurgeStep.DONE
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
