"""Grants from before refresh tokens had keys of their own."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from integrations.access import permits
from integrations.grants import credential_rekey
from integrations.models import Connection
from limited_use.guard.guard import AccessRefused
from limited_use.models import DataKey, Leaf, OwedTombstone
from limited_use.policy.key_lines import KeyLine
from limited_use.sinks import provider_sink
from limited_use.sinks.rekey_sink import reseal_columns
from limited_use.sinks.traceback_guard import WrongSink
from limited_use.vault import data_keys, sealing
from limited_use.vault.envelope import Unopenable
from tests.factories import make_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(db):
    """Return a connection as the migration left it: one key, and the grant has none."""
    connection = make_connection()
    DataKey.objects.all().delete()
    data_keys.create_data_key(holder=connection.id, line=KeyLine.CREDENTIAL, at=timezone.now())
    connection.grant_id = connection.id
    with_key = sealing.get_sealer(holder=connection.id, epoch=1)
    for column, value in (
        ("email", "alice@gmail.example"),
        ("access_token", "ya29.access"),
        ("refresh_token", "1//refresh"),
    ):
        sealed = with_key.seal_value(Connection, column, row=connection.id, data=value)
        setattr(connection, column, sealed)
    connection.save()
    return connection


def opened(connection):
    at = timezone.now()
    access = permits.to_use_access_token(connection_id=connection.id, at=at)
    grant = permits.to_use_refresh_token(connection_id=connection.id, at=at)
    return (
        provider_sink.open_credential(connection.access_token, access, to=connection.id, at=at),
        provider_sink.open_credential(connection.refresh_token, grant, to=connection.id, at=at),
    )


class TestAnOldGrant:
    def test_goes_on_as_it_was_in_workers(self, old):
        assert opened(old) == ("ya29.access", "1//refresh")

    @pytest.mark.scenario("O1")
    def test_gets_two_keys_and_loses_nothing(self, old):
        was = DataKey.objects.get()

        assert credential_rekey.rekey_old_grants(at=timezone.now()) == 1

        old.refresh_from_db()
        assert opened(old) == ("ya29.access", "1//refresh")
        assert dict(DataKey.objects.values_list("holder", "line")) == {
            old.id: KeyLine.ACCOUNT,
            old.grant_id: KeyLine.CREDENTIAL,
        }
        assert was.key_id not in {bytes(key.key_id) for key in DataKey.objects.all()}

    @pytest.mark.invariant(3)
    def test_has_the_end_of_its_old_key_recorded_and_published(self, old):
        key_id = bytes(DataKey.objects.get().key_id).hex()

        credential_rekey.rekey_old_grants(at=timezone.now())

        said = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.all()]
        ended = [one["body"]["key_id"] for one in said if one["event"] == "key.destroyed"]
        assert ended == [key_id]
        assert OwedTombstone.objects.filter(kind="key").count() == 1

    @pytest.mark.invariant(5)
    def test_fences_off_what_was_begun_under_the_old_key(self, old):
        at = timezone.now()
        held = permits.to_use_refresh_token(connection_id=old.id, at=at)
        sealed = old.refresh_token

        credential_rekey.rekey_old_grants(at=at)

        with pytest.raises(Unopenable):
            provider_sink.open_credential(sealed, held, to=held.account, at=at)
        old.refresh_from_db()
        assert old.epoch == 2

    def test_is_left_alone_while_somebody_refreshes_it(self, old):
        at = timezone.now()
        Connection.objects.update(
            refresh_lease_by=uuid4(), refresh_lease_until=at + timedelta(seconds=1)
        )

        assert credential_rekey.rekey_old_grants(at=at) == 0
        assert credential_rekey.rekey_old_grants(at=at + timedelta(seconds=1)) == 1

    def test_is_sealed_anew_once(self, old):
        credential_rekey.rekey_old_grants(at=timezone.now())

        assert credential_rekey.rekey_old_grants(at=timezone.now()) == 0

    def test_that_does_not_open_keeps_no_other_from_it(self, old):
        other = make_connection()
        Connection.objects.filter(id=other.id).update(grant_id=other.id)

        assert credential_rekey.rekey_old_grants(at=timezone.now()) == 1

    def test_is_replaced_by_a_reconnect_as_well(self, old):
        from integrations.grants import provider_credentials
        from integrations.providers.oauth_client import TokenSet

        old.epoch += 1
        tokens = TokenSet(
            access_token="ya29.new",
            refresh_token="1//new",
            expires_at=timezone.now() + timedelta(hours=1),
            refresh_expires_at=None,
            granted_scopes=frozenset(),
        )

        provider_credentials.seal_new_grant(old, tokens, at=timezone.now())
        old.save()

        assert opened(old) == ("ya29.new", "1//new")
        assert old.grant_id != old.id
        assert DataKey.objects.count() == 2


class TestSealingAnew:
    @pytest.mark.clause("WSEC-KEY")
    def test_is_for_no_other_permit(self, old):
        at = timezone.now()
        held = permits.to_use_access_token(connection_id=old.id, at=at)

        with pytest.raises(WrongSink):
            reseal_columns(
                {"access_token": old.access_token},
                {(held.holder, held.use.data_class): held},
                dict,
                at=at,
            )

    def test_needs_a_key(self):
        with pytest.raises(AccessRefused):
            permits.for_rekey(connection_id=uuid4(), at=timezone.now())
