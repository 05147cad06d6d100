"""
Faults at every step of a turn, at random.

Nothing that keeps failing looks up to date; every good message arrives in the end; what stops a
turn is set aside where its owner sees it; and no message is lost or brought in twice.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError, connection
from hypothesis import HealthCheck, given, note
from hypothesis import settings as examples
from hypothesis import strategies as st

from accounts.models import Alarm
from integrations.connections import status_messages
from integrations.coordination.leases import NotClaimable
from integrations.mail.sync import mail_quarantine
from integrations.models import (
    IntegrationStatus,
    Message,
    MessageBody,
    SetAside,
    StatusReason,
    SyncStage,
    SyncWork,
    Thread,
)
from integrations.parsers.parser_pool import ParsersBusy, ParsersUnavailable
from integrations.providers import errors
from integrations.settings import account_overview
from integrations.sync import turn_crashes
from tests.fakes.mail import FakeMailbox, KilledDuringFetch
from tests.integrations import household as houses

CALLS = ("changes", "list_page", "profile", "fetch", "fetch_thread")
ERRORS: dict[str, Callable[[], BaseException]] = {
    "provider does not answer": lambda: errors.Unavailable("down"),
    "provider says strange things": lambda: errors.Unexpected("strange"),
    "no parser is free": ParsersBusy,
    "no parser runs": ParsersUnavailable,
    "bug": lambda: RuntimeError("a bug"),
    "memory is full": MemoryError,
    "worker dies": KilledDuringFetch,
}
STATEMENT_ERRORS: dict[str, Callable[[], BaseException]] = {
    "database goes away": lambda: OperationalError("gone"),
    "database refuses a value": lambda: DataError("refused"),
    "bug": lambda: RuntimeError("a bug"),
    "worker dies": KilledDuringFetch,
}


def ending(make: Callable[[], BaseException]):
    def end(message):
        raise make()

    return end


#: What becomes of a message when it is read; None: it is a good one.
KINDS = {
    "good": None,
    "cannot be prepared": lambda remote: replace(remote, thread_id="\ud800"),
    "cannot be sealed": lambda remote: replace(remote, mail=replace(remote.mail, text="\ud800")),
    "cannot be stored": lambda remote: replace(remote, size=10**30),
    "costs too much": ending(lambda: errors.Rejected("no", reason="too-costly")),
    "crashes a turn": ending(lambda: RuntimeError("a bug that a message finds")),
    "kills a worker": ending(KilledDuringFetch),
}
REASONS = {
    "cannot be prepared": "not-storable",
    "cannot be sealed": "not-storable",
    "cannot be stored": "not-storable",
    "costs too much": "too-costly",
    "crashes a turn": "crashed",
    "kills a worker": "crashed",
}


@dataclass(frozen=True)
class Fault:
    """
    What goes wrong in one turn.

    :param call: of the provider's, by its name; empty for a statement of the database
    :param at: the number of the statement, from the first of the turn on
    """

    error: str
    call: str = ""
    at: int = 0


calls = st.builds(Fault, st.sampled_from(sorted(ERRORS)), st.sampled_from(CALLS))
statements = st.builds(
    Fault,
    st.sampled_from(sorted(STATEMENT_ERRORS)),
    st.just(""),
    st.integers(0, 60),
)
kinds = st.one_of(st.just("good"), st.just("good"), st.sampled_from(sorted(KINDS)))


@contextmanager
def going_wrong(mailbox: FakeMailbox, fault: Fault | None):
    """Let one thing go wrong while a turn runs."""
    if fault is None:
        yield
        return
    if fault.call:
        mailbox.failing[fault.call] = ERRORS[fault.error]()
        yield
        return
    seen = 0

    def execute(run, sql, params, many, context):
        nonlocal seen
        # Rows of ours: what begins, ends and guards a transaction is the database's own.
        if "integrations_" in str(sql):
            seen += 1
            if seen == fault.at + 1:
                error = STATEMENT_ERRORS[fault.error]()
                raise error
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


class FaultWorld:
    """A mailbox at its provider and here, and the turns of workers at it."""

    def __init__(self, monkeypatch) -> None:
        self.mailbox = FakeMailbox(page_size=3)
        houses.provided(monkeypatch, self.mailbox)
        self.house = houses.household()
        self.kinds: dict[str, str] = {}
        # Turns in a row that ended badly.
        self.bad = 0

    def deliver(self, kind: str, number: int) -> None:
        message_id = self.mailbox.deliver(thread=f"thread{number % 3}")
        self.kinds[message_id] = kind
        if KINDS[kind] is not None:
            self.mailbox.twisted[message_id] = KINDS[kind]

    def turn(self, fault: Fault | None = None) -> bool:
        """Let a worker have a turn as soon as it may. Return whether nothing is left to do."""
        work = self.house.work
        waits = (self.house.at, work.next_sync_at, work.lease_until)
        self.house.at = max(filter(None, waits)) + timedelta(seconds=1)
        before = work.crash_count
        is_due = True
        try:
            with going_wrong(self.mailbox, fault):
                is_due = self.house.run(travelled=True)
            self.bad = self.bad + 1 if self.house.work.failure_count else 0
        except NotClaimable:
            pass
        except (Exception, KilledDuringFetch) as error:  # noqa: BLE001 - as Celery does
            note(f"{type(error).__name__} after {before} crashes")
            # Without a claim the turn has not begun, and there is nothing that could show it.
            self.bad += self.house.work.heartbeat_at != work.heartbeat_at
        finally:
            self.mailbox.failing.clear()
        self.check()
        return not is_due and not self.house.work.failure_count

    def check(self) -> None:
        """Check that the page shows a repeated failure, and that rows and counts agree."""
        status, work = self.house.status, self.house.work
        shown = self.shown()
        if self.bad >= 2:
            assert str(status_messages.STATUS[IntegrationStatus.ACTIVE].says) not in shown
        if work.crash_count >= turn_crashes.LIMIT:
            assert status == (IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED)
            about = self.house.integration.id
            assert Alarm.objects.filter(kind=turn_crashes.ALARM, about=about).exists()
        mine = Message.objects.filter(integration=self.house.integration)
        bodies = MessageBody.objects.filter(integration_id=self.house.integration.id)
        threads = Thread.objects.filter(integration_id=self.house.integration.id)
        assert mine.count() == bodies.count() <= len(self.kinds)
        assert mine.values("thread").distinct().count() == threads.count()

    def shown(self) -> str:
        integration = self.house.read_again().integration
        return str(
            account_overview.get_mail_row(
                integration, actor=self.house.actor, at=self.house.at
            ).words.says
        )

    def settle(self, limit: int = 80) -> None:
        for _ in range(limit):
            if self.turn():
                return
        raise AssertionError("it never settles")

    @property
    def aside(self):
        return SetAside.objects.filter(integration=self.house.integration)


@pytest.mark.invariant(7, 8, 13)
# Rolled back as in production: savepoints of a test's own transaction end otherwise.
@pytest.mark.django_db(transaction=True)
@examples(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    first=st.lists(kinds, max_size=5),
    then=st.lists(kinds, min_size=1, max_size=5),
    faults=st.lists(st.one_of(calls, statements, st.none()), max_size=8),
)
def test_whatever_fails_is_seen_and_everything_else_arrives(monkeypatch, first, then, faults):
    world = FaultWorld(monkeypatch)
    for number, kind in enumerate(first):
        world.deliver(kind, number)
    for fault in faults[::2]:
        world.turn(fault)
    for number, kind in enumerate(then):
        world.deliver(kind, number)
    for fault in faults[1::2]:
        world.turn(fault)

    world.settle()

    good = sum(kind == "good" for kind in world.kinds.values())
    culprits = [REASONS[kind] for kind in world.kinds.values() if kind in REASONS]
    # A worker that died with a good message in its hands leaves that one aside, until it is asked
    # for again: by its owner, or once a day by itself.
    arrived = world.house.messages.count()
    assert arrived + world.aside.count() == len(world.kinds)
    # So does one with a message that could not have been stored either. After a message that cannot
    # be stored, each is stored alone, and a statement that fails then leaves a good one aside.
    named = len(culprits) - culprits.count("crashed")
    failed_statements = sum(fault is not None and not fault.call for fault in faults)
    assert world.aside.exclude(reason="crashed").count() <= named + failed_statements
    for _ in range(2):
        mail_quarantine.retry_all_quarantined(
            integration_id=world.house.integration.id, at=world.house.at
        )
        world.settle()
    assert world.house.messages.count() == good
    assert sorted(world.aside.values_list("reason", flat=True)) == sorted(culprits)
    assert not set(world.aside.values_list("reason", flat=True)) - set(
        status_messages.QUARANTINE_REASONS
    )
    expected = (IntegrationStatus.ACTIVE, StatusReason.NONE)
    if culprits:
        expected = (IntegrationStatus.DEGRADED, StatusReason.QUARANTINED_ITEMS)
    assert world.house.status == expected
    work = SyncWork.objects.get(id=world.house.work.id)
    assert (work.stage, work.failure_count, work.crash_count) == (SyncStage.DELTA, 0, 0)
