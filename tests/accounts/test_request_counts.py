"""A request counts towards all its rates at once, or towards none of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import rate_limit_counters
from accounts.ids import uuid7
from accounts.models import ClientHour, RateCount
from accounts.rate_limit_counters import Rate, RateCounter
from tests.accounts.cast import AT
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
NARROW, MIDDLE, BROAD = Rate("narrow", 2, 60), Rate("middle", 4, 90), Rate("broad", 5, 600)
RATES = (NARROW, MIDDLE, BROAD)


def count(*counters: RateCounter, at=AT, client_id=None):
    return rate_limit_counters.add_request_counts(counters, client_id=client_id, at=at)


def counters_of(key: str) -> list[RateCounter]:
    return [RateCounter(NARROW, key), RateCounter(MIDDLE, "shared"), RateCounter(BROAD, "all")]


class TestARequest:
    def test_counts_towards_each_of_its_rates(self):
        count(*counters_of("alice"))
        usages, _ = count(*counters_of("bob"), at=AT + timedelta(seconds=20))

        assert [usage.rate for usage in usages] == [NARROW, MIDDLE, BROAD]
        assert [(usage.counted, usage.reset_after) for usage in usages] == [
            (1, 60),
            (2, 70),
            (2, 580),
        ]

    def test_beyond_one_rate_counts_towards_no_other(self):
        for _ in range(5):
            usages, _ = count(*counters_of("alice"))

        assert [(usage.counted, usage.is_within) for usage in usages] == [
            (3, False),
            (2, True),
            (2, True),
        ]
        assert sorted(RateCount.objects.values_list("count", flat=True)) == [2, 2, 2]

    def test_counts_again_when_the_window_is_over(self):
        for _ in range(3):
            count(*counters_of("alice"))

        usages, _ = count(*counters_of("alice"), at=AT + timedelta(seconds=60))

        assert [usage.counted for usage in usages] == [1, 3, 3]
        assert all(usage.is_within for usage in usages)

    def test_shares_its_counters_with_single_counts(self):
        rate_limit_counters.add_rate_limit_count(NARROW, "alice", at=AT)

        usages, _ = count(RateCounter(NARROW, "alice"))

        assert usages[0].counted == 2

    def test_takes_one_statement(self, widget):
        with CaptureQueriesContext(connection) as statements:
            count(*counters_of("alice"), client_id=widget.id)

        assert len(statements) == 1

    @pytest.mark.invariant(4)
    def test_leaves_no_address(self):
        count(RateCounter(NARROW, "alice@antares.example"), RateCounter(BROAD, "192.0.2.1"))

        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(t::text, ' ') FROM accounts_ratecount AS t")
            ((rows,),) = cursor.fetchall()
        for clear in ("alice", "192.0.2.1"):
            assert clear not in rows
            assert clear.encode().hex() not in rows


class TestTheHourOfAClient:
    def test_counts_its_requests(self, widget):
        for minutes in (0, 10, 54):
            at = AT + timedelta(minutes=minutes)
            hour_count = count(RateCounter(BROAD, "all"), client_id=widget.id, at=at).hour_count

        assert hour_count == 3
        (hour,) = ClientHour.objects.all()
        assert (hour.client_id, hour.hour_at, hour.request_count) == (
            widget.id,
            AT.replace(minute=0, second=0),
            3,
        )

    def test_begins_at_the_full_hour(self, widget):
        count(RateCounter(BROAD, "all"), client_id=widget.id)
        at = AT + timedelta(hours=1)

        assert count(RateCounter(BROAD, "all"), client_id=widget.id, at=at).hour_count == 1
        assert ClientHour.objects.count() == 2

    def test_counts_no_request_beyond_a_rate(self, widget):
        counts = [
            count(RateCounter(NARROW, "alice"), client_id=widget.id).hour_count for _ in range(4)
        ]

        assert counts == [1, 2, None, None]

    def test_counts_no_request_of_a_person(self):
        assert count(RateCounter(NARROW, "alice")).hour_count is None
        assert not ClientHour.objects.exists()

    @pytest.mark.parametrize(
        "statement",
        [
            "SELECT request_count FROM accounts_clienthour",
            "UPDATE accounts_clienthour SET request_count = 0",
            "DELETE FROM accounts_clienthour",
        ],
    )
    def test_is_out_of_reach_of_a_web_process(self, widget, statement):
        with acting_as("web"):
            assert count(RateCounter(BROAD, "all"), client_id=widget.id).hour_count == 1
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)


class _Model:
    """The counters of `add_request_counts`, in memory."""

    def __init__(self) -> None:
        self.windows: dict[RateCounter, tuple[int, int]] = {}

    def count(self, counters: list[RateCounter], second: int) -> list[int]:
        live = {}
        for counter in counters:
            number, ends = self.windows.get(counter, (0, 0))
            is_live = ends > second
            live[counter] = (number, ends) if is_live else (0, second + counter.rate.seconds)
        if any(number >= counter.rate.limit for counter, (number, _) in live.items()):
            return [
                number + (number >= counter.rate.limit) for counter, (number, _) in live.items()
            ]
        for counter, (number, ends) in live.items():
            self.windows[counter] = (number + 1, ends)
        return [number + 1 for number, _ in live.values()]


_COUNTERS = st.lists(
    st.builds(RateCounter, st.sampled_from(RATES), st.sampled_from(["alice", "bob"])),
    min_size=1,
    max_size=6,
    unique=True,
)
_REQUESTS = st.lists(st.tuples(_COUNTERS, st.integers(0, 40)), min_size=1, max_size=25)


@given(requests=_REQUESTS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_are_those_of_the_model(requests):
    """Whatever comes when: at most the limit is within a window, and a refusal changes nothing."""
    model, prefix, second = _Model(), str(uuid7()), 0
    for counters, pause in requests:
        second += pause
        named = [RateCounter(rate, f"{prefix} {key}") for rate, key in counters]

        usages, _ = count(*named, at=AT + timedelta(seconds=second))

        assert [usage.counted for usage in usages] == model.count(named, second)
        assert [usage.reset_after for usage in usages] == [
            (model.windows.get(counter, (0, 0))[1] - second)
            if model.windows.get(counter, (0, 0))[1] > second
            else counter.rate.seconds
            for counter in named
        ]
