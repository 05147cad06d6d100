"""A connection without mail ends: its grant is given back, however long the provider is down."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.connections import connection_removal
from integrations.models import AttemptOutcome, Connection, ConnectionStatus
from limited_use.models import DataKey, Leaf
from tests.integrations.google import ALICE_BOX
from tests.worlds.sandbox import GMAIL_READONLY

pytestmark = pytest.mark.django_db


@pytest.fixture
def empty(browser_of, alice):
    """Return a connection of which the mail permission was unticked."""
    browser_of(alice).connect(untick=(GMAIL_READONLY,))
    return Connection.objects.get()


def outcomes():
    found = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [one["body"]["outcome"] for one in found if one["event"] == "grant.discarded"]


def assert_ended(connection):
    connection.refresh_from_db()
    assert connection.status == ConnectionStatus.ENDED
    assert (connection.refresh_token, connection.access_token) == (None, None)
    assert not DataKey.objects.filter(holder=connection.id).exists()


@pytest.mark.scenario("X1", "X7")
@pytest.mark.invariant(6)
class TestForgetting:
    def test_ends_at_once_where_the_provider_answers(self, empty, google):
        assert connection_removal.remove_connection(connection_id=empty.id, at=timezone.now())

        assert_ended(empty)
        assert outcomes() == ["confirmed"]
        assert not google.grants(ALICE_BOX)

    def test_asks_a_provider_that_is_down_again_and_rarer_each_time(self, empty, google):
        began = timezone.now()
        google.fail_next(3, path_prefix="/revoke", status=503, body="")

        assert not connection_removal.remove_connection(connection_id=empty.id, at=began)
        asked = []
        for seconds in (10, 31, 61, 92, 150, 213):
            connection_removal.remove_due_connections(at=began + timedelta(seconds=seconds))
            asked.append(google.calls("/revoke"))

        # Pauses of 30, 60 and 120 seconds.
        assert asked == [1, 2, 2, 3, 3, 4]
        assert_ended(empty)
        assert outcomes() == ["confirmed"]
        assert not google.grants(ALICE_BOX)

    def test_keeps_nothing_for_longer_than_a_day(self, empty, google):
        began = timezone.now()
        google.fail_next(99, path_prefix="/revoke", status=503, body="")
        connection_removal.remove_connection(connection_id=empty.id, at=began)

        connection_removal.remove_due_connections(at=began + timedelta(hours=23))
        assert Connection.objects.get().status == ConnectionStatus.ENDING
        connection_removal.remove_due_connections(at=began + timedelta(hours=24))

        assert_ended(empty)
        assert outcomes() == ["unconfirmed"]

    @pytest.mark.scenario("X6")
    def test_leaves_the_grant_to_a_reconnect_that_came_between(
        self, empty, google, browser_of, alice
    ):
        began = timezone.now()
        google.fail_next(1, path_prefix="/revoke", status=503, body="")
        connection_removal.remove_connection(connection_id=empty.id, at=began)

        outcome = browser_of(alice).connect().outcome
        connection_removal.remove_due_connections(at=began + timedelta(hours=25))

        assert outcome == AttemptOutcome.CONNECTED
        connection = Connection.objects.get()
        assert connection.status == ConnectionStatus.ACTIVE
        assert (connection.ending_since, connection.revoking_until) == (None, None)
        assert google.calls("/revoke") == 1
        assert google.grants(ALICE_BOX)

    @pytest.mark.parametrize("lost", ["before", "after"])
    def test_does_not_record_that_a_grant_had_ended_which_it_may_have_ended_itself(
        self, empty, google, lost
    ):
        began = timezone.now()
        google.fail_next(1, path_prefix="/revoke", drop=lost)
        connection_removal.remove_connection(connection_id=empty.id, at=began)

        connection_removal.remove_due_connections(at=began + timedelta(seconds=31))

        assert_ended(empty)
        assert outcomes() == [{"before": "confirmed", "after": "gone_after_asking"}[lost]]

    @pytest.mark.scenario("X6")
    def test_has_a_reconnect_wait_while_the_call_may_be_on_its_way(
        self, empty, google, browser_of, alice
    ):
        # No answer: whether the provider acts on it is not known for a while.
        google.fail_next(1, path_prefix="/revoke", drop="before")
        connection_removal.remove_connection(connection_id=empty.id, at=timezone.now())

        outcome = browser_of(alice).connect().outcome

        assert outcome == AttemptOutcome.STILL_ENDING
        assert Connection.objects.get().status == ConnectionStatus.ENDING
