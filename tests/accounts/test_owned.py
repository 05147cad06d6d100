"""Who is entered: for how long, and what goes on for them after a request's end."""

from contextlib import suppress
from uuid import uuid4

import pytest

from accounts import owned
from accounts.owned import NOBODY, Owner

SECRET = b"what somebody wrote"


@pytest.fixture(autouse=True)
def _at_first():
    with owned.nobody():
        yield


@pytest.fixture
def alice():
    return Owner(uuid4(), uuid4())


def test_is_nobody_at_first_and_whoever_was_before_after_a_block(alice):
    bob = Owner(uuid4())
    assert owned.current() == NOBODY
    with owned.nobody():
        owned.enter(*alice)
        with suppress(KeyError), owned.acting_for(*bob):
            assert owned.current() == bob
            raise KeyError
        assert owned.current() == alice
        owned.leave()
        assert owned.current() == NOBODY
        owned.enter(*alice)
    assert owned.current() == NOBODY


def test_what_is_streamed_is_made_for_whom_it_began_and_leaves_nobody_behind(alice):
    made, closed = [], []

    def parts():
        try:
            for _ in range(3):
                made.append(owned.current())
                yield b"part"
        finally:
            closed.append(owned.current())

    with owned.acting_for(*alice):
        stream = owned.carried(parts())
    assert next(stream) == b"part"
    assert owned.current() == NOBODY
    assert next(stream) == b"part"
    stream.close()
    assert list(owned.carried([b"one", b"two"])) == [b"one", b"two"]

    assert (made, closed) == ([alice, alice], [alice])
    assert owned.current() == NOBODY


@pytest.mark.invariant(4)
def test_what_breaks_off_names_no_part_that_was_made_before():
    def parts():
        yield SECRET
        raise KeyError

    stream = owned.carried(parts())
    with pytest.raises(KeyError) as caught:
        for _ in stream:
            pass

    frames, traceback = [], caught.tb.tb_next
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    assert frames
    assert all(SECRET not in list(one.f_locals.values()) for one in frames)
