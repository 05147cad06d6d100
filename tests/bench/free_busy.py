"""When 50 people have time within two weeks, asked by a colleague with whom they share that."""

from __future__ import annotations

from datetime import UTC, timedelta
from functools import partial
from uuid import UUID

import orjson
from django.db import connections, transaction
from django.utils import timezone

from accounts import row_owner
from accounts.actors import Actor
from accounts.models import Organisation, User
from config.process_classes import ProcessClass
from integrations.access.person_references import PersonReference
from integrations.access.request_context import RequestContext
from integrations.calendar import free_busy
from integrations.calendar.free_busy_query import FreeBusyQuery
from limited_use.agreements import consents, shares
from limited_use.models import Leaf
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from tests.bench import classes, figures, mailbox, measure, planner, sizes
from tests.bench.figures import Figure
from tests.factories import actor_for, make_organisation, make_user

PEOPLE = sizes.choose_size(50, tiny=3)
SINGLES, SERIES = sizes.choose_size(225, tiny=60), sizes.choose_size(25, tiny=6)
RUNS, WARM_UP = sizes.choose_size(40, tiny=3), sizes.choose_size(5, tiny=1)
SPAN = timedelta(days=14)


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    people = [_colleague(number, organisation, alice) for number in range(PEOPLE)]
    mailbox.settle_tables()
    asks = partial(_ask_free_busy, actor_for(alice, organisation), people)
    owner, before = connections["default"], Leaf.objects.count()
    with (
        classes.logged_in(ProcessClass.WEB) as web,
        classes.use_database(web),
        row_owner.acting_for(alice.id, organisation.id),
    ):
        _check_all_known(orjson.loads(asks()))
        samples = measure.interleaved({"asked": asks}, runs=RUNS, warm_up=WARM_UP)
    with classes.use_database(owner):
        # A look writes one entry for each person, about their own calendar.
        if Leaf.objects.count() - before != PEOPLE * (1 + RUNS + WARM_UP):
            raise AssertionError("not every look has its ledger entry")
    return _build_figures(samples)


def _colleague(number: int, organisation: Organisation, viewer: User) -> UUID:
    """Create a person with a full calendar, who shares busy times with `viewer`; return the id."""
    person = make_user("colleague", organisation=organisation)
    calendar = planner.calendar(planner.account(person, organisation), is_primary=True)
    planner.fill_calendar(calendar, singles=SINGLES, series=SERIES, seed=number)
    at = timezone.now()
    whose = {"person_id": person.id, "organisation_id": organisation.id}
    with transaction.atomic():
        version = FEATURES["calendar-sharing"].version
        consents.give(**whose, feature="calendar-sharing", version=version, at=at)
        shares.give(
            **whose, viewer_id=viewer.id, item=calendar.id, level=ShareLevel.FREEBUSY, at=at
        )
    return person.id


def _ask_free_busy(actor: Actor, people: list[UUID]) -> bytes:
    if actor.user_id is None:
        raise TypeError("nobody asks")
    at = timezone.now()
    start = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    question = FreeBusyQuery(people=people, start=start, end=start + SPAN, zone="Europe/Berlin")
    named = [PersonReference(person, str(person), person, None) for person in people]
    return free_busy.get_free_busy_json(
        RequestContext(actor, actor.user_id, at), question, people=named, envelope={}
    )


def _check_all_known(told: dict[str, list[dict[str, object]]]) -> None:
    """:raises AssertionError: unless something is known of everybody"""
    known = [one for one in told["data"] if one["status"] == "known" and one["time_slots"]]
    if len(known) != PEOPLE:
        raise AssertionError(f"{len(known)} of {PEOPLE} people are known")


def _build_figures(samples: measure.Samples) -> list[Figure]:
    clock, own = samples.clock["asked"], samples.processor["asked"]
    return [
        figures.plain(
            f"free and busy of {PEOPLE} people, p95",
            1000 * measure.p95(clock),
            "ms",
            note=f"two weeks; {SINGLES + SERIES} events each, {SERIES} of them series;"
            f" {RUNS} runs; median {1000 * measure.median(clock):.0f} ms,"
            f" in processor time {1000 * measure.median(own):.0f} ms",
        )
    ]
