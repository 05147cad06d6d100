"""Bounds that count the rows of one person, reached at the same moment."""

from __future__ import annotations

from functools import partial

import pytest
from django.utils import timezone

from integrations.models import SupportCode, SupportQuestion
from integrations.support import questions, support_codes
from tests.integrations.support_desk import Desk
from tests.races.locks import session, wait_for_waiters
from tests.races.test_purge_during import InThread


@pytest.fixture
def desk(transactional_db):
    return Desk()


def run_behind_lock(user, *actions):
    """Start the actions while the person's lock is held; return what each of them raised."""
    threads = [InThread(action) for action in actions]
    with session() as other:
        number = int.from_bytes(user.id.bytes[8:], "big", signed=True)
        other.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [number])
        for thread in threads:
            thread.start()
        wait_for_waiters(len(threads))
    for thread in threads:
        thread.join(60)
    return [thread.raised for thread in threads]


def ask(desk, lookup):
    questions.ask_for_item(
        lookup=lookup, kind="message", reason="other", text="Which one?", ticket="",
        actor=desk.actor, at=timezone.now(),
    )  # fmt: skip


class TestThePersonLock:
    def test_lets_no_two_agents_ask_the_last_question(self, desk):
        lookup = desk.find()
        for _ in range(questions.MAX_WAITING - 1):
            ask(desk, lookup)

        raised = run_behind_lock(desk.alice, *[partial(ask, desk, lookup)] * 2)

        errors = [error for error in raised if error is not None]
        assert [type(error) for error in errors] == [questions.TooManyWaiting]
        assert SupportQuestion.objects.count() == questions.MAX_WAITING

    def test_leaves_one_of_two_codes(self, desk):
        at = timezone.now()
        make = partial(support_codes.make_code, user_id=desk.alice.id, at=at)

        assert run_behind_lock(desk.alice, make, make) == [None, None]

        assert SupportCode.objects.filter(expires_at__gt=at).count() == 1
