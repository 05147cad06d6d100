"""A look while a worker has the mailbox: it waits for nothing, and is not forgotten."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.models import SyncWork
from integrations.sync import last_looks
from tests.walls import acting_as


@pytest.mark.django_db(transaction=True)
def test_a_look_waits_for_no_worker(alice):
    alice.run()
    lock = "SELECT 1 FROM integrations_syncwork WHERE integration_id = %s FOR UPDATE"
    parameters = connection.get_connection_params()
    names = {"dbname", "user", "password", "host", "port"}
    with psycopg.connect(**{key: parameters[key] for key in names & parameters.keys()}) as worker:
        worker.execute(lock, [alice.integration.id])
        with acting_as(ProcessClass.WEB, alice), connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '2s'")
            last_looks.record_looks([alice.integration.id], at=timezone.now())
            cursor.execute("RESET statement_timeout")
        assert alice.work.looked_at is None

    with acting_as(ProcessClass.WEB, alice):
        last_looks.record_looks([alice.integration.id], at=timezone.now())

    assert alice.work.looked_at is not None


class TestALookDuringATurn:
    """The turn has read the time of the last look when it began."""

    @pytest.fixture
    def run_with_look(self, alice, mailbox):
        """Return a function that makes a turn, with a look meanwhile, and returns what it does."""

        def record_look():
            mailbox.meanwhile = None
            with acting_as(ProcessClass.WEB, alice):
                assert last_looks.record_looks([alice.integration.id], at=timezone.now()) == []

        def run_turn_with_look(*, since_last_look):
            alice.settle()
            looked_at = timezone.now() - since_last_look
            SyncWork.objects.update(
                looked_at=looked_at, last_synced_at=timezone.now() - timedelta(minutes=5)
            )
            mailbox.meanwhile = record_look
            return alice.run()

        return run_turn_with_look

    def test_has_the_mailbox_checked_once_more_and_then_as_often_as_ever(
        self, alice, run_with_look
    ):
        assert run_with_look(since_last_look=timedelta(hours=10))

        assert not alice.run()
        rest = alice.work.next_sync_at - alice.work.last_synced_at
        assert round(rest.total_seconds()) == 60

    def test_changes_nothing_where_it_is_checked_often(self, run_with_look):
        assert not run_with_look(since_last_look=timedelta(minutes=10))
