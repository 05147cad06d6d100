"""Threads of a process that connected together do not all connect again together."""

from __future__ import annotations

import time

import pytest
from django.db import connections

AGE = 600
THREADS = 8


@pytest.fixture
def closing_times(transactional_db):
    """Return in how many seconds connections close that are opened now, one after the other."""
    opened = [connections.create_connection("default") for _ in range(THREADS)]
    try:
        for connection in opened:
            connection.settings_dict = {**connection.settings_dict, "CONN_MAX_AGE": AGE}
            connection.connect()
        return [connection.close_at - time.monotonic() for connection in opened]
    finally:
        for connection in opened:
            connection.close()


class TestConnectionsOpenedTogether:
    def test_close_at_different_times(self, closing_times):
        assert max(closing_times) - min(closing_times) > AGE / THREADS / 4

    def test_close_within_their_age(self, closing_times):
        assert all(AGE / 3 < seconds <= AGE for seconds in closing_times)


def test_a_connection_is_kept_for_minutes(settings):
    assert settings.DATABASES["default"]["CONN_MAX_AGE"] == AGE
