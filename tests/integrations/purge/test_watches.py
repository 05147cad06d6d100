"""Before the grant is given back, the provider is asked to tell of no more news: once."""

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
from integrations.purge import inventory, revoking
from integrations.watches import stopping
from limited_use.models import DataKey
from tests.fakes.mail import FakeMailbox
from tests.fakes.pushes import FakeWatches, subscriptions_opened
from tests.integrations import household as houses
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, disconnect
from tests.integrations.purge.interleaving import Worker
from tests.integrations.purge.revoke_endpoint import DOWN
from tests.integrations.purge.test_engine import body_of, run
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


def watches_said(integration):
    return body_of(integration)["provider_watches"]


@pytest.mark.scenario("X6")
class TestBeforeTheGrant:
    @pytest.mark.claim("receipt.watch-stopped")
    def test_the_watch_is_stopped_and_the_receipt_says_so(self, fresh, provider, google, clock):
        revoked_before = []
        provider.meanwhile = lambda: revoked_before.append(list(google.tokens))

        job = run(disconnect(fresh), clock)

        assert provider.calls == ["stop"]
        assert revoked_before == [[]]
        assert google.tokens == ["1//refresh"]
        assert (job.watch_stop, job.watch_lapse_by) == ("stopped", None)
        said = watches_said(fresh)
        assert (said["outcome"], said["lapse_by"]) == ("stopped", None)
        assert said["says"].startswith("The provider was told to tell us of no more news")
        assert provider.topic == ""
        assert not Watch.objects.exists()

    def test_every_channel_is_stopped_by_its_two_ids(self, fresh, provider, clock):
        for channel in ("one", "two"):
            holdings.watch(fresh, at=NOW, channel=channel)

        job = run(disconnect(fresh), clock)

        assert sorted(provider.calls) == ["stop", "stop one", "stop two"]
        assert job.watch_stop == "stopped"

    @pytest.mark.scenario("X7")
    def test_every_subscription_is_ended_by_the_providers_id(
        self, fresh, provider, clock, monkeypatch
    ):
        subscribed = replace(
            providers.PROVIDERS["google"], subscriptions=subscriptions_opened(provider)
        )
        monkeypatch.setitem(providers.PROVIDERS, "google", subscribed)
        holdings.watch(fresh, at=NOW, channel="one")

        job = run(disconnect(fresh), clock)

        assert "stop resource-one" in provider.calls
        assert job.watch_stop == "stopped"

    def test_it_is_not_asked_again_after_a_crash(self, fresh, provider, clock, monkeypatch):
        def crash(*_, **__):
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(revoking, "attempt", crash)
            with pytest.raises(RuntimeError):
                purge.run(job_id=(job := disconnect(fresh)).id, now=clock)
        clock.advance(hours=1)

        run(job, clock)

        assert provider.calls == ["stop"]

    def test_a_worker_that_dies_while_asking_leaves_it_unanswered(
        self, fresh, provider, clock, monkeypatch
    ):
        class Killed(BaseException):
            pass

        def kill(*_, **__):
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(stopping, "stop", kill)
            patch.setattr(revoking.watches, "stop", kill)
            with pytest.raises(Killed):
                purge.run(job_id=(job := disconnect(fresh)).id, now=clock)
        clock.advance(hours=1)

        job = run(job, clock)

        assert (job.watch_stop, job.watch_lapse_by) == ("unanswered", NOW + timedelta(days=7))
        assert provider.calls == []


