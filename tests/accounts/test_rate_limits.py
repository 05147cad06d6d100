"""Counters of rate limits: exact, kept until their window ends, and out of reach of the web."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts import known_origins, rate_limit_counters
from accounts.client_networks import find_network
from accounts.models import KnownNetwork, RateCount
from accounts.rate_limit_counters import Rate
from accounts.tasks import forget_expired
from tests.accounts.cast import AT
from tests.walls import acting_as

RATE = Rate("tests", 10, 60)


@pytest.mark.django_db(transaction=True)
class TestARace:
    def test_lets_exactly_the_limit_through(self):
        threads = 50
        together = Barrier(threads)

        def count_in_thread(_: int) -> bool:
            try:
                connection.ensure_connection()
                together.wait(timeout=60)
                return rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT).is_within
            finally:
                connection.close()

        with ThreadPoolExecutor(threads) as pool:
            within = list(pool.map(count_in_thread, range(threads)))

        assert sum(within) == RATE.limit


@pytest.mark.django_db
class TestACounter:
    def test_tells_what_is_left_and_when_it_is_whole_again(self):
        first = rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT)
        tenth = [
            rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT + timedelta(seconds=20))
            for _ in range(9)
        ][-1]
        refused = rate_limit_counters.add_rate_limit_count(
            RATE, "alice", at=AT + timedelta(seconds=20.5)
        )

        assert (first.is_within, first.remaining_count, first.reset_after) == (True, 9, 60)
        assert (tenth.is_within, tenth.remaining_count, tenth.reset_after) == (True, 0, 40)
        assert (refused.is_within, refused.remaining_count, refused.reset_after) == (False, 0, 40)

    def test_begins_again_when_its_window_is_over(self):
        for _ in range(20):
            rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT)

        after = rate_limit_counters.add_rate_limit_count(
            RATE, "alice", at=AT + timedelta(seconds=60)
        )

        assert (after.counted, after.reset_after) == (1, 60)

    def test_takes_one_count_back(self):
        for _ in range(10):
            rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT)

        rate_limit_counters.take_back_rate_count(RATE, "alice", at=AT)

        assert rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT).is_within
        assert not rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT).is_within

    @pytest.mark.parametrize(
        ("rate", "key"), [(RATE, "bob"), (Rate("other", 10, 60), "alice")], ids=["key", "rate"]
    )
    def test_counts_for_nobody_else(self, rate, key):
        for _ in range(11):
            rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT)

        assert rate_limit_counters.add_rate_limit_count(rate, key, at=AT).counted == 1

    def test_takes_one_statement(self):
        with CaptureQueriesContext(connection) as statements:
            rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT)

        assert len(statements) == 1

    @pytest.mark.invariant(4)
    def test_holds_no_address(self):
        rate_limit_counters.add_rate_limit_count(RATE, "alice@antares.example 192.0.2.1", at=AT)

        with connection.cursor() as cursor:
            cursor.execute("SELECT t::text FROM accounts_ratecount AS t")
            ((row,),) = cursor.fetchall()
        assert len(RateCount.objects.get().key_hash) == 32
        for clear in ("alice", "192.0.2.1"):
            assert clear not in row
            assert clear.encode().hex() not in row

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT count FROM accounts_ratecount",
            "UPDATE accounts_ratecount SET count = 0",
            "DELETE FROM accounts_ratecount",
            "INSERT INTO accounts_ratecount VALUES ('x', 1, now())",
        ],
    )
    def test_is_out_of_reach_of_a_web_process(self, statement):
        rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT)

        with acting_as("web"):
            assert rate_limit_counters.add_rate_limit_count(RATE, "alice", at=AT).counted == 2
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)


@pytest.mark.django_db
class TestTheSweep:
    def test_deletes_what_is_over_and_nothing_that_counts(self, alice, time_machine):
        time_machine.move_to(AT, tick=False)
        request = RequestFactory().get("/")
        for seconds in (30, 90):
            rate_limit_counters.add_rate_limit_count(
                Rate(f"sweep-{seconds}", 1, seconds), "alice", at=AT
            )
        for days, address in ((61, "192.0.2.1"), (1, "192.0.2.2")):
            request.META["REMOTE_ADDR"] = address
            KnownNetwork.objects.create(
                user=alice,
                network_hash=address.encode(),
                expires_at=AT - timedelta(days=days) + known_origins.NETWORK_KNOWN_FOR,
            )
        time_machine.move_to(AT + timedelta(seconds=60), tick=False)

        with acting_as("purge"):
            forget_expired()

        assert RateCount.objects.count() == 1
        at = AT + timedelta(seconds=60)
        assert not rate_limit_counters.add_rate_limit_count(
            Rate("sweep-90", 1, 90), "alice", at=at
        ).is_within
        assert bytes(KnownNetwork.objects.get().network_hash) == b"192.0.2.2"


class TestTheNetworkOfARequest:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("", "unknown"),
            ("unix:", "unknown"),
        ],
    )
    def test_is_an_address_or_what_one_subscriber_has(self, address, network):
        assert find_network(RequestFactory().get("/", REMOTE_ADDR=address)) == network

    def test_is_unknown_where_proxies_sent_fewer_addresses_than_there_are_proxies(self, settings):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
        request = RequestFactory().get("/", headers={"X-Forwarded-For": "198.51.100.66"})

        assert find_network(request) == "unknown"

    def test_is_what_the_trusted_proxy_says(self, settings):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        request = RequestFactory().get(
            "/", headers={"X-Forwarded-For": "198.51.100.66, 192.0.2.7"}, REMOTE_ADDR="10.0.0.1"
        )

        assert find_network(request) == "192.0.2.7"
