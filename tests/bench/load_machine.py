"""
How busy the machine was while callers asked, and how many requests it could answer at most.

Web processes, PostgreSQL and callers share its processors. Where these are full, more web
processes bring nothing: the machine is the limit, and not the web process.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from tests.bench import figures, measure, memory
from tests.bench.figures import Figure

_TICK = os.sysconf("SC_CLK_TCK")
# Of a line of /proc/stat (proc_stat(5)): user to steal, for guests are in user; of these, idle, and
# idle while a disk works.
_STATES, _IDLE = slice(1, 9), slice(3, 5)


@dataclass
class Spent:
    """
    Processor seconds: of all processors of the machine, idle or not, and of those who use them.

    :param idle: of these, in which there was nothing to do
    """

    available: float = 0.0
    idle: float = 0.0
    web: float = 0.0
    postgresql: float = 0.0
    callers: float = 0.0

    def add_between(self, before: Spent, after: Spent) -> None:
        """Add what was spent between two readings."""
        for name, value in vars(after).items():
            setattr(self, name, getattr(self, name) + value - getattr(before, name))

    @property
    def by_load(self) -> float:
        """What the load itself took."""
        return self.web + self.postgresql + self.callers


def read_spent(web: int) -> Spent:
    """
    Return what was spent until now, without callers, who tell of themselves.

    :param web: the first process of the web server
    """
    stat = Path("/proc/stat").read_text(encoding="utf-8")
    available, idle = count_seconds(stat, os.sched_getaffinity(0))
    return Spent(available, idle, _of_family(web), _of_family(_find_postgresql()))


def find_bound(spent: Spent, *, requests: int) -> float:
    """Return how many requests a second the machine could answer if it did nothing else."""
    return len(os.sched_getaffinity(0)) * requests / spent.by_load


def find_web_bound(spent: Spent, *, requests: int, web_processes: int) -> float:
    """Return how many so many web processes could: one thread of Python runs at a time in each."""
    return web_processes * requests / spent.web


def find_limit(spent: Spent, *, requests: int, web_processes: int) -> float:
    """Return the lower of the two bounds."""
    of_web = find_web_bound(spent, requests=requests, web_processes=web_processes)
    return min(of_web, find_bound(spent, requests=requests))


def build_load_figures(
    spent: Spent, *, requests: int, rate: float, web_processes: int
) -> list[Figure]:
    """Return the rate against what the machine could answer, and what took its processors."""
    bound = find_bound(spent, requests=requests)
    of_web = find_web_bound(spent, requests=requests, web_processes=web_processes)
    limit = "the machine" if bound < of_web else f"{web_processes} web, at {of_web:.0f}"
    each = {"web": spent.web, "PostgreSQL": spent.postgresql, "callers": spent.callers}
    others = max(0.0, spent.available - spent.idle - spent.by_load)
    return [
        figures.make_ratio_figure(
            "… against the machine",
            rate,
            "requests/s",
            baseline=bound,
            against=f"{len(os.sched_getaffinity(0))} processors without other work;"
            f" the limit: {limit}",
            note="processor time of a request: "
            + ", ".join(f"{name} {1000 * took / requests:.2f} ms" for name, took in each.items()),
        ),
        figures.plain(
            "… idle",
            100 * spent.idle / spent.available,
            "%",
            note="of all processors' time; "
            + ", ".join(f"{name} {took / spent.available:.0%}" for name, took in each.items())
            + f", all else {others / spent.available:.0%}",
        ),
    ]


def count_seconds(stat: str, processors: set[int]) -> tuple[float, float]:
    """Return the seconds of processors since the machine started: all, and idle ones."""
    names = {f"cpu{number}" for number in processors}
    rows = [
        [int(ticks) for ticks in line.split()[_STATES]]
        for line in stat.splitlines()
        if line.split(" ", 1)[0] in names
    ]
    available, idle = sum(map(sum, rows)), sum(sum(row[_IDLE]) for row in rows)
    return available / _TICK, idle / _TICK


def _of_family(pid: int | None) -> float:
    if pid is None:
        return 0.0
    while True:
        processes = memory.family(pid)
        seconds = sum(measure.of_process(one) + _of_ended_children(one) for one in processes)
        # The seconds of a process that ends move to its parent, which may have been read before.
        if memory.family(pid) == processes:
            return seconds


def _of_ended_children(pid: int) -> float:
    """Return the processor seconds of children that the process waited for (proc_pid_stat(5))."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    # The name of the program, in brackets, may contain spaces.
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / _TICK


def _find_postgresql() -> int | None:
    """
    Return PostgreSQL's first process, whose children serve connections and write its log.

    None if it is on another machine, and takes nothing of this one's processors.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    status = Path(f"/proc/{backend}/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return int(facts["PPid"]) if facts.get("Name") == "postgres" else None
