"""
One month of 20 calendars, all that happens in it, as the API says it.

Ours finds rows, asks the guard, opens what is sealed and expands; the baseline does the same over
plain rows with `dateutil`, the library for it, and asks nobody.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from functools import partial
from typing import Any

import orjson
from django.db import connections
from django.utils import timezone

from accounts import row_owner
from accounts.actors import Actor
from config.process_classes import ProcessClass
from integrations.access.request_context import RequestContext
from integrations.calendar import agenda, event_json, occurrences
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.models import Calendar
from limited_use.models import Leaf
from limited_use.sinks import calendar_sink as sink
from tests.bench import classes, figures, mailbox, measure, plain_month, planner, sizes
from tests.bench.figures import Figure
from tests.bench.models import PlainEvent
from tests.factories import actor_for, make_organisation, make_user

CALENDARS = 20
SINGLES, SERIES = sizes.choose_size(4_500, tiny=200), sizes.choose_size(500, tiny=60)
RUNS, WARM_UP = sizes.choose_size(20, tiny=2), sizes.choose_size(3, tiny=1)
ZONE = "Europe/Berlin"
# What all series of one answer may take, as in `agenda`.
WORK = 200_000


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    integration = planner.account(alice, organisation)
    kept: list[planner.Plain] = []
    for number in range(CALENDARS):
        planner.fill_calendar(
            planner.calendar(integration, is_primary=number == 0),
            singles=SINGLES // CALENDARS,
            series=SERIES // CALENDARS,
            seed=number,
            keep=kept.extend,
        )
    PlainEvent.objects.bulk_create([PlainEvent(**one._asdict()) for one in kept], batch_size=1_000)
    mailbox.settle_tables()
    actor = actor_for(alice, organisation)
    start = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    inside = agenda.build_window(start, start + timedelta(days=31), zone=ZONE)
    ids = list(Calendar.objects.values_list("id", flat=True))
    ours = partial(_read_own_month, actor, inside)
    plain = partial(plain_month.answer_month, ids, inside.start, inside.end, ZONE)
    owner, before = connections["default"], Leaf.objects.count()
    with (
        classes.logged_in(ProcessClass.WEB) as web,
        classes.use_database(owner),
        row_owner.acting_for(alice.id, organisation.id),
    ):
        classes.turn_to(web)
        found = orjson.loads(ours())
        classes.turn_to(owner)
        _check_same_answers(found, orjson.loads(plain()))
        samples = measure.interleaved(
            {"ours": classes.as_of(web, ours), "plain": classes.as_of(owner, plain)},
            runs=RUNS,
            warm_up=WARM_UP,
        )
        classes.turn_to(owner)
        # One for each data class of the one account.
        if Leaf.objects.count() - before != 2 * (1 + RUNS + WARM_UP):
            raise AssertionError("not every month has its ledger entries")
    return _build_figures(samples, len(found["data"]))


def _read_own_month(actor: Actor, inside: TimeWindow) -> bytes:
    if actor.user_id is None:
        raise TypeError("nobody asks")
    at = timezone.now()
    found = agenda.read_window(RequestContext(actor, actor.user_id, at), inside)

    def make_month(opened: sink.OpenedRows) -> dict[str, Any]:
        expanded = occurrences.expand_rows(opened, inside, work=RecurrenceWorkBudget(WORK))
        return {
            "data": event_json.serialize_occurrences(expanded.occurrences),
            "unreadable": expanded.unreadable_ids,
        }

    return sink.calendar_json(
        found.rows, permits=found.permits, viewer=actor, make=make_month, at=at
    )


def _check_same_answers(ours: dict[str, Any], plain: dict[str, Any]) -> None:
    """:raises AssertionError: unless both say the same of the same occurrences, in one order"""
    if ours["unreadable"] or len(ours["data"]) < SERIES:
        raise AssertionError(f"{len(ours['data'])} occurrences, {ours['unreadable']} unreadable")
    for both in zip(ours["data"], plain["data"], strict=True):
        # Ours is a digest by field, which an edit is held against; the baseline's is as it came.
        one, other = ({**each, "etag": None} for each in both)
        if one != other:
            raise AssertionError(f"{one} is not {other}")


def _build_figures(samples: measure.Samples, count: int) -> list[Figure]:
    ms = {name: 1000 * measure.median(found) for name, found in samples.clock.items()}
    own = {name: 1000 * measure.median(found) for name, found in samples.processor.items()}
    return [
        figures.make_ratio_figure(
            f"a month of {CALENDARS} calendars",
            ms["ours"],
            "ms",
            baseline=ms["plain"],
            against="dateutil over plain rows, no guard, vault or ledger",
            most=1.3,
            note=f"{SINGLES + SERIES:,} events, {SERIES} of them series; {count:,} occurrences;"
            f" median of {RUNS} in turn",
        ),
        figures.make_ratio_figure(
            "… in processor time",
            own["ours"],
            "ms",
            baseline=own["plain"],
            against="the same; the database is not in it",
        ),
    ]
