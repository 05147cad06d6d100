"""
A platform feature at the web server: requests a second and waits, for 1, 16 and 64 callers.

The server is granian with two web processes, the arguments of production and the login of a web
process. Callers are a process of their own: each acts for another person, with a token. The same
views on plain rows take turns with ours at the same server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
from django.utils import timezone

from config.database import provisioning
from config.embedded import tcp_ports
from config.embedded.embedded_service import RunningService
from limited_use.models import Leaf
from tests.bench import (
    feature_people,
    feature_tokens,
    figures,
    load_answers,
    load_server,
    mailbox,
    sizes,
)
from tests.bench.feature_people import SCHEDULER, WIDGET, FeatureClient, FeaturePerson
from tests.bench.figures import Figure
from tests.bench.load_answers import Answers, LoadCaller, Question

CALLERS = (1, sizes.choose_size(16, tiny=2), sizes.choose_size(64, tiny=4))
WEB_PROCESSES = 2
MESSAGES = sizes.choose_size(300, tiny=60)
# Some twenty occurrences a week.
SINGLES, SERIES = sizes.choose_size(240, tiny=120), sizes.choose_size(20, tiny=12)
PAGE, LARGEST = 50, 200
SECONDS, ROUNDS = sizes.choose_size(3, tiny=1), sizes.choose_size(3, tiny=1)
#: Requests of ours against those of the baseline, in the same time.
MOST = 1.3
OURS, PLAIN = "/v1/users/me", "/bench/feature/me"


@dataclass(frozen=True)
class View:
    """
    A view that a feature reads.

    :param path: below `OURS` and `PLAIN`
    :param contains: stands in the answer once for each row
    :param data_classes: for each of which a request leaves a ledger entry
    """

    name: str
    feature: str
    path: Callable[[LoadCaller], str]
    contains: str
    rows: int
    data_classes: int

    def make_question(self, prefix: str) -> Question:
        return Question(
            self.name, lambda person: prefix + self.path(person), self.contains, self.rows
        )


def run_benchmark() -> list[Figure]:
    people = feature_people.make_people(
        max(CALLERS), messages=MESSAGES, singles=SINGLES, series=SERIES
    )
    clients = {name: feature_people.make_client(name, "ES256") for name in (WIDGET, SCHEDULER)}
    mailbox.settle_tables()
    # Rights on the database itself do not come with a copy of one.
    provisioning.build_walls()
    with (
        tcp_ports.reserve_port() as port,
        load_server.start_server(
            port, WEB_PROCESSES, settings_module="tests.bench.settings"
        ) as service,
    ):
        found = []
        for view in _list_views():
            client = clients[view.feature]
            counted = _check_same_answers(service, client, people[0], view)
            for callers in CALLERS:
                found += _measure_view(service, client, people[:callers], counted)
        return found + feature_tokens.measure_tokens(
            service, clients[WIDGET], people, callers=CALLERS, seconds=SECONDS
        )


def _list_views() -> list[View]:
    start = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    window = {
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{start + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}",
        "timezone": "Europe/Berlin",
        "limit": LARGEST,
    }
    return [
        View(
            f"list of {PAGE} messages",
            WIDGET,
            lambda _: f"/messages?limit={PAGE}",
            '"snippet":',
            PAGE,
            1,
        ),
        # One for the thread, and one for each of its messages.
        View("thread", WIDGET, lambda it: f"/threads/{it.thread_id}", '"snippet":', 4, 1),
        View("message", WIDGET, lambda it: f"/messages/{it.message_id}", '"body":', 1, 2),
        View(
            "week of events", SCHEDULER, lambda _: f"/events?{urlencode(window)}", '"busy":', 0, 2
        ),
    ]


def _check_same_answers(
    service: RunningService, client: FeatureClient, person: FeaturePerson, view: View
) -> View:
    """
    Return the view with the number of its rows.

    :raises AssertionError: unless ours and the baseline answer the same
    """
    (caller,) = feature_people.make_callers(client, [person])
    ours, plain = (_read_answer(service, caller, view, prefix) for prefix in (OURS, PLAIN))
    if ours != plain:
        raise AssertionError(f"{view.name}: {ours} is not {plain}")
    if view.feature != SCHEDULER:
        return view
    if not ours["data"] or ours["has_more"] or ours["unreadable"]:
        raise AssertionError(f"{view.name}: {ours}")
    return replace(view, rows=len(ours["data"]))


def _read_answer(
    service: RunningService, caller: LoadCaller, view: View, prefix: str
) -> dict[str, Any]:
    """Return the answer without what differs in any two answers."""
    answer = httpx.get(
        f"{service.url}{prefix}{view.path(caller)}",
        headers=dict(caller.headers),
        timeout=load_server.PATIENCE,
    ).raise_for_status()
    fields: dict[str, Any] = orjson.loads(answer.content)
    return {
        name: value for name, value in fields.items() if name not in {"request_id", "next_cursor"}
    }


def _measure_view(
    service: RunningService, client: FeatureClient, people: list[FeaturePerson], view: View
) -> list[Figure]:
    callers = feature_people.make_callers(client, people)
    answers = {OURS: Answers(), PLAIN: Answers()}
    before = Leaf.objects.count()
    for turn in range(ROUNDS):
        for prefix in list(answers)[:: -1 if turn % 2 else 1]:
            load_answers.ask_for_seconds(
                service, view.make_question(prefix), callers, answers[prefix], seconds=SECONDS
            )
    written = Leaf.objects.count() - before
    requests = len(answers[OURS].waits) + ROUNDS * load_answers.WARM_UP * len(callers)
    if written != requests * view.data_classes:
        raise AssertionError(
            f"{view.name}: {written} ledger entries for {requests} requests of"
            f" {view.data_classes} data classes each"
        )
    return _build_figures(view, answers[OURS], answers[PLAIN], callers=len(people))


def _build_figures(view: View, ours: Answers, plain: Answers, *, callers: int) -> list[Figure]:
    rate = figures.make_rate_figure(
        f"{view.name}, {callers} caller{'s' if callers > 1 else ''}",
        ours.rate,
        "requests/s",
        baseline=plain.rate,
        against="the same view on plain rows, without guard, vault and ledger",
        most=MOST,
        note=f"{len(ours.waits):,} requests, {view.rows} row{'s' if view.rows > 1 else ''} each;"
        f" processor time of a request: {ours.describe_spent()};"
        f" of the baseline's: {plain.describe_spent()}",
    )
    return [rate, *load_answers.build_wait_figures(ours, plain)]
