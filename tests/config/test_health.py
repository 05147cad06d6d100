"""What those who start, stop and route to processes ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from config import health_probes, restore_gate
from config.heartbeats import DUTIES
from integrations.models import Heartbeat
from integrations.operations import heartbeats
from limited_use.vault import data_keys
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web"]


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    """Let no test see what another was answered."""
    monkeypatch.setattr(health_probes, "READINESS", health_probes.ReadinessCache())


class TestAlive:
    def test_touches_nothing(self):
        # Without a database: a test that reached one would fail.
        answer = Client().get("/healthz")

        assert (answer.status_code, answer.content) == (200, b"alive\n")
        assert "no-store" in answer["Cache-Control"]
        assert not answer.cookies

    def test_is_asked_in_plain_http(self, settings):
        settings.SECURE_SSL_REDIRECT = True

        assert Client().get("/healthz").status_code == 200
        assert Client().get("/").status_code == 301

    def test_is_told_of_a_service_whose_door_is_shut(self):
        looked = []
        door = restore_gate.RestoreGate(lambda *_: [b"passed on"], lambda: looked.append("there"))

        assert door({"PATH_INFO": "/healthz"}, lambda *_: None) == [b"passed on"]
        assert looked == []


@pytest.mark.django_db
@pytest.mark.usefixtures("requests_act_as_web")
class TestReady:
    @pytest.fixture(autouse=True)
    def all_run(self, db):
        heartbeats.record_heartbeats(DUTIES, at=timezone.now())

    def test_says_that_all_is_there(self):
        answer = Client().get("/readyz")

        assert answer.status_code == 200
        assert answer.json() == {
            "database": "ok", "migrations": "ok", "keys": "ok", "workers": "ok",
        }  # fmt: skip

    def test_names_the_queues_that_no_worker_consumes(self):
        at = timezone.now()
        heartbeats.record_heartbeats(
            ["purge"], at=at - heartbeats.MISSING_AFTER - timedelta(seconds=1)
        )
        Heartbeat.objects.filter(duty="beat").delete()

        answer = Client().get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["workers"] == "missing: beat, purge"

    def test_says_that_the_database_is_older_than_the_release(self, monkeypatch):
        monkeypatch.setattr(health_probes, "_has_missing_migrations", lambda: True)

        answer = Client().get("/readyz")

        assert answer.status_code == 503
        assert answer.json()["migrations"] == "missing"

    def test_says_that_the_database_is_away(self, monkeypatch):
        class Away:
            def cursor(self):
                raise OperationalError

        monkeypatch.setattr(health_probes, "connection", Away())
        answer = Client().get("/readyz")

        assert answer.status_code == 503
        assert answer.json() == {
            "database": "away", "migrations": "unknown", "keys": "ok", "workers": "unknown",
        }  # fmt: skip

    def test_serves_on_while_the_keys_are_away(self, settings, tmp_path):
        settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "nowhere")
        data_keys.drop_cached_keys()

        answer = Client().get("/readyz")

        assert answer.status_code == 200
        assert answer.json()["keys"] == "away"

    def test_asks_once_however_many_ask(self, monkeypatch):
        Client().get("/readyz")
        monkeypatch.setattr(health_probes, "connection", None)

        assert Client().get("/readyz").json()["database"] == "ok"

    def test_knows_what_a_release_brings(self):
        assert health_probes._has_missing_migrations() is False