@pytest.mark.invariant(6)
@pytest.mark.scenario("X1")
class TestAProvider:
    @pytest.mark.claim("receipt.watch-unanswered")
    def test_that_does_not_answer_keeps_nothing_here(
        self, fresh, provider, google, clock, monkeypatch
    ):
        monkeypatch.setattr(stopping, "LONGEST_CALL", timedelta(seconds=0.05))
        answers = threading.Event()
        provider.meanwhile = lambda: answers.wait(10)

        job = run(disconnect(fresh), clock)

        answers.set()
        assert job.watch_stop == "unanswered"
        assert not any(inventory.left(integration_id=fresh.id).values())
        assert watches_said(fresh)["lapse_by"].startswith("2026-12-02")
        assert "and did not say that it does" in watches_said(fresh)["says"]

    def test_that_is_down_is_said_to_be(self, fresh, provider, google, clock):
        provider.refusals = [errors.Unavailable("down")]
        google.answer = DOWN

        step = purge.run(job_id=(job := disconnect(fresh)).id, now=clock)

        job.refresh_from_db()
        assert (step, job.watch_stop) == (PurgeStep.VERIFIED, "unanswered")

    @pytest.mark.claim("receipt.watch-no-access")
    def test_whose_grant_had_ended_cannot_be_asked(self, fresh, provider, clock):
        provider.refusals = [errors.TokenRejected("gone", status=401)]
        Connection.objects.update(refresh_token=None)

        job = run(disconnect(fresh), clock)

        assert job.watch_stop == "no_access"
        assert "no token of ours worked" in watches_said(fresh)["says"]
        # It goes on there, until it ends.
        assert provider.topic == "the topic"
        assert watches_said(fresh)["lapse_by"].startswith("2026-12-02")
        assert not any(inventory.left(integration_id=fresh.id).values())

    def test_is_not_asked_with_a_credential_that_does_not_open(self, fresh, provider, clock):
        DataKey.objects.exclude(line="content").delete()

        job = run(disconnect(fresh), clock)

        assert (job.watch_stop, provider.calls) == ("no_access", [])

    @pytest.mark.claim("receipt.watch-none")
    def test_is_asked_nothing_about_what_is_not_watched(self, fresh, provider, clock):
        Watch.objects.all().delete()

        job = run(disconnect(fresh), clock)

        assert (job.watch_stop, provider.calls) == ("none", [])
        said = "The provider was not telling us of news by itself."
        assert watches_said(fresh)["says"] == said


@pytest.mark.scenario("X6")
class TestTokensThatAreFencedOffMeanwhile:
    """By a reconnect, or by a disconnect of the other product: that does not end the grant."""

    def test_are_replaced_by_those_of_a_reconnect(self, fresh, provider, clock):
        Connection.objects.update(refresh_token=None)
        provider.refusals = [errors.TokenRejected("gone", status=401)]
        provider.meanwhile = lambda: in_another_session(lambda: once(reconnect, fresh, "1//newer"))

        job = run(disconnect(fresh), clock)

        assert (job.watch_stop, job.watch_lapse_by) == ("stopped", None)
        assert provider.topic == ""

    @pytest.mark.parametrize("how", ["reconnect", "disconnect"])
    def test_are_read_again_whenever_it_happens(self, alice, provider, google, clock, how):
        outcomes, commits = [], 0
        while not outcomes or outcomes[-1] is not None:
            mailbox, other = account(alice, f"{how}-{commits}")
            google.tokens.clear()
            job = disconnect(mailbox)
            worker = Worker(partial(purge.run, job_id=job.id, now=clock), ignored=())
            for _ in range(commits):
                worker.step()
            job.refresh_from_db()
            has_begun = job.revocation_tried_at is not None
            reconnect(other, f"1//{how}-{commits}") if how == "reconnect" else disconnect(other)
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


def once(work, *arguments):
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

        job = run(disconnect(mine), clock)

        assert (job.watch_stop, provider.calls) == ("needed_elsewhere", [])
        assert provider.topic == "the topic"
        assert Watch.objects.filter(integration=other).exists()
        assert google.tokens == []
        assert "something else that is connected to it needs that" in watches_said(mine)["says"]
        assert not Watch.objects.filter(integration=mine).exists()

    @pytest.mark.scenario("X6")
    def test_loses_it_with_the_last(self, alice, google, provider, clock):
        houses_of = [
            holdings.integration(holdings.connection(who, at=NOW), at=NOW)
            for who in (alice, holdings.person(NOW, "bob"))
        ]
        Connection.objects.update(access_expires_at=NOW + HOUR)

        jobs = [run(disconnect(one), clock) for one in houses_of]

        assert [job.watch_stop for job in jobs] == ["needed_elsewhere", "stopped"]
        assert provider.topic == ""
        assert PurgeJob.objects.count() == 2
