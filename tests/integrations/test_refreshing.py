"""A process that cannot open refresh tokens: it asks a worker, and loses nothing by it."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections as databases
from django.utils import timezone

from integrations.grants import access_tokens, provider_calls
from integrations.models import Connection, ConnectionStatus
from integrations.providers import errors
from integrations.tasks import grants
from tests.broker import broker_down
from tests.integrations.google import ALICE_BOX

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.invariant(2)]

REFUSED = errors.TokenRejected("expired", status=401)


@pytest.fixture
def connected(browser_of, alice):
    """Return Alice's connection, as a consent left it."""
    browser_of(alice).connect()
    return Connection.objects.get()


@pytest.fixture
def expired(connected):
    Connection.objects.update(access_expires_at=timezone.now())
    connected.refresh_from_db()
    return connected


def at_once(connection_id):
    """Ask a worker that has nothing else to do."""
    thread = threading.Thread(target=_work, args=[connection_id])
    thread.start()
    thread.join()


def _work(connection_id):
    try:
        grants.refresh_grant(connection_id=str(connection_id))
    finally:
        databases.close_all()


def refreshes(google):
    return google.calls("/token") - 1


class TestPageDuringTokenRefresh:
    @pytest.mark.scenario("R1")
    def test_has_a_worker_refresh(self, expired, google):
        given = access_tokens.get_provider_access(
            connection_id=expired.id, request_refresh=at_once
        ).token()

        assert given == access_tokens.get_provider_access(connection_id=expired.id).token()
        assert refreshes(google) == 1

    def test_asks_nobody_while_the_token_at_hand_is_good(self, connected, google):
        asked = []

        access_tokens.get_provider_access(
            connection_id=connected.id, request_refresh=asked.append
        ).token()

        assert asked == []

    def test_has_a_token_that_was_refused_replaced_though_it_looks_good(self, connected, google):
        access = access_tokens.get_provider_access(
            connection_id=connected.id, request_refresh=at_once
        )
        before = access.token()

        access.renew(REFUSED)

        assert access.token() != before
        assert refreshes(google) == 1

    @pytest.mark.scenario("R1")
    def test_and_another_that_ask_for_the_same_refresh_get_one(self, connected, google):
        given = []
        for access in [
            access_tokens.get_provider_access(connection_id=connected.id, request_refresh=at_once)
            for _ in range(2)
        ]:
            access.token()
            access.renew(REFUSED)
            given.append(access)
        given = [access.token() for access in given]

        grants.refresh_grant(connection_id=str(connected.id))

        assert len(set(given)) == 1
        assert refreshes(google) == 1

    @pytest.mark.scenario("R8")
    def test_is_told_to_come_again_where_nobody_can_be_asked(self, expired, google):
        with broker_down(), pytest.raises(errors.Unavailable) as caught:
            access_tokens.get_provider_access(
                connection_id=expired.id, request_refresh=provider_calls.request_refresh
            ).token()

        assert caught.value.retry_after
        assert refreshes(google) == 0
        # The wish stands in the row: whoever refreshes next sees it.
        assert Connection.objects.get().refresh_beyond == expired.grant_generation
        assert access_tokens.get_provider_access(connection_id=expired.id).token()

    def test_is_told_to_come_again_where_no_worker_comes(self, expired, settings):
        settings.REFRESH_PATIENCE_SECONDS = 0.2

        with pytest.raises(errors.Unavailable) as caught:
            access_tokens.get_provider_access(
                connection_id=expired.id, request_refresh=lambda _: None
            ).token()

        assert caught.value.retry_after
        assert Connection.objects.get().status == ConnectionStatus.ACTIVE

    @pytest.mark.scenario("R5")
    def test_is_told_at_once_where_the_provider_is_down(self, expired, google, settings):
        # Longer than any test may last: it must not be waited for.
        settings.REFRESH_PATIENCE_SECONDS = 3600
        google.fail_next(1, path_prefix="/token", status=503, body="")

        with pytest.raises(errors.Unavailable):
            access_tokens.get_provider_access(
                connection_id=expired.id, request_refresh=at_once
            ).token()

        connection = Connection.objects.get()
        assert (connection.status, connection.refresh_lease_by) == (ConnectionStatus.ACTIVE, None)
        assert connection.refresh_failed_at is not None

    @pytest.mark.scenario("R7")
    def test_is_told_that_the_grant_ended(self, expired, google):
        google.revoke_grant(ALICE_BOX)

        with pytest.raises(errors.GrantRevoked):
            access_tokens.get_provider_access(
                connection_id=expired.id, request_refresh=at_once
            ).token()

        assert Connection.objects.get().status == ConnectionStatus.REAUTH_REQUIRED

    def test_waits_for_the_refresh_of_another(self, expired, google):
        # A lease that somebody holds: whoever is asked waits for it as well.
        Connection.objects.update(
            refresh_lease_by=uuid4(), refresh_lease_until=timezone.now() + timedelta(seconds=0.3)
        )

        assert access_tokens.get_provider_access(
            connection_id=expired.id, request_refresh=at_once
        ).token()
        assert refreshes(google) == 1


class TestTokenRefreshTask:
    def test_does_nothing_where_nothing_is_wanted(self, connected, google):
        grants.refresh_grant(connection_id=str(connected.id))

        assert refreshes(google) == 0

    @pytest.mark.scenario("R2")
    def test_does_nothing_for_what_is_no_more(self, google):
        grants.refresh_grant(connection_id=str(uuid4()))

        assert google.calls("/token") == 0

    @pytest.mark.scenario("R8")
    def test_cannot_be_queued_while_the_broker_is_down(self):
        with broker_down(), pytest.raises(errors.Unavailable) as caught:
            provider_calls.request_refresh(uuid4())

        assert caught.value.retry_after
        assert caught.value.__context__ is None
