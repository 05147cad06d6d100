"""The pool of parser processes: its limits hold, processes are replaced, callers are not kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from integrations.parsers import parser_task_limits
from integrations.parsers.mail_tasks import (
    FIND_PART_REPLY,
    PARSED_MAILS_REPLY,
    SANITISE_TEXT_REPLY,
    FindPart,
    ReadMime,
    SanitiseText,
)
from integrations.parsers.parser_frames import OUT_OF_MEMORY
from integrations.parsers.parser_pool import (
    ParserPool,
    ParsersBusy,
    ParsersUnavailable,
    TaskTooCostly,
)
from integrations.parsers.parser_process import COMMAND, ParserProcess
from integrations.parsers.parser_task_limits import ParserTaskBudget, get_parser_task_budget

ROOT = Path(__file__).resolve().parents[3]
MEGABYTE = 1024 * 1024
MAIL = b"From: bob@example.test\nSubject: hello\n\nhello\n"
#: Some seconds of work, of which each step is quick.
LONG = ReadMime([MAIL] * 150_000)


@pytest.fixture
def make():
    """Make pools that are closed when the test ends."""
    made = []

    def _make(*args, **named):
        made.append(ParserPool(*args, **named))
        return made[-1]

    yield _make
    for one in made:
        one.close()


@pytest.fixture
def pool(make):
    return make(1)


def show(pool: ParserPool, text: str = "hello", *, patience: float = 20) -> str:
    return pool.run_task(
        SanitiseText(text, ""), SANITISE_TEXT_REPLY, size=len(text), wait_seconds=patience
    ).sanitised.text


def pids(parent: int | None = None) -> set[int]:
    """Return the parser processes that this process, or another, started and that live."""
    found = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            state, owner = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        is_parser = command.split(b"\0")[1:3] == [one.encode() for one in COMMAND[1:]]
        if is_parser and state != "Z" and int(owner) == (parent or os.getpid()):
            found.add(int(folder.name))
    return found


def pid_of(pool: ParserPool) -> int:
    """Return the one process of a pool, which has answered."""
    show(pool)
    (process,) = pool._idle
    return process.pid


def wait_until(is_true, seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_true():
            return True
        time.sleep(0.02)
    return False


def little(size: int, *, cpu: float = 2.0, wall: float = 60.0) -> ParserTaskBudget:
    whole = get_parser_task_budget(size)
    return ParserTaskBudget(cpu, whole.memory_bytes, wall, whole.reply_bytes)


@pytest.mark.invariant(13)
class TestATaskBeyondItsLimits:
    def how_it_ended(self, caplog) -> int | None:
        """Return the status of the process that ended; None if the pool ended it."""
        (ended,) = [one for one in caplog.records if one.msg == "parser.ended"]
        return ended.status

    def is_replaced(self, pool: ParserPool, pid: int) -> bool:
        assert show(pool, "the next") == "the next"
        return pid_of(pool) != pid and not Path(f"/proc/{pid}").exists()

    def test_of_time_is_stopped_and_the_next_is_answered_by_another_process(self, pool, caplog):
        pid = pid_of(pool)
        before = time.monotonic()

        with pytest.raises(TaskTooCostly):
            pool.run_task(LONG, PARSED_MAILS_REPLY, size=0, wait_seconds=20)

        assert time.monotonic() - before < 60
        assert self.how_it_ended(caplog) == -signal.SIGXCPU
        assert self.is_replaced(pool, pid)

    def test_of_memory_is_stopped_and_the_next_is_answered(self, pool, caplog):
        pid = pid_of(pool)

        with pytest.raises(TaskTooCostly):
            pool.run_task(
                FindPart(bytes(190 * MEGABYTE), ""), FIND_PART_REPLY, size=0, wait_seconds=20
            )

        assert self.how_it_ended(caplog) in {OUT_OF_MEMORY, -signal.SIGABRT}
        assert self.is_replaced(pool, pid)

    def test_of_its_reply_is_stopped_and_the_next_is_answered(self, pool):
        pid = pid_of(pool)
        message = b"Content-Type: application/zip\n\n" + b"x" * (33 * MEGABYTE)

        with pytest.raises(TaskTooCostly):
            pool.run_task(FindPart(message, ""), FIND_PART_REPLY, size=0, wait_seconds=20)

        assert self.is_replaced(pool, pid)

    def test_may_take_what_its_size_allows(self, pool):
        message = b"Content-Type: application/zip\n\n" + b"x" * (33 * MEGABYTE)

        found = pool.run_task(
            FindPart(message, ""), FIND_PART_REPLY, size=len(message), wait_seconds=20
        )

        assert len(found.data) == 33 * MEGABYTE


@pytest.mark.invariant(13)
class TestAReplyOfAnotherShape:
    def test_is_too_costly_and_its_process_is_replaced(self, pool):
        pid = pid_of(pool)

        with pytest.raises(TaskTooCostly):
            pool.run_task(SanitiseText("hello", ""), FIND_PART_REPLY, size=5, wait_seconds=20)

        assert pid_of(pool) != pid

    @pytest.mark.parametrize(
        "said",
        [
            "b'\\xff' * 100",
            "(5).to_bytes(8, 'big') + b'hello'",
            "(1 << 50).to_bytes(8, 'big')",
            # A pickle, which nobody reads.
            "(20).to_bytes(8, 'big') + __import__('pickle').dumps(print)[:20].ljust(20)",
        ],
    )
    def test_of_a_process_that_was_taken_over_is_too_costly(self, make, said):
        program = f"import os, sys, time; os.write(1, {said}); time.sleep(60)"
        pool = make(1, start=playing(program))

        with pytest.raises((TaskTooCostly, ParsersUnavailable)):
            show(pool)

    def test_is_read_as_the_reply_to_no_other_task(self, make):
        # It says more than it was asked for: perhaps the reply to somebody else's message.
        good = (
            "import sys, os\n"
            f"sys.path.insert(0, {str(ROOT)!r})\n"
            "from integrations.parsers.worker import handlers\n"
            "from integrations.parsers.parser_frames import *\n"
            "while head := os.read(0, TASK_HEADER.size):\n"
            "    body = os.read(0, TASK_HEADER.unpack(head)[0])\n"
            "    reply = handlers.handle_parser_task(body)\n"
            "    os.write(1, (REPLY_HEADER.pack(len(reply)) + reply) * 2)\n"
        )
        pool = make(1, start=playing(good))

        assert [show(pool, text) for text in ("of alice", "of bob", "of carol")] == [
            "of alice",
            "of bob",
            "of carol",
        ]


def playing(program: str):
    """Return how a pool starts another program in the place of the parser."""
    return partial(ParserProcess, [sys.executable, "-I", "-c", program])


@pytest.mark.invariant(13)
class TestAMachineThatCannotIsolate:
    @pytest.mark.parametrize("program", ["raise SystemExit(4)", "import nothing_like_it", "0"])
    def test_blames_no_message(self, make, program):
        with pytest.raises(ParsersUnavailable, match=r"see integrations/parsers/README\.md"):
            show(make(1, start=playing(program)))

    def test_or_has_no_interpreter_blames_no_message(self, make):
        with pytest.raises(ParsersUnavailable, match="no parser process starts"):
            show(make(1, start=partial(ParserProcess, ["/nowhere/python"])))

    def test_is_told_from_a_task_that_ends_its_process(self, pool):
        # The very first task of a pool, with nothing known of the machine.
        with pytest.raises(TaskTooCostly):
            pool.run_task(LONG, PARSED_MAILS_REPLY, size=0, wait_seconds=20)


class TestAProcessThatIsKilledFromOutside:
    def test_while_it_is_idle_is_replaced_unseen(self, make):
        pool = make(2)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: show(pool), range(20)))
        for pid in pids():
            os.kill(pid, signal.SIGKILL)

        assert show(pool, "after") == "after"

    def test_at_a_task_is_replaced_and_the_task_is_tried_once_more(self, pool):
        first = pid_of(pool)
        task = ReadMime([MAIL] * 10_000)
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(
                pool.run_task, task, PARSED_MAILS_REPLY, size=100 * MEGABYTE, wait_seconds=20
            )
            assert wait_until(lambda: seconds_of(first) > 0.3)
            os.kill(first, signal.SIGKILL)

            assert len(asked.result(60)) == 10_000

        assert pid_of(pool) != first

    def test_that_closes_its_pipe_and_lives_on_is_ended(self, make):
        program = "import os, time; os.close(0); os.close(1); time.sleep(600)"
        pool = make(1, start=playing(program))
        before = time.monotonic()

        with pytest.raises(ParsersUnavailable):
            show(pool)

        assert time.monotonic() - before < 30


def seconds_of(pid: int) -> float:
    """Return the processor time that a process has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.invariant(13)
