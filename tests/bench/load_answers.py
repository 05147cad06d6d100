"""What callers ask of a web server at the same time, and what they see."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from config.embedded.service import ROOT, Service
from tests.bench import measure, memory
from tests.bench.load_caller import Order

# So many that each thread of each process has answered, and so has its connection to the database.
WARM_UP = 8


@dataclass(frozen=True)
class Person:
    """A caller: the cookie of the session, and the newest message of the mailbox."""

    cookie: str
    message_id: str


@dataclass(frozen=True)
class Question:
    """A request, and a text that the right answer contains so many times."""

    name: str
    target: Callable[[Person], str]
    contains: str
    times: int


@dataclass
class Answers:
    """What callers of one server saw in all rounds."""

    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0
    processor: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the wait that `share` of all requests do not exceed, in milliseconds."""
        ordered = sorted(self.waits)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ask(
    service: Service, question: Question, people: list[Person], answers: Answers, *, seconds: float
) -> None:
    """Have each person ask for some seconds, and add what they saw to `answers`."""
    port = int(service.url.rpartition(":")[2])
    pid = next(iter(service.processes.values())).pid
    with ExitStack() as stack:
        callers = [stack.enter_context(_caller()) for _ in people]
        for caller, person in zip(callers, people, strict=True):
            order = Order(
                port=port,
                target=question.target(person),
                cookie=person.cookie,
                contains=question.contains,
                times=question.times,
                warm_up=WARM_UP,
                seconds=seconds,
            )
            _tell(caller, json.dumps(order))
        for caller in callers:
            if _hear(caller) != "ready":
                raise AssertionError(f"{question.name}: a caller broke before it began")
        spent = sum(map(measure.of_process, memory.family(pid)))
        begin = time.monotonic() + 0.05
        for caller in callers:
            _tell(caller, str(begin))
        heard = [_hear(caller) for caller in callers]
        if not all(heard):
            raise AssertionError(f"{question.name}: a request was not answered as it should be")
        results = [json.loads(line) for line in heard]
        answers.processor += sum(map(measure.of_process, memory.family(pid))) - spent
    for waits, _ in results:
        answers.waits += waits
    answers.seconds += max(end for _, end in results) - begin


@contextmanager
def _caller() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.bench.load_caller"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _tell(caller: subprocess.Popen[str], line: str) -> None:
    assert caller.stdin is not None
    caller.stdin.write(f"{line}\n")
    caller.stdin.flush()


def _hear(caller: subprocess.Popen[str]) -> str:
    assert caller.stdout is not None
    return caller.stdout.readline().strip()
