"""
The web server under load: requests a second and waits, with one and with two web processes.

The server is granian with the arguments of production, and logs in as a process of the class
`web`. Callers are processes of their own: each is another person, keeps one connection, and asks
again when it has its answer. Two servers run throughout, one with one web process and one with
two, and take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from django.conf import settings
from django.test import Client

from accounts.models import Organisation, User
from config.classes import WORKERS, ProcessClass
from config.database import walls
from config.database.logins import variable
from config.embedded import ports
from config.embedded.service import GRANIAN, ROOT, Service
from tests.bench import figures, mailbox, measure, memory, sizes
from tests.bench.figures import Figure
from tests.bench.load_caller import Order
from tests.factories import make_organisation, make_user

CALLERS = (1, 4, 16)
#: Where the goals are.
GOAL_AT = 4
#: Web processes of each server.
WEB_PROCESSES = (1, 2)
MESSAGES = sizes.of(1_000, tiny=60)
PAGE = 50
SECONDS, ROUNDS = sizes.of(3, tiny=1), sizes.of(4, tiny=1)
# So many that each thread of each process has answered, and so has its connection to the database.
WARM_UP = 8
PATIENCE = 120  # seconds
_GRANIAN = "granian"


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


QUESTIONS = (
    Question("inbox list", lambda _: f"/v1/users/me/messages?limit={PAGE}", '"snippet":', PAGE),
    Question("one message", lambda it: f"/v1/users/me/messages/{it.message_id}", '"body":', 1),
    Question("connections", lambda _: "/v1/users/me/connections", '"provider":"google"', 1),
)


def run() -> list[Figure]:
    organisation = make_organisation()
    people = [_make_person(number, organisation) for number in range(max(CALLERS))]
    mailbox.settle()
    # Rights on the database itself do not come with a copy of one.
    walls.build()
    found = []
    with ExitStack() as stack:
        servers = {}
        for count in WEB_PROCESSES:
            port = stack.enter_context(ports.reserved())
            servers[count] = stack.enter_context(_started(port, count))
            found += _ask_first(servers[count], people[0]) if count == 1 else []
        for question in QUESTIONS:
            for callers in CALLERS:
                found += _measure(servers, question, people[:callers])
        return [*found, *_measure_memory(servers)]


def _make_person(number: int, organisation: Organisation) -> Person:
    user = make_user(f"person{number}", organisation=organisation)
    rows = mailbox.made(mailbox.owned(user, organisation), MESSAGES, bodies=True)
    mailbox.load(rows)
    newest = max(rows.messages, key=lambda row: row[7])
    return Person(_sign_in(user), str(newest[0]))


def _sign_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"


@contextmanager
def _started(port: int, web_processes: int) -> Iterator[Service]:
    """Start a web server as production does, and stop it on leaving."""
    url = f"http://localhost:{port}"
    logs = Path(settings.KEYRING_DIR).parent / "logs"
    logs.mkdir(exist_ok=True)
    given = {"DJANGO_SETTINGS_MODULE": "config.settings", "PUBLIC_URL": url}
    # Each person asks more in a minute than any person does.
    given |= {"RATE_LIMIT_SCALE": "10000"}
    service = Service(url, "", "", {**os.environ, **given}, logs)
    service.environment.pop("WEB_THREADS", None)
    service.logins = {one: os.environ[variable(one)] for one in ProcessClass}
    name = f"web{web_processes}"
    try:
        service.start(
            name,
            *(_GRANIAN, *GRANIAN, "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", str(web_processes), "--no-access-log", "--log-level", "warning"),
            of=ProcessClass.WEB,
        )
        service.wait(name, port)
        _wait_for_all(service, name, web_processes)
        yield service
    finally:
        for started in list(service.processes):
            service.stop(started)


def _wait_for_all(service: Service, name: str, web_processes: int) -> None:
    """Wait until each web process answers, not only the first."""
    deadline = time.monotonic() + PATIENCE
    pid = service.processes[name].pid
    while sum(map(_has_threads, memory.family(pid))) < web_processes:
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE} s for {web_processes} web processes")
        time.sleep(0.1)
    httpx.get(f"{service.url}/healthz", timeout=PATIENCE).raise_for_status()
    time.sleep(1)


def _has_threads(pid: int) -> bool:
    # A web process has its loop, its heart and its runtime; granian's first process waits alone.
    tasks = Path(f"/proc/{pid}/task")
    return len(list(tasks.iterdir())) > 4


def _ask_first(service: Service, person: Person) -> list[Figure]:
    """Return how long the first request of each kind takes after the start."""
    first = []
    with httpx.Client(base_url=service.url, timeout=PATIENCE) as browser:
        for question in QUESTIONS:
            began = time.perf_counter()
            target = question.target(person)
            browser.get(target, headers={"Cookie": person.cookie}).raise_for_status()
            seconds = time.perf_counter() - began
            first.append(figures.plain(f"first request: {question.name}", 1000 * seconds, "ms"))
    return first


def _measure(servers: dict[int, Service], question: Question, people: list[Person]) -> list[Figure]:
    answers = {count: Answers() for count in servers}
    for turn in range(ROUNDS):
        counts = list(servers)
        for place in range(len(counts)):
            count = counts[(turn + place) % len(counts)]
            _ask(servers[count], question, people, answers[count])
    name = f"{question.name}, {len(people)} caller{'s' if len(people) > 1 else ''}"
    return [
        figure
        for count in servers
        for figure in _describe(f"{name}, {count} web", answers, count, len(people))
    ]


def _ask(service: Service, question: Question, people: list[Person], answers: Answers) -> None:
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
                seconds=SECONDS,
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


def _describe(name: str, answers: dict[int, Answers], count: int, callers: int) -> list[Figure]:
    own, alone = answers[count], answers[1]
    has_goal = callers == GOAL_AT
    spent = 1000 * own.processor / len(own.waits)
    said = f"{len(own.waits):,} requests; {spent:.2f} ms of processor each"
    if count == 1:
        rate = figures.plain(name, own.rate, "requests/s", note=said)
    else:
        rate = figures.times(
            name,
            own.rate,
            "requests/s",
            baseline=alone.rate,
            against="one web process",
            least=1.8 if has_goal else None,
            more_is_better=True,
            note=said,
        )
    tail = figures.ratio(
        "… 99th percentile",
        own.quantile(0.99),
        "ms",
        baseline=own.quantile(0.5),
        against="the median",
        most=3 if has_goal else None,
    )
    return [rate, tail, figures.plain("… the longest", own.quantile(1), "ms")]


def _measure_memory(servers: dict[int, Service]) -> list[Figure]:
    """Return what each process holds: of web after the load, of the others after their start."""
    found = []
    for count, service in servers.items():
        root = service.processes[f"web{count}"].pid
        first, *others = memory.family(root)
        parsers = set(memory.parsers(root))
        web = [pid for pid in others if pid not in parsers and _has_threads(pid)]
        if len(web) != count:
            raise AssertionError(f"{len(web)} web processes of {count}")
        note = "after the load; shared pages by share (PSS)"
        each = sum(map(memory.of_one, web)) / count
        found.append(figures.plain(f"memory of a web process, of {count}", each, "MB", note=note))
        rest = sum(memory.of_one(pid) for pid in (first, *others) if pid not in {*web, *parsers})
        found.append(figures.plain("… of granian beside them", rest, "MB"))
    service = servers[1]
    for process_class in WORKERS:
        service.start_worker(f"worker-{process_class}", process_class)
    service.start_beat()
    # They have begun, and beat has said that something may be due.
    time.sleep(sizes.of(20, tiny=10))
    for name in (*(f"worker-{one}" for one in WORKERS), "beat"):
        held = memory.resident(service.processes[name].pid)
        found.append(figures.plain(f"memory of {name}", held, "MB", note="after the start"))
    return found
