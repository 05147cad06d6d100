"""What a run leaves when the provider does not play along."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations import purge
from integrations.coordination.leases import NotClaimable
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    Message,
    PurgeTrigger,
    QuotaBucket,
    StatusReason,
    SyncWork,
)
from integrations.providers import errors
from integrations.sync import sync_error_policy, work_leases
from integrations.sync.integration_status import (
    QUIET_FOR,
    SyncFindings,
    get_integration_sync_status,
)
from limited_use.models import DataKey, Leaf
from limited_use.vault import data_keys
from tests.integrations import household as houses
from tests.walls import acting_as

ACTIVE = (IntegrationStatus.ACTIVE, StatusReason.NONE)
TRANSIENT = [
    errors.RateLimited("slow down", status=429),
    errors.Unavailable("down", status=503),
    errors.Unavailable("silence"),
    errors.InvalidClient("our secret expired"),
]


@pytest.fixture
def synced(alice, mailbox):
    for _ in range(3):
        mailbox.deliver()
    alice.settle()
    return alice


def fail(house, mailbox, error, times=10):
    mailbox.refusals = [error] * times
    house.run()
    mailbox.refusals = []


class TestKeysOutOfReach:
    def test_stop_the_run_and_leave_everything_as_it_stands(self, synced, mailbox, settings):
        folder, away = settings.KEYRING.folder, settings.KEYRING.folder.with_name("away")
        mailbox.deliver()
        before = Message.objects.count()
        folder.rename(away)
        data_keys.drop_cached_keys()

        synced.run()

        assert synced.status == ACTIVE
        assert synced.work.failure_count == 0
        assert synced.work.lease_by is None
        assert Message.objects.count() == before
        away.rename(folder)
        synced.settle()
        assert Message.objects.count() == before + 1


@pytest.mark.invariant(8)
class TestSyncWithDamagedKey:
    def test_stops_its_mailbox_less_and_less_often_and_tells_an_operator(self, synced, mailbox):
        mailbox.deliver()
        before = Message.objects.count()
        DataKey.objects.filter(holder=synced.integration.id).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        for _ in range(3):
            assert not synced.run()

        assert (synced.work.failure_count, Message.objects.count()) == (3, before)
        assert synced.work.failing_since
        assert synced.work.next_sync_at - synced.at > timedelta(seconds=10)
        (alarm,) = Alarm.objects.filter(kind="sync.damaged")
        assert alarm.about == synced.integration.id

    def test_stops_no_other_mailbox(self, synced, mailbox):
        who = (synced.user, synced.organisation, synced.membership)
        other = houses.household(who=who)
        DataKey.objects.filter(holder=synced.integration.id).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        synced.run()
        other.settle()

        assert other.messages.count() == 3
        assert other.status == ACTIVE

    @pytest.mark.scenario("X1")
    @pytest.mark.django_db(transaction=True)
    def test_can_be_disconnected_and_is_emptied(self, synced):
        DataKey.objects.update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        with acting_as(ProcessClass.WEB, synced), transaction.atomic():
            integration = Integration.objects.select_for_update().get(id=synced.integration.id)
            job = purge.open_purge_job(
                integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
            )

        purge.run_purge(job_id=job.id)

        assert not Message.objects.exists()
        assert not DataKey.objects.filter(holder=synced.integration.id).exists()


@pytest.mark.invariant(10)
class TestATransientFailure:
    @pytest.mark.parametrize("error", TRANSIENT, ids=lambda e: type(e).__name__)
    @pytest.mark.scenario("R5")
    def test_keeps_the_status_and_backs_off(self, synced, mailbox, error):
        fail(synced, mailbox, error)

        assert synced.status == ACTIVE
        assert synced.work.failure_count == 1
        assert synced.work.next_sync_at > synced.at
        assert synced.work.lease_by is None
        synced.connection.refresh_from_db()
        assert synced.connection.status == ConnectionStatus.ACTIVE

    @pytest.mark.parametrize("error", TRANSIENT, ids=lambda e: type(e).__name__)
    def test_is_shown_once_it_has_lasted(self, synced, mailbox, error):
        SyncWork.objects.update(failing_since=timezone.now() - QUIET_FOR, failure_count=4)

        fail(synced, mailbox, error)

        assert synced.status == (
            IntegrationStatus.DEGRADED,
            sync_error_policy.get_sync_error_handling(error).reason,
        )

    def test_is_forgotten_after_a_success(self, synced, mailbox):
        SyncWork.objects.update(failing_since=timezone.now() - QUIET_FOR, failure_count=4)
        fail(synced, mailbox, errors.Unavailable("down"))

        synced.settle()

        assert synced.status == ACTIVE
        assert synced.work.failure_count == 0
        assert synced.work.failing_since is None

    @pytest.mark.parametrize("error", [errors.RateLimited, errors.Unavailable])
    def test_that_says_when_to_come_back_parks_the_mailbox(self, synced, mailbox, error):
        fail(synced, mailbox, error("later", retry_after=120.25))

        until = QuotaBucket.objects.get(connection=synced.connection).parked_until
        assert until - timezone.now() > timedelta(seconds=100)
        assert synced.work.next_sync_at - synced.at > timedelta(seconds=100)

    def test_of_a_limit_that_says_nothing_of_time_parks_it_longer_each_time(self, synced, mailbox):
        pauses = []
        for _ in range(4):
            fail(synced, mailbox, errors.RateLimited("later"))
            until = QuotaBucket.objects.get(connection=synced.connection).parked_until
            pauses.append((until - timezone.now()).total_seconds())
            QuotaBucket.objects.update(parked_until=None)

        longest = [work_leases.FIRST_PAUSE * 2**count for count in range(4)]
        assert all(
            0.4 * most < pause <= most for pause, most in zip(pauses, longest, strict=True)
        ), pauses

    def test_that_only_failed_parks_nothing(self, synced, mailbox):
        fail(synced, mailbox, errors.Unavailable("down", status=502))

        parked = QuotaBucket.objects.filter(parked_until__isnull=False)
        assert not parked.exists()

    @pytest.mark.scenario("A7")
    def test_of_our_own_registration_alarms_once_and_mends_itself(self, db, mailbox):
        mailbox.deliver()
        several = [houses.household() for _ in range(5)]
        for house in several:
            house.settle()
        for house in several:
            fail(house, mailbox, errors.InvalidClient("our secret expired"))

        assert Alarm.objects.count() == 1
        assert {house.status for house in several} == {ACTIVE}
        assert not Connection.objects.exclude(status=ConnectionStatus.ACTIVE).exists()
        for house in several:
            house.settle()
        assert {house.work.failure_count for house in several} == {0}


class TestALastingFailure:
    @pytest.mark.scenario("S7")
    def test_is_shown_at_once_and_not_asked_about_again_today(self, alice, mailbox):
        fail(alice, mailbox, errors.MailboxMissing("none"))

        assert alice.status == (IntegrationStatus.DEGRADED, StatusReason.MAILBOX_NOT_PROVISIONED)
        assert alice.work.next_sync_at - alice.at > timedelta(hours=23)
        with pytest.raises(NotClaimable):
            houses.sync_engine.run_sync_turn(
                houses.PRODUCTS, work_id=alice.work.id, at=alice.at + timedelta(hours=1)
            )

    @pytest.mark.claim("status.unexpected")
    @pytest.mark.parametrize("error", [errors.Unexpected("what?"), errors.Rejected("no")])
    def test_that_nobody_foresaw_pages_a_developer(self, alice, mailbox, error):
        fail(alice, mailbox, error)

        assert Alarm.objects.get().kind == "provider.unexpected"
        assert alice.status == (IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED)


class TestABug:
    def test_is_raised_and_does_not_come_back_at_once(self, synced, mailbox):
        mailbox.refusals = [RuntimeError("a bug")]

        with pytest.raises(RuntimeError):
            synced.run()

        work = synced.work
        assert work.lease_by is None
        assert work.failure_count == 1
        assert work.next_sync_at > synced.at


class TestAGrantThatEnded:
    def test_asks_the_owner_to_reconnect_and_is_not_tried_again(self, synced, mailbox):
        fail(synced, mailbox, errors.GrantRevoked("gone"))

        synced.connection.refresh_from_db()
        assert synced.connection.status == ConnectionStatus.REAUTH_REQUIRED
        assert synced.status[0] == IntegrationStatus.REAUTH_REQUIRED
        with pytest.raises(NotClaimable):
            synced.run()


class TestARefusedToken:
    def test_is_renewed_once_and_the_run_goes_on(self, synced, mailbox):
        mailbox.deliver()
        mailbox.refusals = [errors.TokenRejected("old")]
        # The fake asks for no token; that the next one is new is the tokens' own test.

        synced.settle()

        assert synced.messages.count() == 4

    def test_twice_is_no_word_about_the_grant(self, synced, mailbox):
        fail(synced, mailbox, errors.TokenRejected("old"))

        synced.connection.refresh_from_db()
        assert synced.connection.status == ConnectionStatus.ACTIVE
        assert synced.work.failure_count == 1


@pytest.mark.invariant(8)
@pytest.mark.scenario("S8")
class TestADeadAccount:
    def test_stops_only_itself(self, alice, mailbox):
        mailbox.deliver()
        other = houses.household()
        fail(alice, mailbox, errors.Unavailable("dead"))

        other.settle()

        assert alice.messages.count() == 0
        assert other.messages.count() == 1


@pytest.mark.invariant(3)
class TestTheLedgerOfARun:
    def test_has_the_decisions_of_its_permits_and_no_more(self, alice, mailbox):
        for _ in range(30):
            mailbox.deliver()
        before = Leaf.objects.count()

        alice.run()

        # Credential, remote ids, and keeping each of two classes; the bearer asks once.
        assert Leaf.objects.count() - before <= 5


class TestAStanding:
    def test_keeps_the_status_while_trouble_is_young(self):
        found = SyncFindings(
            has_synced=True,
            is_listing=False,
            failure_reason=StatusReason.RATE_LIMITED,
            failing_since=timezone.now(),
        )

        assert get_integration_sync_status(found, current=ACTIVE, at=timezone.now()) == ACTIVE

    def test_says_that_a_new_round_is_under_way(self):
        found = SyncFindings(has_synced=True, is_listing=True)

        assert get_integration_sync_status(found, current=ACTIVE, at=timezone.now()) == (
            IntegrationStatus.DEGRADED,
            StatusReason.RESYNCING,
        )

    def test_says_that_counts_differ(self):
        found = SyncFindings(
            has_synced=True, is_listing=False, missing_count=1, quarantined_count=1
        )

        assert get_integration_sync_status(found, current=ACTIVE, at=timezone.now()) == (
            IntegrationStatus.DEGRADED,
            StatusReason.COUNT_MISMATCH,
        )
