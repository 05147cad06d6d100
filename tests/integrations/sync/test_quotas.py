"""The token bucket of a mailbox."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection, connections
from hypothesis import given
from hypothesis import strategies as st

from integrations.access.endpoints import get_mailbox_rate_settings
from integrations.coordination import person_slots
from integrations.grants import quota_buckets
from integrations.grants.quota_buckets import MailboxRateLimit
from integrations.models import QuotaBucket
from integrations.providers import PROVIDERS

GMAIL = MailboxRateLimit(6_000)


def draw(house, want, least=None, limit=GMAIL, **more):
    return quota_buckets.draw_quota_units(
        connection_id=house.connection.id,
        units=want,
        least_units=least or want,
        limit=limit,
        **more,
    )


def draw_for_person(house, units):
    """Draw as a page does, for a person who waits."""
    return draw(house, units, patience=person_slots.QUOTA_PATIENCE, is_person=True)


def let_pass(house, seconds):
    """Have the bucket believe that so much time has passed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_quotabucket SET counted_at = counted_at - %(s)s * interval"
            " '1 second', awaited_until = awaited_until - %(s)s * interval '1 second'"
            " WHERE connection_id = %(id)s",
            {"s": seconds, "id": house.connection.id},
        )


class TestALimit:
    @given(st.integers(1, 1_000_000), st.integers(1, 60))
    def test_is_never_exceeded_in_the_time_over_which_it_is_counted(self, per_minute, minutes):
        limit = MailboxRateLimit(per_minute, minutes)

        spent = limit.burst_capacity + 60 * minutes * limit.units_per_second
        assert spent <= per_minute * minutes * (1 + 1e-9)

    def test_of_gmail_is_a_burst_of_a_quarter(self):
        assert (GMAIL.burst_capacity, GMAIL.units_per_second) == (1_500, 75)

    def test_of_outlook_is_that_of_ten_minutes(self, settings):
        limit = quota_buckets.make_rate_limit(get_mailbox_rate_settings(PROVIDERS["microsoft"]))

        # https://learn.microsoft.com/en-us/graph/throttling-limits
        assert limit.burst_capacity + 600 * limit.units_per_second == 10_000
        assert limit.burst_capacity == 2_500


class TestABucket:
    def test_grants_its_capacity_at_once(self, alice):
        grant = draw(alice, 1_500)

        assert (grant.units, grant.wait) == (1_500, 0.0)

    def test_grants_less_and_says_how_long_to_wait(self, alice):
        draw(alice, 1_500)

        grant = draw(alice, 1_000, least=20)

        # What flows in within the patience: 75 units a second for two seconds.
        assert 150 <= grant.units < 400
        assert 0 < grant.wait <= quota_buckets.PATIENCE + 0.01

    def test_grants_nothing_when_that_is_too_far_away(self, alice):
        draw(alice, 1_500)
        draw(alice, 150)

        grant = draw(alice, 1_000)

        assert grant.units == 0
        assert grant.wait > quota_buckets.PATIENCE

    def test_lets_a_person_wait_for_a_second_and_no_longer(self, alice):
        draw(alice, 1_500)

        assert draw_for_person(alice, 60).units == 60
        refused = draw_for_person(alice, 400)

        assert refused.units == 0
        assert 4 < refused.wait < 7

    def test_lets_a_person_who_comes_back_in_before_workers(self, alice):
        draw(alice, 1_500)
        draw(alice, 150)
        refused = draw_for_person(alice, 400)

        workers = [draw(alice, 20) for _ in range(5)]
        let_pass(alice, refused.wait)
        late = draw(alice, 20)
        person = draw_for_person(alice, 400)

        assert [grant.units for grant in workers] == [0] * 5
        assert all(
            refused.wait < grant.wait <= refused.wait + quota_buckets.GRACE for grant in workers
        )
        assert late.units == 0
        assert person.units == 400
        assert person.wait <= person_slots.QUOTA_PATIENCE

    def test_lets_workers_go_on_once_the_person_was_served(self, alice):
        draw(alice, 1_650, least=1)
        refused = draw_for_person(alice, 400)
        let_pass(alice, refused.wait)
        draw_for_person(alice, 400)

        let_pass(alice, 2)

        assert draw(alice, 20).units == 20

    def test_lets_workers_go_on_if_the_person_does_not_come_back(self, alice):
        draw(alice, 1_650, least=1)
        refused = draw_for_person(alice, 400)

        let_pass(alice, refused.wait + quota_buckets.GRACE + 0.1)

        assert draw(alice, 20).units == 20

    def test_takes_back_what_was_not_spent(self, alice):
        draw(alice, 1_500)
        quota_buckets.return_quota_units(connection_id=alice.connection.id, units=1_000)

        assert draw(alice, 1_000).units == 1_000

    def test_that_is_parked_grants_nothing_until_then(self, alice):
        quota_buckets.pause_mailbox(connection_id=alice.connection.id, seconds=30)

        grant = draw(alice, 1)

        assert grant.units == 0
        assert 25 < grant.wait <= 30

    def test_stays_parked_for_the_longer_of_two_times(self, alice):
        quota_buckets.pause_mailbox(connection_id=alice.connection.id, seconds=60)
        quota_buckets.pause_mailbox(connection_id=alice.connection.id, seconds=5)

        assert draw(alice, 1).wait > 50

    def test_without_a_limit_grants_all(self, alice):
        assert draw(alice, 10**9, limit=MailboxRateLimit(0)).units == 10**9
        assert not QuotaBucket.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestWorkersTogether:
    def test_never_spend_the_same_unit(self, transactional_db, mailbox):
        from tests.integrations import household as houses

        house = houses.household()
        granted: list[int] = []
        tight = MailboxRateLimit(240)

        def draw_in_thread():
            try:
                granted.extend(draw(house, 7, limit=tight).units for _ in range(10))
            finally:
                connections.close_all()

        workers = [Thread(target=draw_in_thread) for _ in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        # Capacity 60, a debt of 6, and what flows in while the test runs.
        bucket = QuotaBucket.objects.get()
        assert bucket.units >= -quota_buckets.PATIENCE * tight.units_per_second - 1e-6
        assert sum(granted) % 7 == 0
        assert set(granted) <= {0, 7}
