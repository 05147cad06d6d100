"""Refreshes of one grant by processes that share nothing but the database."""

from __future__ import annotations

import hashlib
import socket
from contextlib import ExitStack

import pytest
from django.db import connection as database
from django.utils import timezone

from integrations.grants import access_tokens
from integrations.models import Connection
from tests.integrations.google import GoogleConnectBrowser
from tests.worlds.processes import script, wait_until

GATE = 71_200
REFRESHING = "tests.processes.refreshing"

pytestmark = pytest.mark.scenario("R1")


def sql(statement):
    with database.cursor() as cursor:
        cursor.execute(statement, [GATE])
        return cursor.fetchall()


def waiting():
    return len(
        sql(
            # Not those of tests that run beside this one, in databases of their own.
            "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE datname = current_database()"
            " AND locktype = 'advisory' AND objid = %s AND NOT granted"
        )
    )


@pytest.fixture
def expired(world, alice):
    """Return a connection whose access token is over."""
    GoogleConnectBrowser(alice, world).connect()
    Connection.objects.update(access_expires_at=timezone.now())
    return Connection.objects.get()


def refreshes(world):
    forms = world.requests("/token")
    return sum("grant_type=refresh_token" in str(form.get("body")) for form in forms)


class TestTwentyWaitersInFiveProcesses:
    def test_refresh_a_rotating_token_once_between_them(self, expired, world):
        # Whoever asked a second time would show a token that is spent, and end the grant.
        world.dial(rotate_refresh_tokens=True)
        world.fail_next(1, path_prefix="/token", hang_seconds=0.5)
        sql("SELECT pg_advisory_lock(%s)")

        with ExitStack() as stack:
            processes = [
                stack.enter_context(script(REFRESHING, str(expired.id), "4", str(GATE)))
                for _ in range(5)
            ]
            wait_until(lambda: waiting() == 20)
            sql("SELECT pg_advisory_unlock(%s)")
            given = [line for one in processes for line in one.stdout.read().decode().split()]

        here = access_tokens.get_provider_access(connection_id=expired.id).token()
        assert given == [hashlib.sha256(here.encode()).hexdigest()] * 20
        assert refreshes(world) == 1
        connection = Connection.objects.get()
        assert connection.grant_generation == expired.grant_generation + 1
        assert (connection.status, connection.refresh_lease_by) == ("active", None)


class TestAHolderKilledInTheMiddleOfItsCall:
    def test_is_taken_over_from_once_its_lease_is_over(self, expired, world):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            # A provider that takes the call and does not answer.
            silent.settimeout(60)
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
            wanted = (REFRESHING, str(expired.id), "1", str(GATE))
            with script(*wanted, GOOGLE_TOKEN_URL=url) as holder:
                call, _ = silent.accept()
                leased = Connection.objects.get()
                holder.kill()
                holder.wait()
                said = holder.stdout.read()
                call.close()
        with script(REFRESHING, str(expired.id), "1", str(GATE)) as second:
            given = second.stdout.read().decode().strip()

        connection = Connection.objects.get()
        here = access_tokens.get_provider_access(connection_id=expired.id).token()
        assert said == b""
        assert given == hashlib.sha256(here.encode()).hexdigest()
        assert leased.refresh_lease_by is not None
        # The dead process wrote nothing: one generation, the second one's.
        assert connection.grant_generation == expired.grant_generation + 1
        assert connection.refresh_lease_by is None
