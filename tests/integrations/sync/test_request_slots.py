"""Slots of a mailbox: how many requests of it may be under way, over all processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from threading import Thread

import pytest
from django.db import connection, connections

from integrations.grants import quota_buckets, request_slots
from integrations.grants.request_slots import NoFreeSlot
from integrations.models import QuotaBucket
from integrations.providers import errors
from tests.integrations import household as houses
from tests.worlds.processes import environment

MOST = 4
# Started by a test that kills it: holds slots until then, and says when it does.
HOLDER = """
import sys, time, django
django.setup()
from integrations.grants import request_slots
request_slots.LEASE_SECONDS = 3.0
with request_slots.hold_slots(connection_id=sys.argv[1], want=4, most=4):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def bob(db, mailbox):
    return houses.household(account="bob")


def hold(house, want=1, **more):
    return request_slots.hold_slots(
        connection_id=house.connection.id, want=want, most=MOST, **{"patience": 0.0} | more
    )


def leases(house):
    return QuotaBucket.objects.get(connection=house.connection).slot_leases


def end_leases(house):
    """Have the leases of the mailbox believe that their time is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_quotabucket SET slot_leases ="
            " ARRAY(SELECT until - interval '1 hour' FROM unnest(slot_leases) AS until)"
        )


class TestSlots:
    def test_are_as_many_as_the_provider_answers_at_once(self, alice):
        with ExitStack() as stack:
            for _ in range(MOST):
                stack.enter_context(hold(alice))

            with pytest.raises(NoFreeSlot) as refused, hold(alice):
                pass

        assert refused.value.wait == request_slots.RETRY_SECONDS
        assert leases(alice) == []

    def test_are_given_back_one_by_one(self, alice):
        with hold(alice, 2):
            with hold(alice, 2):
                assert len(leases(alice)) == 4
            assert len(leases(alice)) == 2

        with hold(alice, MOST):
            assert len(leases(alice)) == MOST

    def test_are_given_back_where_the_call_fails(self, alice):
        with pytest.raises(errors.Gone), hold(alice, MOST):
            raise errors.Gone("no such message")

        assert leases(alice) == []

    def test_of_which_too_few_are_free_are_not_taken_in_part(self, alice):
        with hold(alice):
            with pytest.raises(NoFreeSlot), hold(alice, MOST):
                pass
            assert len(leases(alice)) == 1

    def test_are_free_again_when_their_lease_is_over(self, alice):
        abandoned = hold(alice, MOST)
        abandoned.__enter__()
        end_leases(alice)

        with hold(alice, MOST):
            assert len(leases(alice)) == MOST
            # Late: what it gives back is not what another one holds.
            abandoned.__exit__(None, None, None)
            assert len(leases(alice)) == MOST

    def test_that_are_taken_before_any_unit_leave_all_units(self, alice):
        limit = quota_buckets.MailboxRateLimit(1_000, minutes=10)

        with hold(alice):
            grant = quota_buckets.draw_quota_units(
                connection_id=alice.connection.id, units=9_999, least_units=1, limit=limit
            )

        assert limit.burst_capacity <= grant.units < limit.burst_capacity + 100

    def test_of_another_mailbox_are_counted_apart(self, alice, bob):
        with hold(alice, MOST), hold(bob, MOST):
            pass

    def test_are_not_counted_where_the_provider_has_no_limit(self, alice):
        with request_slots.hold_slots(connection_id=alice.connection.id, want=4, most=0):
            assert not QuotaBucket.objects.exists()

    def test_go_to_a_person_who_was_refused_before_they_go_to_workers(self, alice):
        with hold(alice, MOST), pytest.raises(NoFreeSlot), hold(alice, is_person=True):
            pass

        with pytest.raises(NoFreeSlot), hold(alice):
            pass
        with hold(alice, is_person=True):
            pass
        with hold(alice):
            pass


class TestAPause:
    @pytest.mark.parametrize(
        ("error", "least", "most"),
        [
            (errors.RateLimited("429", retry_after=2.128), 1.0, 2.128),
            (errors.Unavailable("503", retry_after=30.5), 29.0, 30.5),
            (errors.RateLimited("429, and not for how long"), 3.0, request_slots.DEFAULT_PAUSE),
        ],
    )
    def test_begins_for_all_when_the_provider_says_so(self, alice, error, least, most):
        with pytest.raises(errors.Unavailable), hold(alice):
            raise error

        for is_person in (False, True):
            with pytest.raises(NoFreeSlot) as refused, hold(alice, is_person=is_person):
                pass
            assert least < refused.value.wait <= most
        assert quota_buckets.draw_quota_units(
            connection_id=alice.connection.id,
            units=1,
            least_units=1,
            limit=quota_buckets.MailboxRateLimit(1_000),
        ) == quota_buckets.QuotaGrant(0, pytest.approx(refused.value.wait, abs=1.0))

    def test_does_not_begin_where_the_provider_only_failed(self, alice):
        with pytest.raises(errors.Unavailable), hold(alice):
            raise errors.Unavailable("502")

        with hold(alice):
            pass


@pytest.mark.django_db(transaction=True)
class TestProcessesTogether:
    @pytest.fixture
    def house(self, transactional_db, mailbox):
        return houses.household()

    def test_never_hold_more_than_there_are(self, house):
        seen: list[int] = []

        def work():
            try:
                for want in (1, 4, 2):
                    with hold(house, want, patience=20.0):
                        seen.append(len(leases(house)))
                        time.sleep(0.02)
            finally:
                connections.close_all()

        workers = [Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)

        assert len(seen) == 12
        assert max(seen) == MOST
        assert leases(house) == []

    def test_get_the_slots_of_one_that_was_killed(self, house):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(house.connection.id)],
            env=environment(),
            stdout=subprocess.PIPE,
        )
        try:
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(NoFreeSlot), hold(house):
                pass

            holder.send_signal(signal.SIGKILL)
            holder.wait(10)

            with hold(house, MOST, patience=20.0):
                assert len(leases(house)) == MOST
        finally:
            holder.kill()
            holder.wait(10)
            holder.stdout.close()