class TestATaskThatTakesLong:
    def test_by_the_clock_is_tried_once_more(self, make):
        pool = make(1, budget_for=partial(little, wall=5.0))
        first = pid_of(pool)
        # As a machine does that has no time for it.
        os.kill(first, signal.SIGSTOP)

        assert show(pool, "again") == "again"
        assert pid_of(pool) != first
        assert not Path(f"/proc/{first}").exists()

    def test_by_the_clock_twice_is_told_that_it_is_busy(self, make):
        pool = make(1, budget_for=partial(little, wall=0.001))

        with pytest.raises(ParsersBusy):
            pool.run_task(LONG, PARSED_MAILS_REPLY, size=0, wait_seconds=20)


@pytest.mark.invariant(8, 13)
class TestWhenAllProcessesAreBusy:
    def test_a_caller_is_told_so_after_a_while(self, make):
        pool = make(1, budget_for=partial(little, cpu=20.0))
        show(pool)
        with ThreadPoolExecutor(1) as threads:
            task = ReadMime([MAIL] * 30_000)
            asked = threads.submit(
                pool.run_task, task, PARSED_MAILS_REPLY, size=100 * MEGABYTE, wait_seconds=20
            )
            assert wait_until(lambda: not pool._idle)
            before = time.monotonic()

            with pytest.raises(ParsersBusy):
                show(pool, patience=0.2)

            assert 0.1 < time.monotonic() - before < 5
            assert len(asked.result(120)) == 30_000
        assert show(pool, "after") == "after"

    def test_many_threads_share_a_few(self, make):
        pool = make(2)
        before = pids()
        seen: set[int] = set()
        most = 0
        done = threading.Event()

        def look():
            nonlocal most
            while not done.is_set():
                now = pids() - before
                seen.update(now)
                most = max(most, len(now))

        watcher = threading.Thread(target=look)
        watcher.start()
        texts = [f"text {number}" for number in range(200)]
        with ThreadPoolExecutor(30) as threads:
            assert list(threads.map(partial(show, pool), texts)) == texts
        done.set()
        watcher.join()

        assert most == len(seen) == 2


