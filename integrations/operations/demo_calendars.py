"""Two local calendars for the demo, created by the operations of the pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from accounts import row_owner
from accounts.actors import Actor, ActorKind
from accounts.demo_people import DemoPerson
from accounts.models import Membership
from integrations.calendar import local_calendars, local_events, sharing
from integrations.calendar.local_calendars import LocalCalendarProperties
from integrations.calendar.local_event_types import CalendarWrite, LocalEventInput
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence.series_edits import SeriesWithExceptions
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES

_BERLIN: Final = "Europe/Berlin"


def seed_calendars(people: Sequence[DemoPerson], *, at: datetime) -> None:
    """:param people: Alice and Bob first"""
    alice, bob, *_ = people
    monday = _get_monday(at)
    club = [
        _build_event("Run by the canal", monday, day=3, clock="18:30", repeats="RRULE:FREQ=WEEKLY"),
        _build_day_event("Half marathon", monday, day=12),
    ]
    plans = [
        _build_event("Focus", monday, day=1, clock="09:00", hours=2, repeats="RRULE:FREQ=WEEKLY"),
        _build_event("Dentist", monday, day=2, clock="08:00", is_private=True),
        _build_event("Team lunch, noodles", monday, day=3, clock="12:30"),
    ]
    _create_calendar(
        alice, LocalCalendarProperties("Running club", _BERLIN, "#0b8043"), club, bob, at
    )
    _create_calendar(
        bob, LocalCalendarProperties("Bob's plans", _BERLIN, "#8e24aa"), plans, alice, at
    )


def _create_calendar(
    owner: DemoPerson,
    about: LocalCalendarProperties,
    events: Sequence[EventContent],
    viewer: DemoPerson,
    at: datetime,
) -> None:
    actor = _get_actor(owner)
    put = [
        LocalEventInput(uid=f"{number}@demo", series=SeriesWithExceptions(content, {}))
        for number, content in enumerate(events)
    ]
    with row_owner.acting_for(owner.user.id, owner.organisation.id):
        version = FEATURES[local_calendars.FEATURE].version
        calendar_id = local_calendars.create_local_calendar(
            actor=actor, properties=about, version=version, at=at
        )
        local_events.write_local_events(
            actor=actor, writes={calendar_id: CalendarWrite(put=put)}, at=at
        )
        sharing.share_calendar(
            actor=actor,
            calendar_id=calendar_id,
            email=viewer.user.email,
            level=ShareLevel.DETAILS,
            version=FEATURES[sharing.FEATURE].version,
            at=at,
        )


def _get_actor(person: DemoPerson) -> Actor:
    membership = Membership.objects.get(user=person.user, organisation=person.organisation)
    return Actor(
        kind=ActorKind.PERSON,
        id=person.user.id,
        user_id=person.user.id,
        organisation_id=person.organisation.id,
        membership_id=membership.id,
        membership_epoch=membership.epoch,
    )


def _get_monday(at: datetime) -> datetime:
    local_time = at.astimezone(ZoneInfo(_BERLIN))
    return datetime.combine(
        local_time.date() - timedelta(days=local_time.weekday()), time(), local_time.tzinfo
    )


def _build_event(  # noqa: PLR0913 - one event in full
    title: str,
    monday: datetime,
    *,
    day: int,
    clock: str,
    hours: int = 1,
    repeats: str = "",
    is_private: bool = False,
) -> EventContent:
    date = (monday + timedelta(days=day)).date()
    start = datetime.combine(date, time.fromisoformat(clock), monday.tzinfo)
    return EventContent(
        title=title,
        start=When(at=start, zone=_BERLIN),
        end=When(at=start + timedelta(hours=hours), zone=_BERLIN),
        recurrence=(repeats,) if repeats else (),
        is_private=is_private,
    )


def _build_day_event(title: str, monday: datetime, *, day: int) -> EventContent:
    first = (monday + timedelta(days=day)).date()
    return EventContent(title=title, start=When(day=first), end=When(day=first + timedelta(days=1)))
