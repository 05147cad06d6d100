"""How long a parser process lives: what it has read is in its memory for so long."""

from __future__ import annotations

import os
import time

import pytest

from integrations.parsers import parser_task_limits, refusal_counts
from integrations.parsers.mail_tasks import PARSED_MAILS_REPLY, ReadMime
from integrations.parsers.parser_pool import ParserPool, ParsersBusy, TaskTooCostly

MAIL = b"From: a@sender.example\r\nSubject: Hello\r\n\r\nText\r\n"
PATIENCE = 30.0


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(parser_task_limits, "IDLE_SECONDS", 1.0)
    refusal_counts.take_parser_counts()
    found = ParserPool(size=1)
    yield found
    found.close()


def ask_pool(pool):
    return pool.run_task(
        ReadMime([MAIL]), PARSED_MAILS_REPLY, size=len(MAIL), wait_seconds=PATIENCE
    )


def pid_of(pool):
    (process,) = pool._idle
    return process.pid


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(is_so):
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


class TestAProcess:
    def test_serves_one_task_after_another(self, pool):
        ask_pool(pool)
        first = pid_of(pool)
        ask_pool(pool)

        assert pid_of(pool) == first

    def test_ends_when_it_has_no_task_any_more(self, pool):
        ask_pool(pool)
        first = pid_of(pool)

        wait_until(lambda: not is_alive(first))

        assert len(pool._idle) == 0
        # The next task starts another, which ends as well.
        ask_pool(pool)
        second = pid_of(pool)
        assert second != first
        wait_until(lambda: not is_alive(second))

    def test_ends_after_its_life_although_it_always_has_a_task(self, pool, monkeypatch):
        monkeypatch.setattr(parser_task_limits, "LIFE_SECONDS", 3.0)
        monkeypatch.setattr(parser_task_limits, "IDLE_SECONDS", PATIENCE)
        ask_pool(pool)
        first = pid_of(pool)

        def is_another():
            ask_pool(pool)
            return len(pool._idle) == 1 and pid_of(pool) != first

        wait_until(is_another)

        assert not is_alive(first)

    def test_that_ended_as_planned_is_not_counted(self, pool):
        ask_pool(pool)
        wait_until(lambda: len(pool._idle) == 0)

        assert refusal_counts.take_parser_counts() == {}


class TestCounts:
    def test_are_of_a_task_beyond_its_limits_and_of_the_process_that_it_cost(
        self, pool, monkeypatch, caplog
    ):
        ask_pool(pool)
        monkeypatch.setattr(
            pool,
            "_budget_for",
            lambda _: parser_task_limits.ParserTaskBudget(30.0, 1 << 28, 30.0, reply_bytes=1),
        )

        with pytest.raises(TaskTooCostly):
            ask_pool(pool)

        assert refusal_counts.take_parser_counts() == {"too_costly": 1, "restarted": 1}
        assert refusal_counts.take_parser_counts() == {}
        assert "parser.ended" in caplog.messages

    def test_are_of_a_caller_for_whom_no_process_was_free(self, pool, caplog):
        with pool._lend_process(PATIENCE, is_fresh=False), pytest.raises(ParsersBusy):
            pool.run_task(ReadMime([MAIL]), PARSED_MAILS_REPLY, size=1, wait_seconds=0.01)

        assert refusal_counts.take_parser_counts() == {"busy": 1}
        assert "parser.busy" in caplog.messages

    def test_are_of_a_process_that_was_killed(self, pool):
        ask_pool(pool)
        (process,) = pool._idle
        process._process.kill()
        process._process.wait()

        ask_pool(pool)

        assert refusal_counts.take_parser_counts() == {"restarted": 1}
