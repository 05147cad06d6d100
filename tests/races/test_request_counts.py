"""Many requests at one moment: exact counts, and no two that wait for each other in a circle."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts import rate_limit_counters
from accounts.models import ClientHour, RateCount, ServiceClient
from accounts.rate_limit_counters import Rate, RateCounter
from tests.accounts.cast import AT
from tests.races.test_withdraw import do_together

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 64
NARROW, BROAD = Rate("narrow", 10, 60), Rate("broad", 10_000, 60)


@pytest.fixture
def client():
    return ServiceClient.objects.create(
        client_id="widget", feature="inbox-widget", purposes=[], jwks={}, registered_at=AT
    )


def count(counters, client, at=AT):
    return rate_limit_counters.add_request_counts(counters, client_id=client.id, at=at)


class TestManyRequestsAtOnce:
    def test_are_exactly_the_limit(self, client):
        counters = [RateCounter(NARROW, "client"), RateCounter(BROAD, "all")]

        counts = do_together(*[lambda: count(counters, client)] * THREADS)

        admitted = [each for each in counts if all(usage.is_within for usage in each.usages)]
        assert len(admitted) == NARROW.limit
        assert ClientHour.objects.get().request_count == NARROW.limit
        assert sorted(each.hour_count for each in admitted) == list(range(1, NARROW.limit + 1))

    def test_of_two_clients_are_the_limit_of_each_and_of_both(self, client):
        shared = Rate("shared", 15, 60)
        acts = [
            lambda key=f"client {number % 2}": (
                key,
                count([RateCounter(NARROW, key), RateCounter(shared, "all")], client),
            )
            for number in range(THREADS)
        ]

        counts = do_together(*acts)

        admitted = Counter(
            key for key, each in counts if all(usage.is_within for usage in each.usages)
        )
        assert max(admitted.values()) <= NARROW.limit
        assert admitted.total() <= shared.limit
        # A refused request is not an admitted one of somebody else, except at this very moment.
        assert admitted.total() >= NARROW.limit

    def test_with_rates_in_any_order_finish_and_lose_no_count(self, client):
        keys = [f"key {number}" for number in range(6)]
        numbers = random.Random(7)  # noqa: S311 - the same in every run
        chosen = [
            [numbers.sample(keys, numbers.randint(2, 6)) for _ in range(10)] for _ in range(THREADS)
        ]

        def count_several(requests):
            for request in requests:
                counts = count([RateCounter(BROAD, key) for key in request], client)
                assert all(usage.is_within for usage in counts.usages)

        do_together(*[lambda requests=requests: count_several(requests) for requests in chosen])

        expected = Counter(key for requests in chosen for request in requests for key in request)
        hashes = {rate_limit_counters._hash_key(BROAD, key): key for key in keys}
        assert {
            hashes[bytes(row.key_hash)]: row.count for row in RateCount.objects.all()
        } == expected
        assert ClientHour.objects.get().request_count == THREADS * 10

    def test_are_not_waited_for_by_the_sweep(self, client):
        """It would hold other counters while it waits, for which the request may wait."""
        counted, unused = RateCounter(BROAD, "counted"), RateCounter(BROAD, "unused")
        count([counted, unused], client)
        later = AT + timedelta(minutes=1)

        def sweep():
            try:
                return rate_limit_counters.delete_expired_rate_counts(at=later)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            count([counted], client, at=later)
            deleted = pool.submit(sweep).result(timeout=20)

        assert deleted == 1
        assert [bytes(row.key_hash) for row in RateCount.objects.all()] == [
            rate_limit_counters._hash_key(*counted)
        ]
