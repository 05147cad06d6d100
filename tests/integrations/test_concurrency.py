"""The slots of a person: two of a kind, a third refused at once, and each of them comes back."""

from __future__ import annotations

import gc
from threading import Barrier, Event, Thread
from uuid import uuid4

import pytest

from accounts import row_owner
from integrations.coordination import person_slots
from integrations.coordination.person_slots import (
    STREAM_SLOTS,
    WAIT_SLOTS,
    PersonSlotBudget,
    TooManyStreams,
    TooManyWaits,
)

ALICE, BOB, ACME = uuid4(), uuid4(), uuid4()


class Full(Exception):
    """All slots are lent."""


@pytest.fixture
def budget():
    return PersonSlotBudget(2, Full)


class TestABudget:
    def test_refuses_a_third_at_once_and_lends_to_others(self, budget):
        kept = [budget.lend_slot(ALICE), budget.lend_slot(ALICE)]

        with pytest.raises(Full):
            budget.lend_slot(ALICE)

        assert budget.lend_slot(BOB)
        assert len(kept) == 2

    def test_lends_again_what_was_given_back_and_counts_it_once(self, budget):
        first, second = budget.lend_slot(ALICE), budget.lend_slot(ALICE)
        first.give_back()
        first.give_back()

        third = budget.lend_slot(ALICE)

        with pytest.raises(Full):
            budget.lend_slot(ALICE)
        assert {first, second, third}

    def test_takes_back_what_a_failed_block_took(self, budget):
        for _ in range(5):
            with pytest.raises(ZeroDivisionError), budget.lend_slot(ALICE):
                raise ZeroDivisionError

        assert budget.count_lent(ALICE) == 0

    def test_takes_back_what_nobody_refers_to_any_more(self, budget):
        cycle = [budget.lend_slot(ALICE)]
        cycle.append(cycle)
        kept = budget.lend_slot(ALICE)

        del cycle
        gc.collect()

        assert budget.count_lent(ALICE) == 1
        assert kept

    def test_remembers_nobody_who_has_none(self, budget):
        for slot in [budget.lend_slot(uuid4()) for _ in range(50)]:
            slot.give_back()

        assert not budget._lent

    def test_lends_two_of_many_that_come_at_the_same_time(self, budget):
        start, finish, lent, refused = Barrier(16), Event(), [], []

        def come():
            start.wait(timeout=10)
            try:
                lent.append(budget.lend_slot(ALICE))
            except Full:
                refused.append(1)
            finish.wait(timeout=10)

        threads = [Thread(target=come) for _ in range(16)]
        for thread in threads:
            thread.start()
        while len(lent) + len(refused) < 16 and any(thread.is_alive() for thread in threads):
            threads[0].join(timeout=0.01)
        finish.set()
        for thread in threads:
            thread.join(timeout=10)

        assert (len(lent), len(refused)) == (2, 14)


class TestAWait:
    def test_is_one_with_those_inside_of_it(self):
        with row_owner.acting_for(ALICE, ACME), person_slots.hold_wait_slot() as outer:
            with person_slots.hold_wait_slot() as inner:
                assert inner is outer
            assert WAIT_SLOTS.count_lent(ALICE) == 1

        assert WAIT_SLOTS.count_lent(ALICE) == 0

    def test_is_of_the_person_who_began_it_whoevers_rows_are_read_in_it(self):
        with row_owner.acting_for(ALICE, ACME), person_slots.hold_wait_slot():
            with row_owner.acting_for(BOB, ACME), person_slots.hold_wait_slot():
                pass
            counts = (WAIT_SLOTS.count_lent(ALICE), WAIT_SLOTS.count_lent(BOB))

        assert counts == (1, 0)

    def test_ends_with_what_fails_in_it(self):
        for _ in range(5):
            with (
                pytest.raises(ZeroDivisionError),
                row_owner.acting_for(ALICE, ACME),
                person_slots.hold_wait_slot(),
            ):
                raise ZeroDivisionError

        assert WAIT_SLOTS.count_lent(ALICE) == 0

    def test_is_refused_to_a_person_who_waits_twice(self):
        kept = [WAIT_SLOTS.lend_slot(ALICE), WAIT_SLOTS.lend_slot(ALICE)]

        with (
            pytest.raises(TooManyWaits),
            row_owner.acting_for(ALICE, ACME),
            person_slots.hold_wait_slot(),
        ):
            pass

        with row_owner.acting_for(BOB, ACME), person_slots.hold_wait_slot():
            assert WAIT_SLOTS.count_lent(BOB) == 1
        assert len(kept) == 2

    def test_of_nobody_holds_no_slot(self):
        with person_slots.hold_wait_slot() as first, person_slots.hold_wait_slot() as second:
            assert first is second


class TestAStream:
    def stream(self, parts):
        return person_slots.hold_stream_slot(STREAM_SLOTS.lend_slot(ALICE), iter(parts))

    def test_holds_its_slot_to_its_end(self):
        stream = self.stream([b"one", b"two"])

        assert next(stream) == b"one"
        assert STREAM_SLOTS.count_lent(ALICE) == 1
        assert b"".join(stream) == b"two"
        assert STREAM_SLOTS.count_lent(ALICE) == 0

    def test_gives_it_back_when_a_part_fails(self):
        def parts():
            yield b"one"
            raise ZeroDivisionError

        stream = self.stream(parts())
        next(stream)

        with pytest.raises(ZeroDivisionError):
            next(stream)
        assert STREAM_SLOTS.count_lent(ALICE) == 0

    def test_gives_it_back_when_the_client_went_away(self):
        ended = []

        def parts():
            try:
                yield b"one"
                yield b"two"
            finally:
                ended.append(True)

        stream = self.stream(parts())
        next(stream)

        stream.close()

        assert ended == [True]
        assert STREAM_SLOTS.count_lent(ALICE) == 0

    def test_gives_it_back_when_it_is_closed_before_its_first_part(self):
        self.stream([b"one"]).close()

        assert STREAM_SLOTS.count_lent(ALICE) == 0

    def test_gives_it_back_when_closing_fails(self):
        class Parts:
            def __next__(self):
                return b"one"

            def close(self):
                raise ZeroDivisionError

        stream = person_slots.hold_stream_slot(STREAM_SLOTS.lend_slot(ALICE), Parts())

        with pytest.raises(ZeroDivisionError):
            stream.close()
        assert STREAM_SLOTS.count_lent(ALICE) == 0

    def test_is_refused_to_a_person_who_has_two(self):
        kept = [self.stream([b"one"]), self.stream([b"two"])]

        with pytest.raises(TooManyStreams):
            self.stream([b"three"])

        for stream in kept:
            stream.close()
        assert b"".join(self.stream([b"three"])) == b"three"
