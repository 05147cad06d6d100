"""One connection's tokens, against the sandbox's token endpoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from accounts.models import Alarm
from integrations.access.fences import DisconnectedError
from integrations.grants import access_tokens, provider_credentials
from integrations.models import Connection, ConnectionStatus, Integration, IntegrationStatus
from integrations.providers import errors
from integrations.providers.oauth_client import TokenSet
from limited_use.guard.guard import AccessRefused
from tests.factories import make_connection, make_integration
from tests.integrations.google import ALICE_BOX

pytestmark = pytest.mark.django_db

REFUSED = errors.TokenRejected("expired", status=401)


@pytest.fixture
def connected(browser_of, alice):
    """Return Alice's connection, as a consent left it."""
    browser_of(alice).connect()
    return Connection.objects.get()


def expire(connection):
    Connection.objects.filter(id=connection.id).update(access_expires_at=timezone.now())


def token_of(connection):
    return access_tokens.get_provider_access(connection_id=connection.id).token()


def refreshes(google):
    return google.calls("/token") - 1


class TestAToken:
    @pytest.mark.scenario("R6")
    def test_is_the_one_at_hand_until_it_expires(self, connected, google):
        access = access_tokens.get_provider_access(connection_id=connected.id)

        given = {access.token() for _ in range(100)}

        assert len(given) == 1
        assert refreshes(google) == 0

    @pytest.mark.scenario("R9")
    def test_is_refreshed_when_it_has_expired_without_naming_scopes(self, connected, google):
        before = token_of(connected)
        expire(connected)

        after = token_of(connected)

        assert after != before
        form = google.requests("/token")[-1]
        assert refreshes(google) == 1
        assert "scope" not in str(form.get("form", parse_qs(str(form.get("body", "")))))

    @pytest.mark.scenario("R4")
    def test_keeps_the_refresh_token_where_the_answer_has_none(self, connected, google):
        before = bytes(Connection.objects.values_list("refresh_token", flat=True).get())
        for _ in range(2):
            expire(connected)
            token_of(connected)

        assert bytes(Connection.objects.values_list("refresh_token", flat=True).get()) == before

    @pytest.mark.scenario("R3")
    def test_keeps_the_newest_refresh_token_in_the_same_commit(self, connected, google):
        for _ in range(2):
            google.dial(rotate_refresh_tokens=True)
            before = bytes(Connection.objects.values_list("refresh_token", flat=True).get())
            expire(connected)
            token_of(connected)

            assert bytes(Connection.objects.values_list("refresh_token", flat=True).get()) != before

    @pytest.mark.scenario("A1")
    @pytest.mark.clause("TOK-SEC")
    @pytest.mark.invariant(2)
    def test_is_never_taken_from_an_unsealed_column(self, connected):
        with database.cursor() as cursor:
            cursor.execute("UPDATE integrations_connection SET access_token = 'ya29.plain'")

        with pytest.raises(errors.Unexpected):
            token_of(connected)

    @pytest.mark.claim("data-use.encrypted")
    @pytest.mark.clause("TOK-SEC")
    @pytest.mark.invariant(4)
    @pytest.mark.clause("GWDP-encrypt")
    def test_is_not_in_the_database_as_it_is(self, connected):
        token = token_of(connected)

        with database.cursor() as cursor:
            cursor.execute("SELECT string_agg(c::text, ' ') FROM integrations_connection c")
            everything = cursor.fetchone()[0]
        assert token not in everything
        assert token.encode().hex() not in everything

    def test_is_renewed_once_after_a_401(self, connected, google):
        access = access_tokens.get_provider_access(connection_id=connected.id)
        before = access.token()
        access.renew(REFUSED)

        after = access.token()

        assert after != before
        assert access.token() == after
        assert refreshes(google) == 1

    def test_is_not_renewed_again_if_somebody_else_has(self, connected, google):
        first = access_tokens.get_provider_access(connection_id=connected.id)
        second = access_tokens.get_provider_access(connection_id=connected.id)
        first.token()
        second.token()
        first.renew(REFUSED)
        second.renew(REFUSED)

        assert first.token() == second.token()
        assert refreshes(google) == 1

    @pytest.mark.invariant(5)
    def test_is_not_given_after_a_disconnect(self, connected):
        from integrations.connections import automatic_disconnect
        from integrations.models import PurgeTrigger

        access = access_tokens.get_provider_access(connection_id=connected.id)
        automatic_disconnect.disconnect_in_transaction(
            integration=Integration.objects.get(), trigger=PurgeTrigger.OWNER, at=timezone.now()
        )

        with pytest.raises((DisconnectedError, AccessRefused)):
            access.token()

    def test_of_nobody_is_not_given(self, db):
        from accounts.ids import uuid7

        with pytest.raises(DisconnectedError):
            access_tokens.get_provider_access(connection_id=uuid7())


