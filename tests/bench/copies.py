"""
A week of a calendar out of the copy that is kept here, against asking for it at the provider.

The sandbox is on this machine and answers as fast as it can: Google is as far again as the network.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

from accounts import row_owner
from accounts.actors import Actor
from accounts.models import Organisation, User
from config.process_classes import ProcessClass
from integrations.access.request_context import RequestContext
from integrations.calendar import agenda
from integrations.calendar.sync import LIST_RESOURCE, get_calendar_work_resource
from integrations.models import Calendar, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from tests.bench import classes, connecting, figures, google, mailbox, measure, sizes
from tests.bench.connecting import EMAIL
from tests.bench.figures import Figure
from tests.factories import (
    actor_for,
    make_connection,
    make_consent,
    make_integration,
    make_organisation,
    make_user,
)
from tests.worlds.sandbox import Sandbox

EVENTS = sizes.choose_size(200, tiny=20)
RUNS, WARM_UP = sizes.choose_size(100, tiny=3), sizes.choose_size(10, tiny=1)
WEEK = timedelta(days=7)
# All that happens in the week is on one page of either.
PAGE = 200
SCOPES = ("calendar.calendarlist.readonly", "calendar.events.readonly")


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    sandbox.seed(EMAIL, size=0)
    google.remove_limits(sandbox)
    start = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(EVENTS):
        sandbox.put_event(EMAIL, **_event(number, start))
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    tokens = sandbox.authorize(EMAIL, "openid email " + " ".join(map(_make_scope, SCOPES)))
    _connect_and_sync(alice, organisation, tokens)
    mailbox.settle_tables()
    ours = partial(_read_own_week, actor_for(alice, organisation), start)
    fetch = _fetch(sandbox, tokens["access_token"], start)
    with (
        classes.logged_in(ProcessClass.WEB) as web,
        classes.use_database(web),
        row_owner.acting_for(alice.id, organisation.id),
    ):
        count = _count_same_occurrences(orjson.loads(ours()), orjson.loads(fetch()))
        samples = measure.interleaved({"ours": ours, "fetch": fetch}, runs=RUNS, warm_up=WARM_UP)
    return _build_figures(samples, count)


def _make_scope(name: str) -> str:
    return f"https://www.googleapis.com/auth/{name}"


def _event(number: int, start: datetime) -> dict[str, Any]:
    """Return event `number`: every tenth comes back each week."""
    at = start + timedelta(days=number % 28, hours=8 + number % 9)
    zoned = [{"dateTime": one.isoformat(), "timeZone": "UTC"} for one in (at, at + WEEK / 168)]
    more = {"recurrence": ["RRULE:FREQ=WEEKLY"]} if number % 10 == 0 else {}
    return {
        "summary": f"Event {number}",
        "description": "What there is to say. " * 5,
        "location": f"Room {number % 17}",
        "start": zoned[0],
        "end": zoned[1],
        **more,
    }


def _connect_and_sync(user: User, organisation: Organisation, tokens: dict[str, Any]) -> None:
    """Connect the account, and bring its calendar in as a sync does."""
    connection = make_connection(
        user,
        organisation,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        scopes=("openid", "email", *map(_make_scope, SCOPES)),
    )
    with transaction.atomic():
        integration = make_integration(
            connection, product="calendar", consent=False, synced=False, horizon_days=None
        )
    make_consent(connection, "calendar")
    SyncWork.objects.filter(integration=integration).update(resource=LIST_RESOURCE)
    _sync_resource(LIST_RESOURCE)
    for calendar in Calendar.objects.all():
        _sync_resource(get_calendar_work_resource(calendar.id))
    # Not looked at as if for the first time while the benchmark looks.
    Calendar.objects.update(asked_at=timezone.now() + timedelta(days=1))


def _sync_resource(resource: str) -> None:
    work = SyncWork.objects.get(resource=resource)
    SyncWork.objects.filter(id=work.id).update(next_sync_at=timezone.now())
    while sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=timezone.now()):
        pass


def _read_own_week(actor: Actor, start: datetime) -> bytes:
    if actor.user_id is None:
        raise TypeError("nobody asks")
    inside = agenda.build_window(start, start + WEEK, zone="UTC")
    asked = RequestContext(actor, actor.user_id, timezone.now())
    return agenda.get_event_page_json(asked, inside, limit=PAGE, envelope={})


def _fetch(sandbox: Sandbox, token: str, start: datetime) -> Callable[[], bytes]:
    """Return what asks through Google's own client, on a connection that stays open."""
    document = json.loads(get_static_doc("calendar", "v3"))
    document["rootUrl"] = document["baseUrl"] = f"{sandbox.url}/"
    events = build_from_document(document, credentials=Credentials(token)).events()

    def fetch() -> bytes:
        answer = events.list(
            calendarId="primary",
            timeMin=start.isoformat(),
            timeMax=(start + WEEK).isoformat(),
            singleEvents=True,
            orderBy="startTime",
            maxResults=PAGE,
        ).execute()
        return orjson.dumps({"data": answer["items"]})

    return fetch


def _count_same_occurrences(ours: dict[str, Any], theirs: dict[str, Any]) -> int:
    """
    Return how many occurrences both tell.

    :raises AssertionError: unless they are the same ones
    """
    here = sorted(
        (one["title"], datetime.fromisoformat(one["when"]["start"])) for one in ours["data"]
    )
    there = sorted(
        (one["summary"], datetime.fromisoformat(one["start"]["dateTime"])) for one in theirs["data"]
    )
    if here != there or not here:
        raise AssertionError(f"{len(here)} occurrences here, {len(there)} there")
    return len(here)


def _build_figures(samples: measure.Samples, count: int) -> list[Figure]:
    ms = {name: 1000 * measure.median(found) for name, found in samples.clock.items()}
    return [
        figures.make_times_figure(
            "a week out of the copy",
            ms["ours"],
            "ms",
            baseline=ms["fetch"],
            against="events.list at the sandbox through Google's client",
            note=f"{count} occurrences of {EVENTS} events; median of {RUNS} in turn; guard, ledger"
            " entry and vault included",
        )
    ]
