"""Receiving notifications: they name the resources that changed, and change nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import push
from integrations.models import ConnectionStatus, IntegrationStatus
from integrations.push import blind_lookup
from limited_use.vault.keyring.keyring_file import FileKeyring
from tests.integrations import household as houses
from tests.integrations.push.conftest import CALENDAR, list_watches, reconcile_due_watches, told_of

RESOURCE = f"resource-{CALENDAR}@there"


@pytest.fixture
def watched(alice, clock):
    reconcile_due_watches(clock)
    return alice


@pytest.fixture
def channel(calendars, provider, clock):
    reconcile_due_watches(clock)
    [(hook, _)] = provider.channels.values()
    return hook.channel_id


def receive(channel_id, resource, clock):
    """Receive a notification of a channel that proves itself."""
    token = blind_lookup.derive_token(channel_id)
    return push.receive_channel_notification(channel_id, token, resource_id=resource, at=clock.at)


class TestANotificationOfAMailbox:
    def test_is_about_what_is_watched_there(self, watched, mailbox, clock):
        clock.advance(seconds=5)

        [heard] = told_of(mailbox.email, clock)

        assert (heard.integration_id, heard.resource) == (watched.integration.id, "mail")
        [watch] = list_watches(watched.integration)
        assert watch.last_event_at == clock.at

    @pytest.mark.parametrize("address", ["Alice@Example.TEST", " alice@example.test "])
    def test_finds_it_however_the_address_is_written(self, watched, clock, address):
        assert len(told_of(address, clock)) == 1

    def test_is_about_nobody_else(self, watched, clock):
        assert told_of("mallory@example.test", clock) == []

    def test_is_about_each_who_connected_the_account(self, watched, mailbox, clock):
        other = houses.household()
        reconcile_due_watches(clock)

        heard = {one.integration_id for one in told_of(mailbox.email, clock)}

        assert heard == {watched.integration.id, other.integration.id}

    @pytest.mark.scenario("P4")
    @pytest.mark.parametrize(
        ("connection", "integration"),
        [
            (ConnectionStatus.REAUTH_REQUIRED, IntegrationStatus.REAUTH_REQUIRED),
            (ConnectionStatus.ENDING, IntegrationStatus.PURGING),
        ],
    )
    def test_about_what_has_ended_is_about_nothing(
        self, watched, mailbox, clock, connection, integration
    ):
        house = watched
        house.connection.status, house.connection.reauth_since = connection, clock.at
        house.connection.save()
        house.integration.status = integration
        if integration == IntegrationStatus.PURGING:
            house.integration.switched_off_at = clock.at
        house.integration.save()
        clock.advance(seconds=5)

        assert told_of(mailbox.email, clock) == []
        [watch] = list_watches(house.integration)
        assert watch.last_event_at is None

    def test_ends_a_silence(self, watched, mailbox, clock):
        row = list_watches(watched.integration)[0]
        row.silent_since = clock.at
        row.save()

        told_of(mailbox.email, clock)

        [watch] = list_watches(watched.integration)
        assert watch.silent_since is None


class TestACallOfAChannel:
    def test_is_about_what_the_channel_was_opened_for(self, channel, calendars, clock):
        [heard] = receive(channel, RESOURCE, clock)

        assert (heard.integration_id, heard.resource) == (calendars.id, CALENDAR)

    @pytest.mark.scenario("P5")
    def test_about_another_thing_is_about_nothing(self, channel, calendars, clock):
        assert receive(channel, "resource-of-another", clock) == []
        [watch] = list_watches(calendars)
        assert watch.last_event_at is None

    @pytest.mark.scenario("P5")
    def test_without_the_token_of_the_channel_is_refused(self, channel, calendars, clock):
        token = blind_lookup.derive_token(blind_lookup.make_channel_id())

        with pytest.raises(push.CallerNotProven):
            push.receive_channel_notification(channel, token, resource_id=RESOURCE, at=clock.at)
        [watch] = list_watches(calendars)
        assert watch.last_event_at is None

    @pytest.mark.scenario("P4")
    def test_of_a_channel_that_is_gone_is_about_nothing(self, calendars, clock):
        gone = blind_lookup.make_channel_id()

        assert blind_lookup.is_proven(gone, blind_lookup.derive_token(gone))
        assert receive(gone, RESOURCE, clock) == []


@pytest.mark.scenario("P5")
class TestAChannelsProof:
    def test_is_in_its_id_and_follows_from_it(self):
        one, other = blind_lookup.make_channel_id(), blind_lookup.make_channel_id()

        assert one != other
        assert len(one) == blind_lookup.ID_LENGTH <= 64
        assert blind_lookup.is_proven(one, blind_lookup.derive_token(one))
        assert not blind_lookup.is_proven(one, blind_lookup.derive_token(other))

    @given(st.text(max_size=80), st.text(max_size=80))
    def test_cannot_be_made_up(self, channel_id, token):
        assert not blind_lookup.is_proven(channel_id, token)
        assert not blind_lookup.is_proven(blind_lookup.make_channel_id(), token)

    @given(st.integers(0, blind_lookup.ID_LENGTH - 2), st.sampled_from("ABCabc012-_"))
    def test_is_of_that_id_and_no_other(self, position, letter):
        channel_id = blind_lookup.make_channel_id()
        changed = channel_id[:position] + letter + channel_id[position + 1 :]

        assert blind_lookup.is_proven(changed, blind_lookup.derive_token(changed)) == (
            changed == channel_id
        )

    def test_ends_with_the_directory_key(self, tmp_path, settings):
        channel_id = blind_lookup.make_channel_id()
        token = blind_lookup.derive_token(channel_id)
        settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "another")
        FileKeyring.create(settings.KEYRING.folder)

        assert not blind_lookup.is_proven(channel_id, token)


def test_a_mailbox_is_looked_up_by_a_keyed_hash(tmp_path, settings):
    here = blind_lookup.blind_mailbox("google", "alice@example.test")
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "another")
    FileKeyring.create(settings.KEYRING.folder)

    assert blind_lookup.blind_mailbox("google", "alice@example.test") != here