class TestAProcess:
    def test_is_replaced_after_so_many_tasks(self, pool):
        first = pid_of(pool)
        for _ in range(parser_task_limits.TASKS_PER_PROCESS - 1):
            show(pool)
        assert not Path(f"/proc/{first}").exists()

        assert pid_of(pool) != first

    def test_outlives_the_thread_that_started_it(self, pool):
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(pid_of, pool).result()

        assert pid_of(pool) == first


#: A program with a pool, as each process of the service is.
SERVICE = f"""
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from integrations.parsers import parse_requests, parser_pool
def pid():
    assert parse_requests.sanitise_text("hello", "").text == "hello"
    return next(iter(parser_pool.get_parser_pool()._idle)).pid
"""


def service(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE + code], stdout=subprocess.PIPE, text=True, bufsize=1
    )


def is_gone(pid: int) -> bool:
    return wait_until(lambda: not Path(f"/proc/{pid}").exists())


class TestTheProcessesOfAProcess:
    def test_end_when_it_ends(self):
        with service("print(pid(), flush=True)") as started:
            pid = int(started.stdout.readline())
            started.wait(60)

        assert started.returncode == 0
        assert is_gone(pid)

    def test_end_when_it_is_killed(self):
        with service("print(pid(), flush=True); time.sleep(600)") as started:
            pid = int(started.stdout.readline())
            assert Path(f"/proc/{pid}").exists()
            started.kill()

        assert is_gone(pid)

    @pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(0)"])
    def test_are_not_those_of_its_fork(self, end):
        code = f"""
mine = pid()
child = os.fork()
if child == 0:
    print(mine, pid(), flush=True)
    {end}
assert os.waitpid(child, 0)[1] == 0
assert pid() == mine
print("still", flush=True)
"""
        with service(code) as started:
            parents, childs = map(int, started.stdout.readline().split())
            said = started.stdout.readline()
            started.wait(60)

        assert parents != childs
        assert (said, started.returncode) == ("still\n", 0)
        assert is_gone(parents)
        assert is_gone(childs)

    def test_end_with_it_though_a_fork_lives_on(self):
        # Each line in one piece: both write into the same pipe.
        code = """
mine = pid()
if os.fork() == 0:
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)
os.write(1, b"%d\\n" % mine)
time.sleep(600)
"""
        with service(code) as started:
            said = {int(started.stdout.readline()), int(started.stdout.readline())}
            (mine,) = pids(started.pid)
            (fork,) = said - {mine}
            started.kill()
            try:
                assert is_gone(mine)
                assert Path(f"/proc/{fork}").exists()
            finally:
                os.kill(fork, signal.SIGKILL)

    def test_can_be_asked_in_a_fork_made_while_they_were_being_asked(self):
        code = """
import threading
def ask():
    while True: pid()
for _ in range(4): threading.Thread(target=ask, daemon=True).start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        pid()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print("all", flush=True)
os._exit(0)
"""
        with service(code) as started:
            assert started.stdout.readline() == "all\n"
