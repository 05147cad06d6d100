"""Who is entered: for how long, and what goes on for them after a request's end."""

from contextlib import suppress
from uuid import uuid4

import pytest

from accounts import row_owner
from accounts.row_owner import NO_OWNER, RowOwner

SECRET = b"what somebody wrote"


@pytest.fixture(autouse=True)
def _at_first():
    with row_owner.without_owner():
        yield


@pytest.fixture
def alice():
    return RowOwner(uuid4(), uuid4())


def test_is_nobody_at_first_and_whoever_was_before_after_a_block(alice):
    bob = RowOwner(uuid4())
    assert row_owner.get_owner() == NO_OWNER
    with row_owner.without_owner():
        row_owner.enter_person(*alice)
        with suppress(KeyError), row_owner.acting_for(*bob):
            assert row_owner.get_owner() == bob
            raise KeyError
        assert row_owner.get_owner() == alice
        row_owner.clear_owner()
        assert row_owner.get_owner() == NO_OWNER
        row_owner.enter_person(*alice)
    assert row_owner.get_owner() == NO_OWNER


def test_what_is_streamed_is_made_for_whom_it_began_and_leaves_nobody_behind(alice):
    made, closed = [], []

    def stream_parts():
        try:
            for _ in range(3):
                made.append(row_owner.get_owner())
                yield b"part"
        finally:
            closed.append(row_owner.get_owner())

    with row_owner.acting_for(*alice):
        stream = row_owner.stream_as_owner(stream_parts())
    assert next(stream) == b"part"
    assert row_owner.get_owner() == NO_OWNER
    assert next(stream) == b"part"
    stream.close()
    assert list(row_owner.stream_as_owner([b"one", b"two"])) == [b"one", b"two"]

    assert (made, closed) == ([alice, alice], [alice])
    assert row_owner.get_owner() == NO_OWNER


@pytest.mark.invariant(4)
def test_what_breaks_off_names_no_part_that_was_made_before():
    def stream_and_fail():
        yield SECRET
        raise KeyError

    stream = row_owner.stream_as_owner(stream_and_fail())
    with pytest.raises(KeyError) as caught:
        for _ in stream:
            pass

    frames, traceback = [], caught.tb.tb_next
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    assert frames
    assert all(SECRET not in list(one.f_locals.values()) for one in frames)
