"""A mailbox's watch: wanted by itself, renewed in place, given up where nobody wants it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations import push
from integrations.models import (
    ConnectionStatus,
    IntegrationStatus,
    Watch,
    WatchStatus,
)
from integrations.providers import errors
from integrations.push import blind_lookup
from tests.integrations import household as houses
from tests.integrations.push.conftest import (
    TOPIC,
    list_watches,
    open_purge_job,
    reconcile_due_watches,
    told_of,
)
from tests.walls import acting_as

DAY = timedelta(days=1)


@pytest.fixture
def watched(alice, clock):
    reconcile_due_watches(clock)
    return alice


def test_a_mailbox_is_watched_from_the_next_sweep_on(alice, provider, mailbox, clock):
    reconcile_due_watches(clock)

    [watch] = list_watches(alice.integration)
    assert (watch.status, watch.resource) == (WatchStatus.LIVE, "mail")
    assert provider.topic == TOPIC
    assert bytes(watch.lookup_blind) == blind_lookup.blind_mailbox("google", mailbox.email)
    assert watch.expires_at - clock.at == timedelta(days=7)
    assert watch.lease_by is None
    # Again and again does nothing more.
    assert reconcile_due_watches(clock) == []
    assert provider.calls == ["watch"]


def test_a_mailbox_is_not_watched_where_push_is_not_configured(alice, provider, settings, clock):
    settings.PUSH = replace(settings.PUSH, pubsub_topic="")

    assert reconcile_due_watches(clock) == []
    assert provider.calls == []


@pytest.mark.scenario("P6")
def test_the_row_can_be_found_before_the_provider_is_asked(alice, provider, mailbox, clock):
    found = []

    def notify() -> None:
        with acting_as(ProcessClass.WEB):
            found.append(told_of(mailbox.email, clock))

    provider.meanwhile = notify

    reconcile_due_watches(clock)

    assert [[one.resource for one in heard] for heard in found] == [["mail"]]


class TestRenewing:
    @pytest.mark.scenario("P3")
    def test_happens_daily_and_in_place(self, watched, provider, clock):
        [before] = list_watches(watched.integration)
        assert reconcile_due_watches(clock) == []
        provider.now = clock.advance(hours=25)

        reconcile_due_watches(clock)

        [after] = list_watches(watched.integration)
        assert after.id == before.id
        assert provider.calls == ["watch", "watch"]
        assert after.expires_at - clock.at == timedelta(days=7)
        # It goes on: what was told since it began is still what was told.
        assert after.started_at == before.started_at

    def test_happens_before_half_of_a_short_watch_is_over(self, alice, provider, clock):
        provider.now = clock.at - timedelta(days=6, hours=23)

        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        assert watch.due_at - clock.at <= timedelta(minutes=30)

    @pytest.mark.invariant(7)
    def test_happens_although_the_provider_says_that_it_lasts_for_ever(
        self, alice, provider, clock
    ):
        provider.now = datetime.max.replace(tzinfo=UTC) - timedelta(days=8)

        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        assert watch.expires_at - clock.at == timedelta(days=31)
        assert watch.due_at - clock.at <= DAY

    @pytest.mark.scenario("P3")
    def test_that_came_too_late_begins_anew(self, watched, provider, clock):
        provider.now = clock.advance(days=10)

        reconcile_due_watches(clock)

        [watch] = list_watches(watched.integration)
        assert watch.started_at == clock.at
        assert watch.expires_at > clock.at

    def test_follows_an_account_that_was_renamed(self, watched, provider, mailbox, clock):
        mailbox.email = "alice.new@example.test"
        clock.advance(hours=25)

        reconcile_due_watches(clock)

        [watch] = list_watches(watched.integration)
        assert bytes(watch.lookup_blind) == blind_lookup.blind_mailbox("google", mailbox.email)


class TestAFailure:
    @pytest.mark.parametrize(
        ("error", "least"),
        [
            (errors.Unavailable("down", status=503), timedelta(seconds=15)),
            (errors.RateLimited("slow", retry_after=600), timedelta(minutes=10)),
            (errors.MailboxMissing("none"), DAY),
            (errors.ScopeMissing("no"), timedelta(seconds=15)),
            (errors.InvalidClient("topic"), timedelta(hours=1)),
            (errors.Unexpected("?"), timedelta(hours=1)),
        ],
        ids=lambda one: type(one).__name__,
    )
    def test_is_tried_again_when_it_is_worth_it(self, alice, provider, clock, error, least):
        provider.refusals = [error]

        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        assert (watch.status, watch.failure_count) == (WatchStatus.WANTED, 1)
        assert watch.due_at - clock.at >= least
        assert watch.lease_by is None
        alice.connection.refresh_from_db()
        assert alice.connection.status == ConnectionStatus.ACTIVE

    @pytest.mark.parametrize("error", [errors.ScopeMissing("no"), errors.AdminBlocked("no")])
    def test_that_is_one_refusal_is_over_within_a_minute(self, alice, provider, clock, error):
        provider.refusals = [error]
        reconcile_due_watches(clock)
        clock.advance(minutes=1)

        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        assert (watch.status, watch.failure_count) == (WatchStatus.LIVE, 0)

    def test_of_our_own_setting_up_is_the_operators(self, alice, provider, clock):
        provider.refusals = [errors.InvalidClient("Gmail may not publish to the topic")]

        reconcile_due_watches(clock)

        assert Alarm.objects.get().kind == "provider.invalid_client"
        assert alice.status[0] != IntegrationStatus.DEGRADED

    def test_backs_off_and_is_forgotten_after_a_success(self, alice, provider, clock):
        for count in range(1, 5):
            provider.refusals = [errors.Unavailable("down")]
            reconcile_due_watches(clock)
            [watch] = list_watches(alice.integration)
            assert watch.failure_count == count
            clock.at = watch.due_at

        provider.now = clock.at
        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        assert (watch.status, watch.failure_count) == (WatchStatus.LIVE, 0)

    def test_of_a_token_is_mended_by_a_new_one(self, alice, provider, clock, monkeypatch):
        renewed = []
        monkeypatch.setattr(
            "integrations.grants.access_tokens.AccessTokenSource.renew",
            lambda *_: renewed.append(1),
        )
        provider.refusals = [errors.TokenRejected("expired", status=401)]

        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        assert (watch.status, renewed) == (WatchStatus.LIVE, [1])

    @pytest.mark.invariant(8)
    @pytest.mark.scenario("S8")
    def test_of_one_mailbox_stops_no_other(self, alice, provider, clock):
        other = houses.household()
        provider.refusals = [errors.Unexpected("?")]

        reconcile_due_watches(clock)

        statuses = {
            row.status for house in (alice, other) for row in list_watches(house.integration)
        }
        assert statuses == {WatchStatus.WANTED, WatchStatus.LIVE}

    @pytest.mark.scenario("P4")
    def test_of_a_grant_asks_nobody_about_it_again(self, watched, provider, clock):
        watched.connection.status = ConnectionStatus.REAUTH_REQUIRED
        watched.connection.reauth_since = clock.at
        watched.connection.save()
        watched.integration.status = IntegrationStatus.REAUTH_REQUIRED
        watched.integration.save()
        clock.advance(days=10)

        assert reconcile_due_watches(clock) == []
        assert provider.calls == ["watch"]

    def test_leaves_a_watch_to_the_provider_that_a_quota_has_nothing_left_for(
        self, alice, provider, settings, clock
    ):
        settings.GMAIL_UNITS_PER_MINUTE = 60

        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        assert (watch.status, watch.failure_count, provider.calls) == (WatchStatus.WANTED, 0, [])
        assert watch.due_at > clock.at


class TestGivingUp:
    def test_follows_from_the_settings(self, watched, provider, settings, clock):
        settings.PUSH = replace(settings.PUSH, pubsub_topic="")

        reconcile_due_watches(clock)

        assert list_watches(watched.integration) == []
        assert provider.topic == ""

    def test_is_not_done_to_an_account_that_somebody_else_goes_by(
        self, db, mailbox, provider, settings, clock
    ):
        alice, other = (houses.household(account="one") for _ in range(2))
        reconcile_due_watches(clock)
        Watch.objects.filter(integration=alice.integration).update(
            status=WatchStatus.LEAVING, due_at=clock.at
        )

        with_others = [row.id for row in list_watches(other.integration)]
        push.reconcile_watch(watch_id=list_watches(alice.integration)[0].id, now=clock)

        assert list_watches(alice.integration) == []
        assert [row.id for row in list_watches(other.integration)] == with_others
        assert "stop" not in provider.calls

    def test_waits_for_no_provider_beyond_the_end_of_the_watch(self, watched, provider, clock):
        push.withdraw_watches(integration_id=watched.integration.id, resource="mail", at=clock.at)
        provider.refusals = [errors.Unavailable("down")] * 2
        [watch] = list_watches(watched.integration)

        push.reconcile_watch(watch_id=watch.id, now=clock)
        assert len(list_watches(watched.integration)) == 1
        clock.advance(days=8)
        push.reconcile_watch(watch_id=watch.id, now=clock)

        assert list_watches(watched.integration) == []


@pytest.mark.invariant(5)
class TestWatchAfterDisconnect:
    def test_meanwhile_leaves_no_watch_behind(self, alice, provider, clock):
        provider.meanwhile = lambda: open_purge_job(alice, alice.integration, clock)
        reconcile_due_watches(clock)

        [watch] = list_watches(alice.integration)
        # Its purge takes the row along; nothing that came later was written.
        assert (watch.status, watch.expires_at) == (WatchStatus.WANTED, None)
        assert reconcile_due_watches(clock) == []

    def test_before_it_begins_keeps_it_from_beginning(self, alice, provider, clock):
        open_purge_job(alice, alice.integration, clock)

        assert reconcile_due_watches(clock) == []
        assert (list_watches(alice.integration), provider.calls) == ([], [])
