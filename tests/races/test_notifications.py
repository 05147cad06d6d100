"""Notifications whose rows workers hold and wait for: none is refused, and none is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.utils import timezone

from integrations.models import SyncWork, Watch
from integrations.push import due_syncs
from tests.integrations.push.conftest import CALENDAR, reconcile_due_watches
from tests.integrations.webhooks.conftest import (
    alice,
    calendars,
    clock,
    google,
    keyring,
    mailbox,
    provider,
    queue,
    send_channel_call,
    send_push,
    watched,
)
from tests.integrations.webhooks.test_microsoft import call as post
from tests.integrations.webhooks.test_microsoft import item, subscription, work
from tests.races.locks import run_in_session, session, wait_for_waiters
from tests.walls import requests_act_as_web

__all__ = [
    "alice",
    "calendars",
    "clock",
    "google",
    "keyring",
    "mailbox",
    "provider",
    "queue",
    "requests_act_as_web",
    "subscription",
    "watched",
    "work",
]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.scenario("P5"),
    pytest.mark.usefixtures("requests_act_as_web"),
]


@pytest.fixture
def of_channel(calendars, provider, clock, queue):
    """Return the integration that a channel of Google's is about, and what sends a call of it."""
    reconcile_due_watches(clock)
    SyncWork.objects.update(next_sync_at=timezone.now() + due_syncs.SKEW * 100)
    [(hook, _)] = provider.channels.values()
    resource = f"resource-{CALENDAR}@there"
    return calendars, lambda: send_channel_call(hook.channel_id, hook.token, resource=resource)


@pytest.fixture
def of_mailbox(watched, mailbox):
    """Return the mailbox that Pub/Sub tells of, and what sends a message of it."""
    return watched.integration, send_push


@pytest.fixture
def of_subscription(subscription, calendars):
    """Return the integration that a subscription is about, and what sends a change of it."""
    return calendars, lambda: post(item(*subscription))


@pytest.fixture
def of_lifecycle(subscription, calendars):
    """Return the integration that a subscription is about, and what sends a notice of its end."""
    notice = {
        "changeType": None,
        "resourceData": None,
        "lifecycleEvent": "reauthorizationRequired",
    }
    return calendars, lambda: post(item(*subscription, **notice))


@pytest.fixture(params=["of_channel", "of_mailbox", "of_subscription", "of_lifecycle"])
def notified(request):
    return request.getfixturevalue(request.param)


def row_of(model, integration) -> str:
    """Return a statement that locks the row of an integration that a notification writes."""
    [row_id] = model.objects.filter(integration=integration).values_list("id", flat=True)
    return f"SELECT 1 FROM {model._meta.db_table} WHERE id = '{row_id}' FOR UPDATE"  # noqa: S608 - our own id


class TestANotificationThatWaitsBetweenTwoWorkers:
    """
    PostgreSQL may end it, although it holds nothing that anybody waits for but its turn.

    One worker has the row, another wants it and queues up behind the notification, and the first
    waits for something of the second. Whose time is up first is ended.
    """

    @pytest.mark.parametrize("model", [SyncWork, Watch])
    def test_is_accepted_and_makes_the_work_due(self, notified, model, queue):
        integration, notify = notified
        wanted = row_of(model, integration)
        other = "SELECT 1 FROM integrations_integration ORDER BY id LIMIT 1 FOR UPDATE"

        with (
            ThreadPoolExecutor(3) as pool,
            session(deadlock_timeout="2500ms") as first,
            session(deadlock_timeout="2500ms") as second,
        ):
            first.execute(wanted)
            second.execute(other)
            answer = pool.submit(run_in_session, notify, deadlock_timeout="1s")
            wait_for_waiters(1)
            behind = pool.submit(second.execute, wanted)
            wait_for_waiters(2)
            circle = pool.submit(first.execute, other)
            ended = [one.exception(20) for one in (behind, circle)]
            first.rollback()
            second.rollback()
            status = answer.result(20).status_code

        assert status in {202, 204}
        assert len(queue) == 1
        assert Watch.objects.get(integration=integration).last_event_at is not None
        # One of the workers was ended in its place.
        assert [type(one) for one in ended if one] == [psycopg.errors.DeadlockDetected]


class TestANotificationWhoseRowStaysLocked:
    def test_is_accepted_and_left_to_the_poll(self, notified, queue, caplog):
        integration, notify = notified

        with session() as worker, ThreadPoolExecutor(1) as pool:
            worker.execute(row_of(SyncWork, integration))
            answer = pool.submit(run_in_session, notify, lock_timeout="20ms").result(20)

        assert answer.status_code in {202, 204}
        assert queue == []
        assert [one.levelname for one in caplog.records if one.msg == "webhook.deferred"] == [
            "ERROR"
        ]

    def test_is_remembered_although_its_watch_is_not_noted(self, notified, queue):
        integration, notify = notified
        before = Watch.objects.get(integration=integration).last_event_at

        with session() as worker, ThreadPoolExecutor(1) as pool:
            worker.execute(row_of(Watch, integration))
            answer = pool.submit(run_in_session, notify, lock_timeout="20ms").result(20)

        assert answer.status_code in {202, 204}
        assert len(queue) == 1
        assert Watch.objects.get(integration=integration).last_event_at == before
