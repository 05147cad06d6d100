"""
The web server under load: requests a second and waits, with one and with two web processes.

The server is granian with the arguments of production. Callers are a process of their own: each is
another person, keeps one connection, and asks again when it has its answer. Two servers run
throughout, one with one web process and one with two, and take turns. They, PostgreSQL and the
callers share the machine: what that leaves room for stands below each rate (`load_machine`).
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import httpx
from django.conf import settings
from django.test import Client

from accounts.models import Organisation, User
from config.database import provisioning
from config.embedded import tcp_ports
from config.embedded.embedded_service import RunningService
from tests.bench import figures, load_answers, load_machine, load_server, mailbox, sizes
from tests.bench.figures import TIMES, Figure
from tests.bench.load_answers import Answers, LoadCaller, Question
from tests.factories import make_organisation, make_user

CALLERS = (1, 4, 16)
#: Where the goals are.
GOAL_AT = 4
#: Web processes of each server.
WEB_PROCESSES = (1, 2)
MESSAGES = sizes.choose_size(1_000, tiny=60)
PAGE = 50
SECONDS, ROUNDS = sizes.choose_size(3, tiny=1), sizes.choose_size(4, tiny=1)

QUESTIONS = (
    Question("inbox list", lambda _: f"/v1/users/me/messages?limit={PAGE}", '"snippet":', PAGE),
    Question("one message", lambda it: f"/v1/users/me/messages/{it.message_id}", '"body":', 1),
    Question("connections", lambda _: "/v1/users/me/connections", '"provider":"google"', 1),
)


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    people = [_make_person(number, organisation) for number in range(max(CALLERS))]
    mailbox.settle_tables()
    # Rights on the database itself do not come with a copy of one.
    provisioning.build_walls()
    found = []
    with ExitStack() as stack:
        servers = {}
        for count in WEB_PROCESSES:
            port = stack.enter_context(tcp_ports.reserve_port())
            servers[count] = stack.enter_context(load_server.start_server(port, count))
            found += _ask_first(servers[count], people[0]) if count == 1 else []
        for question in QUESTIONS:
            for callers in CALLERS:
                found += _measure_question(servers, question, people[:callers])
        return [*found, *load_server.measure_memory(servers)]


def _make_person(number: int, organisation: Organisation) -> LoadCaller:
    user = make_user(f"person{number}", organisation=organisation)
    rows = mailbox.make_sealed_rows(
        mailbox.make_owned_mailbox(user, organisation), MESSAGES, bodies=True
    )
    mailbox.load(rows)
    newest = max(rows.messages, key=lambda row: row[7])
    return LoadCaller({"Cookie": _sign_in(user)}, str(newest[0]))


def _sign_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"


def _ask_first(service: RunningService, person: LoadCaller) -> list[Figure]:
    """Return how long the first request of each kind takes after the start."""
    first = []
    with httpx.Client(base_url=service.url, timeout=load_server.PATIENCE) as browser:
        for question in QUESTIONS:
            began = time.perf_counter()
            target = question.target(person)
            browser.get(target, headers=dict(person.headers)).raise_for_status()
            seconds = time.perf_counter() - began
            first.append(figures.plain(f"first request: {question.name}", 1000 * seconds, "ms"))
    return first


def _measure_question(
    servers: dict[int, RunningService], question: Question, people: list[LoadCaller]
) -> list[Figure]:
    answers = {count: Answers() for count in servers}
    for turn in range(ROUNDS):
        counts = list(servers)
        for place in range(len(counts)):
            count = counts[(turn + place) % len(counts)]
            load_answers.ask_for_seconds(
                servers[count], question, people, answers[count], seconds=SECONDS
            )
    name = f"{question.name}, {len(people)} caller{'s' if len(people) > 1 else ''}"
    return [
        figure
        for count in servers
        for figure in _build_figures(f"{name}, {count} web", answers, count, len(people))
    ]


def _build_figures(
    name: str, answers: dict[int, Answers], count: int, callers: int
) -> list[Figure]:
    own, alone = answers[count], answers[1]
    has_goal = callers == GOAL_AT
    requests = len(own.waits)
    if count == 1:
        rate = figures.plain(name, own.rate, "requests/s", note=f"{requests:,} requests")
    else:
        possible = _find_limit(own, count) / _find_limit(alone, 1)
        rate = figures.make_times_figure(
            name,
            own.rate,
            "requests/s",
            baseline=alone.rate,
            against="one web process",
            least=1.8 if has_goal else None,
            more_is_better=True,
            note=f"{requests:,} requests; by processor time at most {possible:.2f}{TIMES}",
        )
    machine = load_machine.build_load_figures(
        own.spent, requests=requests, rate=own.rate, web_processes=count
    )
    tail = figures.make_ratio_figure(
        "… 99th percentile",
        own.quantile(0.99),
        "ms",
        baseline=own.quantile(0.5),
        against="the median",
        most=3 if has_goal else None,
    )
    return [rate, *machine, tail, figures.plain("… the longest", own.quantile(1), "ms")]


def _find_limit(answers: Answers, web_processes: int) -> float:
    requests = len(answers.waits)
    return load_machine.find_limit(answers.spent, requests=requests, web_processes=web_processes)
