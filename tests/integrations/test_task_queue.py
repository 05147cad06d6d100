"""Enqueueing by name: what a message holds, and what happens without a broker."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from config.celery import app
from integrations.coordination import task_queue
from tests.broker import Message, broker_down, record_messages, using_broker

ID = uuid4()


def take(queue):
    """Return the next message of a queue in memory."""
    with app.connection_for_read() as connection, connection.SimpleQueue(queue) as messages:
        message = messages.get_nowait()
        message.ack()
        return message


@pytest.fixture
def memory():
    with using_broker("memory://"):
        for queue in ("sync", "purge"):
            with app.connection_for_read() as connection:
                connection.default_channel.queue_purge(queue)
        yield


class TestTaskMessage:
    @pytest.mark.invariant(4)
    @pytest.mark.parametrize(
        ("task", "queue", "ids"),
        [
            ("integrations.sync_mail", "sync", {"work_id": ID}),
            ("integrations.purge_integration", "purge", {"job_id": ID}),
        ],
    )
    def test_has_ids_and_goes_to_the_queue_of_its_task(self, memory, task, queue, ids):
        assert task_queue.enqueue(task, **ids)

        message = take(queue)
        arguments, keywords, _ = message.payload
        assert (message.headers["task"], message.headers["ignore_result"]) == (task, True)
        assert (arguments, keywords) == ([], {name: str(value) for name, value in ids.items()})
        assert message.headers["expires"] is None

    def test_expires_when_its_caller_no_longer_waits(self, memory):
        task_queue.enqueue("integrations.refresh_grant", expires=3, connection_id=ID)

        expires = datetime.fromisoformat(take("sync").headers["expires"])
        assert expires - timezone.now() <= timedelta(seconds=3)

    def test_that_a_sweep_repeats_expires_after_two_of_them(self, memory, settings):
        task_queue.enqueue_until_sweep("integrations.sync_mail", work_id=ID)

        left = datetime.fromisoformat(take("sync").headers["expires"]) - timezone.now()
        sweep = timedelta(seconds=settings.SWEEP_SECONDS)
        assert sweep < left <= 2 * sweep


class TestWithoutABroker:
    def test_a_request_goes_on(self):
        with broker_down():
            assert not task_queue.enqueue("integrations.sync_mail", work_id=ID)

    def test_a_sweep_fails(self):
        with broker_down(), pytest.raises(OperationalError):
            task_queue.enqueue_until_sweep("integrations.sync_mail", work_id=ID)

    def test_a_commit_stands(self, db, django_capture_on_commit_callbacks):
        with broker_down(), django_capture_on_commit_callbacks(execute=True) as callbacks:
            task_queue.enqueue_on_commit("integrations.sync_mail", work_id=ID)

        assert len(callbacks) == 1


@pytest.mark.django_db(transaction=True)
class TestATransaction:
    def test_enqueues_when_it_commits(self, monkeypatch):
        messages = record_messages(monkeypatch)

        with transaction.atomic():
            task_queue.enqueue_on_commit("integrations.sync_mail", work_id=ID)
            assert messages == []

        assert messages == [Message("integrations.sync_mail", {"work_id": str(ID)})]

    def test_enqueues_nothing_when_it_is_rolled_back(self, monkeypatch):
        messages = record_messages(monkeypatch)

        with transaction.atomic():
            task_queue.enqueue_on_commit("integrations.sync_mail", work_id=ID)
            transaction.set_rollback(True)

        assert messages == []
