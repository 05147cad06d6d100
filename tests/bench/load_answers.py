"""What callers ask of a web server at the same time, and what they see."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from config.embedded.embedded_service import ROOT, RunningService
from tests.bench import figures, load_machine
from tests.bench.figures import Figure
from tests.bench.load_caller import ClientOrder, Order, Report
from tests.bench.load_machine import Spent

# So many that each thread of each process has answered, and so has its connection to the database.
WARM_UP = 8


@dataclass(frozen=True)
class LoadCaller:
    """
    A caller: the headers that authenticate it, and what it can ask for.

    :param message_id: of the newest message of the mailbox
    """

    headers: Mapping[str, str]
    message_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True)
class Question:
    """A request, and a text that the right answer contains so many times."""

    name: str
    target: Callable[[LoadCaller], str]
    contains: str
    times: int


@dataclass
class Answers:
    """What callers of one server saw in all rounds."""

    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0
    spent: Spent = field(default_factory=Spent)

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the wait that `share` of all requests do not exceed, in milliseconds."""
        ordered = sorted(self.waits)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def describe_spent(self) -> str:
        """Return the processor time of a request, without that of callers."""
        each = {"web": self.spent.web, "PostgreSQL": self.spent.postgresql}
        return ", ".join(
            f"{name} {1000 * took / len(self.waits):.2f} ms" for name, took in each.items()
        )


def build_wait_figures(ours: Answers, baseline: Answers) -> list[Figure]:
    """Return the 50th, 95th and 99th percentile of the waits."""
    return [
        figures.make_ratio_figure(
            name,
            ours.quantile(share),
            "ms",
            baseline=baseline.quantile(share),
            against="the same",
        )
        for name, share in (("… p50", 0.5), ("… p95", 0.95), ("… p99", 0.99))
    ]


def ask_for_seconds(
    service: RunningService,
    question: Question,
    people: list[LoadCaller],
    answers: Answers,
    *,
    seconds: float,
    forms: Sequence[Sequence[str]] = (),
    own_networks: bool = False,
) -> None:
    """
    Have each person ask for some seconds, and add what they saw to `answers`.

    :param forms: of each person, to post, each once; empty: they ask by GET
    :param own_networks: each person connects from another address
    """
    order = Order(
        port=int(service.url.rpartition(":")[2]),
        clients=[
            ClientOrder(
                target=question.target(person),
                headers=dict(person.headers),
                forms=list(forms[place]) if forms else [],
                address=f"127.0.0.{1 + place}" if own_networks else "127.0.0.1",
            )
            for place, person in enumerate(people)
        ],
        contains=question.contains,
        times=question.times,
        warm_up=WARM_UP,
        seconds=seconds,
    )
    pid = next(iter(service.processes.values())).pid
    with _callers() as callers:
        _write_line_to(callers, json.dumps(order))
        if _read_line_from(callers) != "ready":
            raise AssertionError(f"{question.name}: callers broke before they began")
        before = load_machine.read_spent(pid)
        begin = time.monotonic() + 0.05
        _write_line_to(callers, str(begin))
        said = _read_line_from(callers)
        if not said:
            raise AssertionError(f"{question.name}: a request was not answered as it should be")
        report: Report = json.loads(said)
        answers.spent.add_between(before, load_machine.read_spent(pid))
    answers.spent.callers += report["processor"]
    answers.waits += report["waits"]
    answers.seconds += report["end"] - begin


@contextmanager
def _callers() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.bench.load_caller"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _write_line_to(callers: subprocess.Popen[str], line: str) -> None:
    assert callers.stdin is not None
    callers.stdin.write(f"{line}\n")
    callers.stdin.flush()


def _read_line_from(callers: subprocess.Popen[str]) -> str:
    assert callers.stdout is not None
    return callers.stdout.readline().strip()
