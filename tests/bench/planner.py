"""
Calendars of a provider's, as a sync leaves them: really sealed, by the service's own writer.

What is in them is made from numbers. `keep` says once more, in plain, what was sealed.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Organisation, User
from integrations.access import key_holders
from integrations.calendar import event_codec
from integrations.calendar.sync import event_descriptions, event_store
from integrations.calendar.sync.event_descriptions import SafeDescriptions
from integrations.formats.event_content import Attendee, EventContent, When
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.models import Calendar, Integration
from integrations.models.calendar import DAYS_AHEAD, DAYS_BACK
from integrations.providers.calendars import CancelledInstance, RemoteEvent, RemoteEventPage
from limited_use.ledger import ledger_key_lifecycle
from limited_use.vault import sealing
from tests.bench.mailbox import WORDS
from tests.factories import make_connection, make_consent, make_integration

ZONES: Final = ("Europe/Berlin", "Europe/Berlin", "America/New_York", "UTC")
# As people have them: most of each week, some of working days, some by the month.
RULES: Final = (
    "RRULE:FREQ=WEEKLY;BYDAY={day}",
    "RRULE:FREQ=WEEKLY;BYDAY={day}",
    "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY={day}",
    "RRULE:FREQ=WEEKLY;BYDAY={day};COUNT=60",
    "RRULE:FREQ=MONTHLY;BYDAY=2{day}",
    "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20991231T000000Z",
)
DAYS: Final = ("MO", "TU", "WE", "TH", "FR")
# A quarter of what is written about events is HTML.
HTML: Final = 4


class Plain(NamedTuple):
    """One row in plain: what finds it, and the records that were sealed of it."""

    id: UUID
    calendar_id: UUID
    kind: str
    event_id: str
    series_id: str
    first_week: int
    last_week: int | None
    is_busy: bool
    is_private: bool
    timing: str
    content: str | None
    etag: str
    user_id: UUID
    organisation_id: UUID
    remote: str | None


Keep = Callable[[list[Plain]], object]


def account(user: User, organisation: Organisation) -> Integration:
    """Return an account whose calendars are connected, and that its owner agreed to be shown."""
    connection = make_connection(user, organisation, subject=uuid7().hex)
    with transaction.atomic():
        ledger_key_lifecycle.create_ledger_key(holder=connection.id, at=timezone.now())
        integration = make_integration(connection, product="calendar", consent=False)
    make_consent(connection, "calendar")
    return integration


def calendar(integration: Integration, *, is_primary: bool = False) -> Calendar:
    """Return a calendar whose copy is complete, and was looked at just now."""
    at = timezone.now()
    connection = integration.connection
    made = Calendar(
        id=uuid7(),
        integration=integration,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        role="owner",
        is_primary=is_primary,
        added_at=at,
        # Not written down again while the benchmark looks.
        asked_at=at + timedelta(days=1),
        listed_at=at,
        cached_at=at,
        cached_from=at - timedelta(days=DAYS_BACK),
        cached_until=at + timedelta(days=DAYS_AHEAD),
    )
    own = sealing.get_sealer(holder=integration.id, epoch=integration.epoch)
    made.remote_blind = own.compute_blind("calendar", str(made.id))
    with transaction.atomic():
        key_holders.ensure_cache_key(made, epoch=integration.epoch, at=at)
        made.save(force_insert=True)
    return made


def fill_calendar(
    made: Calendar, *, singles: int, series: int, seed: int, keep: Keep | None = None
) -> None:
    """
    Write events to a calendar: single ones over all that a copy reaches, and series.

    Of every fifth series one occurrence was moved, and of another fifth one is cancelled.

    :param keep: is given the rows in plain
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable
    events = [*_singles(singles, rng), *_series(series, rng)]
    cancelled = [
        CancelledInstance(
            f"{one.event_id}_off", one.event_id, _find_next_occurrence(one.content.start)
        )
        for one in events[singles::5]
    ]
    events += [_make_moved_occurrence(one) for one in events[singles + 1 :: 5]]
    page = RemoteEventPage(tuple(events), tuple(cancelled), (), {}, None, None)
    epoch = made.integration.epoch
    sealer = sealing.get_sealer(holder=made.cache_id, epoch=epoch)
    descriptions = event_descriptions.sanitize_descriptions(events)
    batch = event_store.prepare_local_batch(
        page,
        calendar=made,
        sealer=sealer,
        work=RecurrenceWorkBudget(10_000_000),
        descriptions=descriptions,
    )
    with transaction.atomic():
        event_store.write_event_batch(batch, at=timezone.now())
    if keep is not None:
        keep(list(_plain(made, batch, events, cancelled, descriptions)))


