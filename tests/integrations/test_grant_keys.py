"""The key of a grant: made by whoever connects, opened by workers, destroyed with the grant."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from accounts import row_owner
from integrations import connections
from integrations.access import permits
from integrations.grants import access_tokens
from integrations.models import AttemptOutcome, Connection, ConnectionStatus
from integrations.tasks import grants
from limited_use.models import DataKey, Leaf, OwedTombstone
from limited_use.policy.key_lines import KeyLine
from limited_use.sinks import provider_sink
from limited_use.vault import data_keys, tombstones
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_rights import NotThisProcess
from tests.factories import make_message
from tests.integrations.google import ALICE_BOX
from tests.worlds.sandbox import GMAIL_READONLY

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(settings, alice):
    """Be a web process that answers Alice."""
    settings.PROCESS_CLASS = "web"
    data_keys.drop_cached_keys()
    organisation = alice.memberships.get().organisation_id
    with row_owner.acting_for(alice.id, organisation):
        yield


def of_the_grant():
    return DataKey.objects.get(line=KeyLine.CREDENTIAL)


def ended():
    found = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [one["body"] for one in found if one["event"] == "key.destroyed"]


@pytest.mark.invariant(2)
class TestGrantKeysInWebProcess:
    def test_connects_and_reconnects_without_opening_a_refresh_token(self, web, browser_of, alice):
        browser = browser_of(alice)

        assert browser.connect().outcome == AttemptOutcome.CONNECTED
        connection = Connection.objects.get()
        assert browser.connect(connection=connection).outcome == AttemptOutcome.CONNECTED

        at = timezone.now()
        connection.refresh_from_db()
        held = permits.to_use_refresh_token(connection_id=connection.id, at=at)
        with pytest.raises(NotThisProcess):
            provider_sink.open_credential(connection.refresh_token, held, to=connection.id, at=at)

    def test_opens_the_access_token_of_the_hour(self, web, browser_of, alice):
        browser_of(alice).connect()

        assert access_tokens.get_provider_access(connection_id=Connection.objects.get().id).token()

    def test_leaves_a_token_to_workers_that_is_theirs_to_use(
        self, web, browser_of, alice, google, settings
    ):
        browser_of(alice).connect()
        connection = Connection.objects.get()
        settings.PROCESS_CLASS = "sync"

        access_tokens.refresh_grant(connection_id=connection.id)

        assert Connection.objects.get().grant_generation == connection.grant_generation + 1

    def test_would_not_refresh_if_it_were_asked_to(self, web, browser_of, alice, google):
        browser_of(alice).connect()
        asked = google.calls("/token")

        with pytest.raises(NotThisProcess):
            access_tokens.refresh_grant(connection_id=Connection.objects.get().id)

        assert google.calls("/token") == asked
        assert Connection.objects.get().refresh_lease_by is None

    @pytest.mark.scenario("X1")
    def test_fences_off_a_grant_that_a_worker_gives_back(
        self, web, browser_of, alice, google, settings
    ):
        browser_of(alice).connect(untick=(GMAIL_READONLY,))
        connection = Connection.objects.get()

        connections.remove_empty_connection(
            connection_id=connection.id,
            user_id=alice.id,
            organisation_id=connection.organisation_id,
            at=timezone.now(),
        )
        assert google.calls("/revoke") == 0
        settings.PROCESS_CLASS = "purge"
        grants.forget_connection(connection_id=str(connection.id))

        assert Connection.objects.get().status == ConnectionStatus.ENDED
        assert not google.grants(ALICE_BOX)
        assert not DataKey.objects.filter(line=KeyLine.CREDENTIAL).exists()


class TestAReconnect:
    @pytest.fixture
    def renewed(self, browser_of, alice):
        """Return the connection as it was, as it is, and the key of the former grant."""
        browser = browser_of(alice)
        browser.connect()
        before, key = Connection.objects.get(), of_the_grant()
        browser.connect(connection=before)
        return before, Connection.objects.get(), bytes(key.key_id)

    def test_is_another_grant_with_another_key(self, renewed):
        before, after, key_id = renewed

        assert after.grant_id != before.grant_id
        assert of_the_grant().holder == after.grant_id
        assert bytes(of_the_grant().key_id) != key_id

    @pytest.mark.invariant(3)
    def test_destroys_the_former_key_on_record_and_with_a_tombstone(self, renewed):
        _, _, key_id = renewed

        assert ended() == [{"kek_epoch": 1, "key_id": key_id.hex(), "line": "credential"}]
        owed = tombstones.build_key_tombstone(key_id)
        assert OwedTombstone.objects.filter(kind=owed.kind, value=owed.value).exists()

    @pytest.mark.invariant(5)
    def test_leaves_nothing_that_opens_the_former_token(self, renewed):
        before, after, _ = renewed
        at = timezone.now()
        held = permits.to_use_refresh_token(connection_id=after.id, at=at)

        with pytest.raises(Unopenable):
            provider_sink.open_credential(before.refresh_token, held, to=before.id, at=at)
        assert provider_sink.open_credential(after.refresh_token, held, to=after.id, at=at)

    def test_keeps_the_key_of_the_connection_itself(self, renewed):
        before, after, _ = renewed

        own = DataKey.objects.get(holder=after.id)
        assert (own.line, own.epoch) == (KeyLine.ACCOUNT, before.epoch + 1)

    @pytest.mark.invariant(3)
    def test_is_of_the_connection_in_the_ledger(self, renewed):
        _, after, _ = renewed
        at = timezone.now()
        access = permits.to_use_access_token(connection_id=after.id, at=at)
        refresh = permits.to_use_refresh_token(connection_id=after.id, at=at)

        said = {
            str(leaf.id): json.loads(bytes(leaf.payload))["subject"] for leaf in Leaf.objects.all()
        }
        assert said[str(access.entry_id)] == said[str(refresh.entry_id)]


@pytest.mark.scenario("R8")
class TestAPageWithoutAWorker:
    def test_is_told_to_come_again(self, web, browser_of, alice, settings):
        browser = browser_of(alice)
        browser.connect()
        connection = Connection.objects.get()
        message = make_message(
            connection.integrations.get(), attachments=[("a.pdf", "application/pdf", 9)]
        )
        file = message.attachments.get()
        settings.REFRESH_PATIENCE_SECONDS = 0
        Connection.objects.update(access_expires_at=timezone.now())

        answer = browser.client.get(f"/v1/users/me/messages/{message.id}/attachments/{file.id}")

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert ALICE_BOX not in answer.content.decode()
        assert Connection.objects.get().refresh_beyond == connection.grant_generation
