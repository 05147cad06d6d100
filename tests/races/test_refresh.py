"""Refreshes against each other, against a disconnect, and against a worker that dies."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections as databases
from django.db import transaction
from django.utils import timezone

from integrations.access.fences import DisconnectedError
from integrations.connections import automatic_disconnect
from integrations.grants import access_tokens
from integrations.models import Connection, ConnectionStatus, Integration, PurgeTrigger
from integrations.providers import errors
from limited_use.guard.guard import AccessRefused
from limited_use.models import Leaf
from tests.integrations.google import (
    ALICE_BOX,
    acme,
    alice,
    browser_of,
    google,
)

__all__ = ["acme", "alice", "browser_of", "google"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def expired(browser_of, alice):
    """Return a connection whose access token is over."""
    browser_of(alice).connect()
    Connection.objects.update(access_expires_at=timezone.now())
    return Connection.objects.get()


def events():
    return [json.loads(bytes(leaf.payload))["event"] for leaf in Leaf.objects.all()]


def token(connection_id, barrier=None):
    try:
        if barrier is not None:
            barrier.wait()
        return access_tokens.get_provider_access(connection_id=connection_id).token()
    except (errors.ProviderError, DisconnectedError, AccessRefused) as error:
        return type(error)
    finally:
        databases.close_all()


class TestTwentyWorkers:
    @pytest.mark.scenario("R1")
    def test_refresh_once_between_them(self, expired, google):
        google.dial(rotate_refresh_tokens=True)
        barrier = threading.Barrier(20)
        with ThreadPoolExecutor(20) as pool:
            given = list(pool.map(lambda _: token(expired.id, barrier), range(20)))

        assert len(set(given)) == 1
        assert isinstance(given[0], str)
        # One for the code, one for the refresh.
        assert google.calls("/token") == 2

    @pytest.mark.scenario("R1", "R7")
    def test_learn_once_that_the_grant_is_gone(self, expired, google):
        google.revoke_grant(ALICE_BOX)
        barrier = threading.Barrier(20)
        with ThreadPoolExecutor(20) as pool:
            given = set(pool.map(lambda _: token(expired.id, barrier), range(20)))

        assert given == {errors.GrantRevoked}
        assert google.calls("/token") == 2
        assert Connection.objects.get().status == ConnectionStatus.REAUTH_REQUIRED


class TestAHolderThatDied:
    @pytest.mark.scenario("R1")
    def test_holds_nobody_up_for_longer_than_its_lease(self, expired):
        # What a worker leaves behind that was killed between its claim and its write.
        Connection.objects.update(
            refresh_lease_by=uuid4(), refresh_lease_until=timezone.now() + timedelta(seconds=1)
        )

        assert isinstance(token(expired.id), str)

    @pytest.mark.scenario("R1")
    def test_is_given_up_on_in_the_end(self, expired, settings):
        settings.REFRESH_PATIENCE_SECONDS = 1
        Connection.objects.update(
            refresh_lease_by=uuid4(), refresh_lease_until=timezone.now() + timedelta(hours=1)
        )

        assert token(expired.id) is errors.Unavailable
        assert Connection.objects.get().status == ConnectionStatus.ACTIVE


class TestADisconnectInTheMiddle:
    @pytest.mark.scenario("R2", "X8")
    @pytest.mark.invariant(5)
    def test_leaves_no_token_and_no_grant(self, expired, google):
        google.fail_next(path_prefix="/token", hang_seconds=1)
        before = bytes(Connection.objects.values_list("access_token", flat=True).get())
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(token, expired.id)
            self._until_claimed()
            with transaction.atomic():
                automatic_disconnect.disconnect_in_transaction(
                    integration=Integration.objects.get(),
                    trigger=PurgeTrigger.OWNER,
                    at=timezone.now(),
                )

            assert late.result() in {DisconnectedError, AccessRefused}

        connection = Connection.objects.get()
        # The fresh token was taken back where it came from, by a call that meant it.
        assert google.calls("/revoke") == 1
        assert events().count("grant.discarded") == 1
        assert connection.grant_generation == expired.grant_generation
        assert connection.status == ConnectionStatus.ENDING
        assert bytes(Connection.objects.values_list("access_token", flat=True).get()) == before
        assert not google.grants(ALICE_BOX)

    def _until_claimed(self):
        for _ in range(1000):
            if Connection.objects.filter(refresh_lease_by__isnull=False).exists():
                return
            threading.Event().wait(0.005)
        pytest.fail("nobody claimed the refresh")
