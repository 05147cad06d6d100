"""A start with five thousand mailboxes: bounded work, the longest waiting first, all of them."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from config.celery import app
from integrations.models import Connection, Integration, SyncWork
from integrations.sync import work_leases
from integrations.tasks import sync as tasks
from tests.broker import record_messages
from tests.factories import make_organisation, make_user

COUNT, FEW = 5_000, 300
pytestmark = [pytest.mark.django_db, pytest.mark.scenario("O2")]


@pytest.fixture
def many(db):
    return mailboxes(COUNT)


@pytest.fixture
def few(db):
    return mailboxes(FEW)


def mailboxes(count):
    """Make mailboxes, due since one second more each; return the works, longest first."""
    organisation = make_organisation()
    user, now = make_user(organisation=organisation), timezone.now()
    owner = {"user": user, "organisation": organisation, "provider": "google"}
    connections = [
        Connection(account_blind=secrets.token_bytes(32), connected_at=now, **owner)
        for _ in range(count)
    ]
    since = {"status": "active", "status_since": now, "switched_on_at": now}
    integrations = [Integration(connection=one, product="mail", **since) for one in connections]
    works = [
        SyncWork(integration=one, next_sync_at=now - timedelta(seconds=count - place))
        for place, one in enumerate(integrations)
    ]
    for rows in (connections, integrations, works):
        type(rows[0])._default_manager.bulk_create(rows, batch_size=1_000)
    return [one.id for one in works]


@pytest.fixture
def queued(monkeypatch):
    """Return the messages that were enqueued."""
    return record_messages(monkeypatch)


class TestAStart:
    def test_queues_all_that_is_due_with_one_query(self, many, queued, django_assert_num_queries):
        with django_assert_num_queries(1):
            tasks.sweep_sync()

        assert [message.ids["work_id"] for message in queued] == [str(one) for one in many]

    def test_queues_no_more_than_a_sweep_may_and_the_longest_waiting_first(
        self, few, queued, monkeypatch
    ):
        monkeypatch.setattr(work_leases.get_due_ids, "__kwdefaults__", {"limit": 100})

        tasks.sweep_sync()

        assert [message.ids["work_id"] for message in queued] == [str(one) for one in few[:100]]

    def test_comes_to_everybody_however_many_wait(self, few, queued, monkeypatch):
        monkeypatch.setattr(work_leases.get_due_ids, "__kwdefaults__", {"limit": FEW // 3 + 1})
        at = timezone.now()

        for _ in range(3):
            tasks.sweep_sync()
            # What workers took is not due again before its interval is over.
            taken = [message.ids["work_id"] for message in queued]
            SyncWork.objects.filter(id__in=taken).update(next_sync_at=at + timedelta(minutes=1))

        assert {message.ids["work_id"] for message in queued} == {str(one) for one in few}
        assert len(queued) == FEW

    def test_leaves_no_hint_behind_for_longer_than_two_sweeps(self, few, queued, settings):
        tasks.sweep_sync()

        assert {message.options["expires"] for message in queued} == {2 * settings.SWEEP_SECONDS}

    def test_goes_through_one_connection_to_the_broker(self, few):
        with app.connection_for_write() as broker:
            client = broker.default_channel.client
            before = client.info("stats")["total_connections_received"]
            try:
                tasks.sweep_sync()
                after = client.info("stats")["total_connections_received"]
            finally:
                broker.default_channel.queue_purge("sync")

        # A few, whoever else is at it; never one for each.
        assert after - before < 20


class TestAFailureOfAll:
    def test_does_not_bring_them_back_at_one_moment(self):
        pauses = [work_leases.compute_backoff(3) for _ in range(COUNT)]

        # Twenty seconds at most, and spread over the half of it.
        assert min(pauses) >= 10
        assert max(pauses) <= 20
        for second in range(10, 20):
            within = sum(second <= one < second + 1 for one in pauses)
            assert within < COUNT * 0.15