def _singles(count: int, rng: random.Random) -> Iterator[RemoteEvent]:
    for number in range(count):
        day = rng.randrange(-DAYS_BACK, DAYS_AHEAD)
        content = (
            _all_day(number, day) if number % 20 == 0 else _make_timed_content(number, day, rng)
        )
        yield _event(f"single{number:05d}", content)


def _series(count: int, rng: random.Random) -> Iterator[RemoteEvent]:
    for number in range(count):
        # Each begins on a day that its rule has: where it does not, libraries count differently.
        day = next(
            -ago for ago in itertools.count(rng.randrange(7, 400)) if _weekday(-ago) < len(DAYS)
        )
        start = _make_timed_content(number, day, rng)
        rule = RULES[number % len(RULES)].format(day=DAYS[_weekday(day)])
        yield _event(f"series{number:05d}", start, recurrence=(rule,))


def _event(
    event_id: str, content: EventContent, *, recurrence: tuple[str, ...] = ()
) -> RemoteEvent:
    return RemoteEvent(
        event_id=event_id,
        etag=f'"{event_id}"',
        ical_uid=f"{event_id}@calendar.example",
        sequence=0,
        content=replace(content, recurrence=recurrence),
        organizer="alice@mail.example",
    )


def _make_timed_content(number: int, day: int, rng: random.Random) -> EventContent:
    at = _midnight(day) + timedelta(minutes=15 * rng.randrange(24, 80))
    zone = ZONES[number % len(ZONES)]
    said = " ".join(rng.choices(WORDS, k=30))
    return EventContent(
        title=f"Event {number}: {' '.join(rng.choices(WORDS, k=3))}",
        description=f"<p>{said}</p><ul><li>{said[:40]}</li></ul>" if number % HTML == 0 else said,
        location=f"Room {number % 17}",
        start=When(at=at, zone=zone),
        end=When(at=at + timedelta(minutes=rng.choice((30, 45, 60, 90))), zone=zone),
        attendees=tuple(
            Attendee(f"guest-{number % 50 + each}@firma.example", f"Guest {each}", "accepted")
            for each in range(3)
        ),
    )


def _all_day(number: int, day: int) -> EventContent:
    first = _midnight(day).date()
    end = first + timedelta(days=1 + number % 3)
    return EventContent(title=f"Event {number}: away", start=When(day=first), end=When(day=end))


def _weekday(day: int) -> int:
    return _midnight(day).weekday()


def _midnight(day: int) -> datetime:
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=day)


def _find_next_occurrence(begun: When) -> When:
    """Return when a series that is not by the month happens next, in four weeks at most."""
    if begun.at is None:
        raise TypeError("series are of moments here")
    place = ZoneInfo(begun.zone)
    clock = begun.at.astimezone(place)
    while clock < timezone.now():
        # On the clock of its zone, whatever that does meanwhile.
        clock += timedelta(days=28)
    return When(at=clock.astimezone(UTC), zone=begun.zone)


def _make_moved_occurrence(one: RemoteEvent) -> RemoteEvent:
    """Return an occurrence of a series that is to come, put two days later."""
    begun, ended, start = (
        one.content.start,
        one.content.end,
        _find_next_occurrence(one.content.start),
    )
    if begun.at is None or ended.at is None or start.at is None:
        raise TypeError("series are of moments here")
    at = start.at + timedelta(days=2)
    content = replace(
        one.content,
        title=f"{one.content.title}, moved",
        start=When(at=at, zone=begun.zone),
        end=When(at=at + (ended.at - begun.at), zone=ended.zone),
        recurrence=(),
    )
    return replace(
        one,
        event_id=f"{one.event_id}_moved",
        etag=f'"{one.event_id}_moved"',
        content=content,
        series_id=one.event_id,
        original_start=start,
    )


def _plain(
    made: Calendar,
    batch: event_store.EventBatch,
    events: Sequence[RemoteEvent],
    cancelled: Sequence[CancelledInstance],
    descriptions: SafeDescriptions,
) -> Iterator[Plain]:
    for row, one in zip(batch.rows, [*events, *cancelled], strict=True):
        row_id, kind, _, _, first, last, is_busy, is_private, *_ = row
        found = (first, last, is_busy, is_private)
        if isinstance(one, RemoteEvent):
            timing = event_codec.encode_timing(one.content, original=one.original_start)
            shown = descriptions.get_description(one)
            content = event_codec.encode_content(
                one.content, remote=one, description=shown
            ).decode()
            etag, remote = one.etag, event_codec.encode_remote(one).decode()
        else:
            timing, content = event_codec.encode_cancelled(one.original_start), None
            etag, remote = "", None
        names, owner = (one.event_id, one.series_id), (made.user_id, made.organisation_id)
        sealed = (timing.decode(), content, etag)
        yield Plain(row_id, made.id, kind, *names, *found, *sealed, *owner, remote)
