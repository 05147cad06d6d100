"""A look waits for no worker: what is locked is passed by, and written at the next look."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from config.classes import ProcessClass
from integrations.sync import looking
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
            looking.record([alice.integration.id], at=timezone.now())
            cursor.execute("RESET statement_timeout")
        assert alice.work.looked_at is None

    with acting_as(ProcessClass.WEB, alice):
        looking.record([alice.integration.id], at=timezone.now())

    assert alice.work.looked_at is not None
