"""Before the grant is given back, the provider is asked to stop its watches until it answers."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import connections

from integrations import providers, purge
from integrations.models import Connection, PurgeJob, PurgeStep, Watch
from integrations.providers import errors
from integrations.purge import inventory, provider_revocation
from integrations.push import unsubscribe
from limited_use.models import DataKey
from tests.fakes.mail import FakeMailbox
from tests.fakes.pushes import FakeWatches, make_open_subscriptions
from tests.integrations import household as houses
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.interleaving import Worker
from tests.integrations.purge.test_engine import body_of, run_purge_to_end
from tests.integrations.purge.test_grants import reconnect

HOUR = timedelta(hours=1)


@pytest.fixture
def provider(monkeypatch):
    watches = FakeWatches(topic="the topic")
    houses.provided(monkeypatch, FakeMailbox(), watches)
    return watches


@pytest.fixture
def fresh(mailbox):
    """Return the mailbox, with an access token that is good."""
    Connection.objects.update(access_expires_at=NOW + HOUR)
    return mailbox


def open_watched_channel(provider, integration, name):
    """Open a channel of an integration at the provider, and write its row."""
    holdings.watch(integration, at=NOW, channel=name)
    provider.channels[name] = (None, f"resource-{name}")


def resume(job, clock):
    """Run the job on, from when it is due again."""
    clock.at = job.next_try_at
    return run_purge_to_end(job, clock)


def watches_said(integration):
    return body_of(integration)["provider_watches"]


@pytest.mark.scenario("X6")
class TestBeforeTheGrant:
    @pytest.mark.claim("receipt.watch-stopped")
    def test_the_watch_is_stopped_and_the_receipt_says_so(self, fresh, provider, google, clock):
        revoked_before = []
        provider.meanwhile = lambda: revoked_before.append(list(google.tokens))

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert provider.calls == ["stop"]
        assert revoked_before == [[]]
        assert google.tokens == ["1//refresh"]
        assert (job.watch_stop, job.watch_lapse_by) == ("stopped", None)
        said = watches_said(fresh)
        assert (said["outcome"], said["lapse_by"]) == ("stopped", None)
        assert said["says"].startswith("The provider confirmed that it no longer notifies Antares")
        assert provider.topic == ""
        assert not Watch.objects.exists()

    def test_every_channel_is_stopped_by_its_two_ids(self, fresh, provider, clock):
        for channel in ("one", "two"):
            holdings.watch(fresh, at=NOW, channel=channel)

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert sorted(provider.calls) == ["stop", "stop one", "stop two"]
        assert job.watch_stop == "stopped"

    @pytest.mark.scenario("X7")
    def test_every_subscription_is_ended_by_the_providers_id(
        self, fresh, provider, clock, monkeypatch
    ):
        subscribed = replace(
            providers.PROVIDERS["google"], subscriptions=make_open_subscriptions(provider)
        )
        monkeypatch.setitem(providers.PROVIDERS, "google", subscribed)
        holdings.watch(fresh, at=NOW, channel="one")

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert "stop resource-one" in provider.calls
        assert job.watch_stop == "stopped"

    def test_it_is_not_asked_again_after_a_crash(self, fresh, provider, clock, monkeypatch):
        def crash(*_, **__):
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(provider_revocation, "attempt_revocation", crash)
            with pytest.raises(RuntimeError):
                purge.run_purge(job_id=(job := open_purge_job(fresh)).id, now=clock)
        clock.advance(hours=1)

        run_purge_to_end(job, clock)

        assert provider.calls == ["stop"]

    @pytest.mark.parametrize("commits", range(1, 9))
    def test_a_worker_that_dies_while_asking_is_followed_by_one_that_asks_again(
        self, fresh, provider, google, clock, commits
    ):
        """Killed before each commit of the try: the next worker goes on after the lease."""
        Watch.objects.all().delete()
        for name in ("one", "two"):
            open_watched_channel(provider, fresh, name)
        job = open_purge_job(fresh)
        worker = Worker(partial(purge.run_purge, job_id=job.id, now=clock), ignored=())
        for _ in range(commits):
            worker.step()
        worker.kill()
        job.refresh_from_db()
        assert not job.watch_stop or commits > 5
        clock.advance(minutes=2)

        job = run_purge_to_end(job, clock)

        assert provider.channels == {}
        assert sum(job.watch_counts.values()) == 2
        assert set(job.watch_counts) <= {"stopped", "gone"}
        assert google.tokens == ["1//refresh"]
        assert not Watch.objects.exists()


@pytest.mark.invariant(6)
@pytest.mark.scenario("X1")
class TestAProvider:
    @pytest.mark.claim("receipt.watch-unanswered")
    def test_that_does_not_answer_keeps_nothing_here(
        self, fresh, provider, google, clock, monkeypatch
    ):
        monkeypatch.setattr(unsubscribe, "LONGEST_CALL", timedelta(seconds=0.05))
        answers = threading.Event()
        provider.meanwhile = lambda: answers.wait(10)

        job = run_purge_to_end(open_purge_job(fresh), clock)

        answers.set()
        assert job.watch_stop == "unanswered"
        assert not any(inventory.count_rows_left(integration_id=fresh.id).values())
        assert watches_said(fresh)["lapse_by"].startswith("2026-12-02")
        assert "the provider did not confirm it" in watches_said(fresh)["says"]

    def test_that_is_down_is_asked_again_after_our_rows(self, fresh, provider, google, clock):
        provider.refusals = [errors.Unavailable("down")] * 2

        step = purge.run_purge(job_id=(job := open_purge_job(fresh)).id, now=clock)

        job.refresh_from_db()
        counts = inventory.count_rows_left(integration_id=fresh.id, with_watches=False)
        assert (step, job.watch_stop, any(counts.values())) == (PurgeStep.VERIFIED, "", False)
        # Without the grant nothing could be stopped any more.
        assert google.tokens == []
        assert job.next_try_at == NOW + timedelta(seconds=5)

        job = resume(job, clock)

        assert (job.watch_stop, provider.topic, provider.calls) == ("stopped", "", ["stop"] * 3)
        assert google.tokens == ["1//refresh"]
        assert watches_said(fresh)["tries"] == 3
        assert not any(inventory.count_rows_left(integration_id=fresh.id).values())

    def test_that_answers_for_one_channel_is_asked_about_the_others(self, fresh, provider, clock):
        Watch.objects.all().delete()
        for name in ("one", "two", "three"):
            open_watched_channel(provider, fresh, name)
        provider.refused_once = {"stop two": errors.Unavailable("down")}

        purge.run_purge(job_id=(job := open_purge_job(fresh)).id, now=clock)

        job.refresh_from_db()
        assert (job.watch_stop, job.watch_counts) == ("", {"stopped": 2})
        assert set(provider.channels) == {"two"}
        job = resume(job, clock)
        assert (job.watch_stop, job.watch_counts, provider.channels) == (
            "stopped",
            {"stopped": 3},
            {},
        )
        assert provider.calls.count("stop one") == 1

    @pytest.mark.claim("receipt.watch-unanswered")
    def test_that_stays_down_keeps_the_grant_for_an_hour(self, fresh, provider, google, clock):
        provider.refusals = [errors.Unavailable("down")] * 99

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert google.tokens == ["1//refresh"]
        assert job.revocation == "confirmed"
        assert timedelta(hours=1) <= clock() - NOW < timedelta(hours=1, minutes=5)
        assert (job.watch_stop, provider.topic) == ("unanswered", "the topic")
        assert job.watch_try_count > 8
        assert watches_said(fresh)["lapse_by"].startswith("2026-12-02")

    @pytest.mark.claim("receipt.watch-lapsed")
    def test_that_stays_down_until_the_watch_is_over_tells_no_more(
        self, fresh, provider, google, clock
    ):
        Watch.objects.update(expires_at=NOW + timedelta(minutes=20))
        provider.refusals = [errors.Unavailable("down")] * 99

        run_purge_to_end(open_purge_job(fresh), clock)

        said = watches_said(fresh)
        assert (said["outcome"], said["lapse_by"]) == ("lapsed", None)
        assert "they have expired" in said["says"]

    @pytest.mark.claim("receipt.watch-gone")
    def test_that_no_longer_has_a_channel_says_so(self, fresh, provider, clock):
        holdings.watch(fresh, at=NOW, channel="one")

        run_purge_to_end(open_purge_job(fresh), clock)

        said = watches_said(fresh)
        assert [(one["outcome"], one["count"]) for one in said["each"]] == [
            ("stopped", 1),
            ("gone", 1),
        ]
        assert "1 of 2: The provider answered that it had already stopped" in said["says"]

    def test_that_has_not_answered_an_opening_is_waited_for(self, fresh, provider, clock):
        """A worker is about to write down by what the channel is stopped."""
        row = holdings.watch(fresh, at=NOW, channel="one")
        opening = {"lease_by": row.id, "lease_until": NOW + timedelta(seconds=30)}
        Watch.objects.filter(id=row.id).update(resource_blind=None, status="wanted", **opening)

        purge.run_purge(job_id=(job := open_purge_job(fresh)).id, now=clock)

        job.refresh_from_db()
        assert (job.watch_stop, job.watch_counts) == ("", {"stopped": 1})
        job = resume(job, clock)
        assert (job.watch_stop, job.watch_counts) == ("unanswered", {"stopped": 1, "unanswered": 1})

    @pytest.mark.scenario("X6")
    def test_that_is_down_is_asked_for_a_day_while_another_product_uses_the_grant(
        self, fresh, provider, google, clock
    ):
        other = holdings.integration(fresh.connection, at=NOW, product="calendar", messages=0)
        Watch.objects.filter(integration=other).delete()
        Connection.objects.update(access_expires_at=NOW + 24 * HOUR)
        provider.refusals = [errors.Unavailable("down")] * 12

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert (job.watch_stop, provider.topic) == ("stopped", "")
        assert (job.watch_try_count, google.tokens) == (13, [])
        assert timedelta(hours=1) < clock() - NOW < timedelta(hours=24)

    @pytest.mark.claim("receipt.watch-no-access")
    def test_whose_grant_had_ended_cannot_be_asked(self, fresh, provider, clock):
        provider.refusals = [errors.TokenRejected("gone", status=401)]
        Connection.objects.update(refresh_token=None)

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert job.watch_stop == "no_access"
        assert "no access token worked" in watches_said(fresh)["says"]
        # It goes on there, until it ends.
        assert provider.topic == "the topic"
        assert watches_said(fresh)["lapse_by"].startswith("2026-12-02")
        assert not any(inventory.count_rows_left(integration_id=fresh.id).values())

    def test_is_not_asked_with_a_credential_that_does_not_open(self, fresh, provider, clock):
        DataKey.objects.exclude(line="content").delete()

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert (job.watch_stop, provider.calls) == ("no_access", [])

    @pytest.mark.claim("receipt.watch-none")
    def test_is_asked_nothing_about_what_is_not_watched(self, fresh, provider, clock):
        Watch.objects.all().delete()

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert (job.watch_stop, provider.calls) == ("none", [])
        said = "The provider was not notifying Antares of changes."
        assert watches_said(fresh)["says"] == said


@pytest.mark.scenario("X6")
class TestTokensThatAreFencedOffMeanwhile:
    """By a reconnect, or by a disconnect of the other product: that does not end the grant."""

    def test_are_replaced_by_those_of_a_reconnect(self, fresh, provider, clock):
        Connection.objects.update(refresh_token=None)
        provider.refusals = [errors.TokenRejected("gone", status=401)]
        provider.meanwhile = lambda: in_another_session(
            lambda: run_once(reconnect, fresh, "1//newer")
        )

        job = run_purge_to_end(open_purge_job(fresh), clock)

        assert (job.watch_stop, job.watch_lapse_by) == ("stopped", None)
        assert provider.topic == ""

    @pytest.mark.parametrize("how", ["reconnect", "disconnect"])
    def test_are_read_again_whenever_it_happens(self, alice, provider, google, clock, how):
        outcomes, commits = [], 0
        while not outcomes or outcomes[-1] is not None:
            mailbox, other = account(alice, f"{how}-{commits}")
            google.tokens.clear()
            job = open_purge_job(mailbox)
            worker = Worker(partial(purge.run_purge, job_id=job.id, now=clock), ignored=())
            for _ in range(commits):
                worker.step()
            job.refresh_from_db()
            has_begun = job.revocation_tried_at is not None
            reconnect(other, f"1//{how}-{commits}") if how == "reconnect" else open_purge_job(other)
            while not worker.is_over:
                worker.step()
            job.refresh_from_db()
            outcomes.append(None if has_begun else job.watch_stop)
            commits += 1

        assert len(outcomes) > 5
        assert set(outcomes) == {"stopped", None}


def account(alice, name):
    """Return mail and calendars of another account, with an access token that is good."""
    connection = holdings.connection(alice, at=NOW, account=name, token=f"1//{name}-old")
    Connection.objects.filter(id=connection.id).update(access_expires_at=NOW + HOUR)
    mail = holdings.integration(connection, at=NOW, messages=0)
    calendars = holdings.integration(connection, at=NOW, messages=0, product="calendar")
    Watch.objects.filter(integration=calendars).delete()
    return mail, calendars


def in_another_session(work):
    thread = threading.Thread(target=lambda: (work(), connections.close_all()))
    thread.start()
    thread.join(30)


def run_once(work, *arguments):
    """Do it, unless it was done before."""
    if not Connection.objects.filter(epoch__gt=2).exists():
        work(*arguments)


class TestAnAccountThatIsConnectedTwice:
    @pytest.mark.claim("receipt.watch-needed-elsewhere")
    @pytest.mark.scenario("X6")
    @pytest.mark.clause("AN-14")
    def test_keeps_the_watch_of_the_other(self, alice, google, provider, clock):
        mine, other = (
            holdings.integration(holdings.connection(who, at=NOW), at=NOW)
            for who in (alice, holdings.person(NOW, "bob"))
        )

        job = run_purge_to_end(open_purge_job(mine), clock)

        assert (job.watch_stop, provider.calls) == ("needed_elsewhere", [])
        assert provider.topic == "the topic"
        assert Watch.objects.filter(integration=other).exists()
        assert google.tokens == []
        assert "another connection of the account needs that" in watches_said(mine)["says"]
        assert not Watch.objects.filter(integration=mine).exists()

    @pytest.mark.scenario("X6")
    def test_loses_it_with_the_last(self, alice, google, provider, clock):
        houses_of = [
            holdings.integration(holdings.connection(who, at=NOW), at=NOW)
            for who in (alice, holdings.person(NOW, "bob"))
        ]
        Connection.objects.update(access_expires_at=NOW + HOUR)

        jobs = [run_purge_to_end(open_purge_job(one), clock) for one in houses_of]

        assert [job.watch_stop for job in jobs] == ["needed_elsewhere", "stopped"]
        assert provider.topic == ""
        assert PurgeJob.objects.count() == 2