class TestARefreshThatFails:
    @pytest.mark.scenario("R5")
    @pytest.mark.invariant(10)
    @pytest.mark.parametrize(
        ("fault", "error", "status"),
        [
            ({"status": 429, "body": "{}"}, errors.RateLimited, ConnectionStatus.ACTIVE),
            ({"status": 500, "body": "oops"}, errors.Unavailable, ConnectionStatus.ACTIVE),
            ({"status": 503, "body": "<html>"}, errors.Unavailable, ConnectionStatus.ACTIVE),
            ({"status": 400, "body": "<html>"}, errors.Unavailable, ConnectionStatus.ACTIVE),
            ({"drop": "before"}, errors.Unavailable, ConnectionStatus.ACTIVE),
            (
                {"status": 400, "body": '{"error": "temporarily_unavailable"}'},
                errors.Unavailable,
                ConnectionStatus.ACTIVE,
            ),
            (
                {"status": 401, "body": '{"error": "invalid_client"}'},
                errors.InvalidClient,
                ConnectionStatus.ACTIVE,
            ),
            (
                {"status": 400, "body": '{"error": "invalid_scope"}'},
                errors.Unexpected,
                ConnectionStatus.ACTIVE,
            ),
            (
                {"status": 400, "body": '{"error": "admin_policy_enforced"}'},
                errors.AdminBlocked,
                ConnectionStatus.ACTIVE,
            ),
            (
                {"status": 200, "body": '{"access_token": "t", "expires_in": 3599000}'},
                errors.Unexpected,
                ConnectionStatus.ACTIVE,
            ),
            (
                {"status": 400, "body": '{"error": "invalid_grant"}'},
                errors.GrantRevoked,
                ConnectionStatus.REAUTH_REQUIRED,
            ),
            (
                {
                    "status": 400,
                    "body": '{"error": "invalid_grant", "error_subtype": "invalid_rapt"}',
                },
                errors.GrantRevoked,
                ConnectionStatus.REAUTH_REQUIRED,
            ),
        ],
    )
    def test_leaves_exactly_this_state(self, connected, google, fault, error, status):
        expire(connected)
        google.fail_next(path_prefix="/token", **fault)

        with pytest.raises(error):
            token_of(connected)

        connected.refresh_from_db()
        assert connected.status == status
        assert connected.refresh_lease_by is None
        expected = (
            IntegrationStatus.SYNCING
            if status == ConnectionStatus.ACTIVE
            else IntegrationStatus.REAUTH_REQUIRED
        )
        assert Integration.objects.get().status == expected

    @pytest.mark.invariant(10)
    @pytest.mark.scenario("R5")
    def test_works_again_by_itself_where_it_was_passing(self, connected, google):
        expire(connected)
        google.fail_next(path_prefix="/token", status=503, body="")
        with pytest.raises(errors.Unavailable):
            token_of(connected)

        assert token_of(connected)

    @pytest.mark.scenario("A7")
    @pytest.mark.invariant(10)
    def test_alarms_the_operator_once_and_nobody_else_where_it_is_our_own_fault(
        self, connected, google, mailoutbox
    ):
        expire(connected)
        google.fail_next(5, path_prefix="/token", status=401, body='{"error": "invalid_client"}')
        for _ in range(5):
            with pytest.raises(errors.InvalidClient):
                token_of(connected)

        assert Alarm.objects.get().kind == "provider.invalid_client"
        assert not mailoutbox
        assert token_of(connected)

    @pytest.mark.scenario("R7")
    def test_is_not_repeated_once_the_provider_has_said_that_the_grant_is_gone(
        self, connected, google
    ):
        google.revoke_grant(ALICE_BOX)
        expire(connected)
        for _ in range(5):
            with pytest.raises(errors.GrantRevoked):
                token_of(connected)

        assert refreshes(google) == 1


class TestAGrantThatEnded:
    @pytest.mark.invariant(6)
    def test_raises_the_epochs_and_starts_the_clock(self):
        integration = make_integration()
        connection = integration.connection
        at = timezone.now()

        assert access_tokens.record_grant_ended(connection_id=connection.id, epoch=1, at=at)

        connection.refresh_from_db()
        integration.refresh_from_db()
        assert connection.status == ConnectionStatus.REAUTH_REQUIRED
        assert (connection.epoch, integration.epoch) == (2, 2)
        assert connection.reauth_since == at
        assert connection.access_token is None

    def test_is_not_ended_by_an_older_word(self):
        connection = make_connection(epoch=3)

        assert not access_tokens.record_grant_ended(
            connection_id=connection.id, epoch=2, at=timezone.now()
        )
        connection.refresh_from_db()
        assert connection.status == ConnectionStatus.ACTIVE


class TestTokensThatAreNotKept:
    def fresh(self):
        return TokenSet(
            access_token="ya29.late",
            refresh_token=None,
            expires_at=timezone.now() + timedelta(hours=1),
            refresh_expires_at=None,
            granted_scopes=None,
        )

    @pytest.mark.scenario("X6")
    def test_are_forgotten_rather_than_revoked_where_the_account_lives_elsewhere(self, google):
        first = make_connection(subject="shared")
        make_integration(make_connection(subject="shared"))

        outcome = provider_credentials.discard_tokens(
            self.fresh(),
            provider="google",
            account_blind=bytes(first.account_blind),
            about=first.id,
            excluded_connection_id=first.id,
            at=timezone.now(),
        )

        assert outcome == "forgotten"
        assert google.calls("/revoke") == 0

    @pytest.mark.scenario("R2")
    def test_are_revoked_where_nothing_else_needs_the_grant(self, google):
        connection = make_connection()
        granted = google.authorize(
            ALICE_BOX, redirect_uri=f"{settings.PUBLIC_URL}/connect/google/callback"
        )
        assert google.grants(ALICE_BOX)

        outcome = provider_credentials.discard_tokens(
            replace(self.fresh(), access_token=granted["access_token"]),
            provider="google",
            account_blind=bytes(connection.account_blind),
            about=connection.id,
            excluded_connection_id=connection.id,
            at=timezone.now(),
        )

        # Access and refresh token went with one call.
        assert outcome == "revoked"
        assert not google.grants(ALICE_BOX)
        again = google.token(grant_type="refresh_token", refresh_token=granted["refresh_token"])
        assert again["error"] == "invalid_grant"
