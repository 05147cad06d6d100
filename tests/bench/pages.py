"""
The inbox page and the calendar page, against the API's JSON of the same rows.

Both are answered over the whole WSGI application, to the same person in the same session, with
the login of a web process and behind row-level security. What the page costs beyond its JSON are
templates and the statements that only a page needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson
from django.db import transaction
from django.utils import timezone

from accounts import row_owner
from accounts.models import Organisation, User
from config.process_classes import ProcessClass
from integrations.calendar import local_calendars
from integrations.calendar.local_calendars import LocalCalendarProperties
from integrations.calendar.pages import view_ranges
from integrations.models import Calendar
from limited_use.agreements import consents, shares
from limited_use.models import Leaf
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from limited_use.vault import sealing
from tests.bench import caller, classes, figures, mailbox, measure, planner, sizes
from tests.bench.figures import Figure
from tests.factories import actor_for, make_organisation, make_user

MESSAGES = sizes.choose_size(1_500, tiny=210)
PAGE = 50
# Of each of four calendars; together some twenty events a week.
SINGLES, SERIES = sizes.choose_size(60, tiny=30), 4
RUNS, WARM_UP = sizes.choose_size(150, tiny=3), sizes.choose_size(10, tiny=1)
ZONE = "Europe/Berlin"
WEEK, MONTH = "week", "month"


class Pair(NamedTuple):
    """A page and the JSON of the same rows, as paths with queries."""

    name: str
    page: tuple[str, str]
    json: tuple[str, str]
    most: float
    #: Raises AssertionError unless page and JSON show the same.
    compare: Callable[[str, list[dict[str, Any]]], None]


class Counts(NamedTuple):
    """What one request leaves behind."""

    statements: int
    entries: int


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    _make_mailbox(alice, organisation)
    _make_calendars(alice, make_user("bob", organisation=organisation), organisation)
    mailbox.settle_tables()
    browser = caller.signed_in(alice)
    pairs = _list_pairs(timezone.now().astimezone(ZoneInfo(ZONE)).date())
    with classes.logged_in(ProcessClass.WEB) as web, classes.use_database(web):
        for pair in pairs:
            pair.compare(
                browser.get(*pair.page).decode(), orjson.loads(browser.get(*pair.json))["data"]
            )
        counts = {
            path: _count_costs(browser, path, web)
            for pair in pairs
            for path in (pair.page, pair.json)
        }
        before = Leaf.objects.count()
        samples = measure.interleaved(
            {
                f"{path[0]}?{path[1]}": _getter(browser, path)
                for pair in pairs
                for path in (pair.page, pair.json)
            },
            runs=RUNS,
            warm_up=WARM_UP,
        )
        expected = (RUNS + WARM_UP) * sum(one.entries for one in counts.values())
        if Leaf.objects.count() - before != expected:
            raise AssertionError("not every answer has its ledger entries")
    return [figure for pair in pairs for figure in _build_figures(pair, samples, counts)]


def _list_pairs(today: date) -> list[Pair]:
    inbox = {"folder": "inbox", "limit": PAGE}
    return [
        Pair(
            f"inbox page of {PAGE} rows",
            ("/inbox/", ""),
            ("/v1/users/me/threads", urlencode(inbox)),
            1.5,
            _compare_inbox,
        ),
        *(_calendar_pair(view, today) for view in (WEEK, MONTH)),
    ]


def _calendar_pair(view: str, today: date) -> Pair:
    span, place = view_ranges.get_view_range(view, today), ZoneInfo(ZONE)
    first = datetime.combine(span.first, datetime.min.time(), place)
    after = datetime.combine(span.last + timedelta(days=1), datetime.min.time(), place)
    window = {"start": first.isoformat(), "end": after.isoformat(), "timezone": ZONE, "limit": 200}
    return Pair(
        f"calendar page, {view}",
        ("/calendar/", urlencode({"view": view, "day": today.isoformat()})),
        ("/v1/users/me/events", urlencode(window)),
        1.4,
        _compare_week if view == WEEK else _compare_month,
    )


def _make_mailbox(user: User, organisation: Organisation) -> None:
    mailbox.load(mailbox.make_sealed_rows(mailbox.make_owned_mailbox(user, organisation), MESSAGES))


def _make_calendars(alice: User, bob: User, organisation: Organisation) -> None:
    """Give Alice two calendars of an account and an Antares calendar; Bob shares one with her."""
    at, account = timezone.now(), planner.account(alice, organisation)
    owned_by_account = [
        planner.calendar(account, is_primary=is_first) for is_first in (True, False)
    ]
    with row_owner.acting_for(alice.id, organisation.id):
        local_id = local_calendars.create_local_calendar(
            actor=actor_for(alice, organisation),
            properties=LocalCalendarProperties("Calendar 2", ZONE),
            version=FEATURES[local_calendars.FEATURE].version,
            at=at,
        )
    # Not written down again while the benchmark looks.
    Calendar.objects.filter(id=local_id).update(asked_at=at + timedelta(days=1))
    local_calendar = Calendar.objects.select_related("integration__connection").get(id=local_id)
    shared_calendar = planner.calendar(planner.account(bob, organisation), is_primary=True)
    for number, calendar in enumerate([*owned_by_account, local_calendar, shared_calendar]):
        if not calendar.is_local:
            _name_calendar(calendar, f"Calendar {number}")
        planner.fill_calendar(calendar, singles=SINGLES, series=SERIES, seed=number)
    _share_calendar(shared_calendar, alice, at)


def _name_calendar(calendar: Calendar, name: str) -> None:
    about = {"id": name, "name": name, "zone": ZONE, "colour": "#1a73e8"}
    sealer = sealing.get_sealer(holder=calendar.cache_id, epoch=calendar.integration.epoch)
    calendar.about = sealer.seal_value(Calendar, "about", row=calendar.id, data=orjson.dumps(about))
    calendar.save(update_fields=["about"])


def _share_calendar(calendar: Calendar, viewer: User, at: datetime) -> None:
    whose = {"person_id": calendar.user_id, "organisation_id": calendar.organisation_id}
    with transaction.atomic():
        version = FEATURES["calendar-sharing"].version
        consents.give(**whose, feature="calendar-sharing", version=version, at=at)
        shares.give(**whose, viewer_id=viewer.id, item=calendar.id, level=ShareLevel.DETAILS, at=at)


def _compare_inbox(html: str, threads: list[dict[str, Any]]) -> None:
    shown = re.findall(r'<a class="mail-row" href="/inbox/threads/([^/]+)/">', html)
    if shown != [one["id"] for one in threads] or len(shown) != PAGE:
        raise AssertionError("the page has other conversations than its JSON")
    if not all(one["subject"] in unescape(html) for one in threads):
        raise AssertionError("the page has other subjects than its JSON")


def _compare_week(html: str, events: list[dict[str, Any]]) -> None:
    if not events or _event_ids(html) != {one["id"] for one in events}:
        raise AssertionError("the week has other events than its JSON")


def _compare_month(html: str, events: list[dict[str, Any]]) -> None:
    # Of a full day, a month shows the first few.
    if not 0 < len(_event_ids(html)) <= len(events) or "more<span" not in html:
        raise AssertionError("the month has no full day")
    if not _event_ids(html) <= {one["id"] for one in events}:
        raise AssertionError("the month has other events than its JSON")


def _event_ids(html: str) -> set[str]:
    return set(re.findall(r'<a class="entry [^"]*" href="/calendar/events/([^/]+)/">', html))


def _getter(browser: caller.Caller, path: tuple[str, str]) -> Callable[[], object]:
    return lambda: browser.get(*path)


def _count_costs(browser: caller.Caller, path: tuple[str, str], database: Any) -> Counts:
    """Return the statements and ledger entries of one request."""
    statements: list[str] = []

    def record_statement(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    before = Leaf.objects.count()
    with database.execute_wrapper(record_statement):
        browser.get(*path)
    return Counts(len(statements), Leaf.objects.count() - before)


def _build_figures(
    pair: Pair, samples: measure.Samples, counts: dict[tuple[str, str], Counts]
) -> list[Figure]:
    page, json = ("?".join(path) for path in (pair.page, pair.json))
    clock, own = (
        {name: 1000 * measure.median(found) for name, found in seconds.items()}
        for seconds in (samples.clock, samples.processor)
    )
    return [
        figures.make_ratio_figure(
            pair.name,
            clock[page],
            "ms",
            baseline=clock[json],
            against="the API's JSON of the same rows",
            most=pair.most,
            note=f"median of {RUNS} in turn",
        ),
        figures.make_ratio_figure(
            "… in processor time",
            own[page],
            "ms",
            baseline=own[json],
            against="the same; the database and its disk are not in it",
            most=pair.most,
        ),
        figures.plain(
            "… SQL statements",
            counts[pair.page].statements,
            "",
            note=f"{counts[pair.json].statements} for its JSON",
        ),
    ]
