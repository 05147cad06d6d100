"""
Calendars that live here, for the demo: one of Alice's, one of Bob's, each shared with the other.

Made by the operations that the pages use, so what the demo shows is what anybody would have.
"""

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
from integrations.calendar.local_calendars import About
from integrations.calendar.local_event_types import Kept, Write
from integrations.formats.event import EventContent, When
from integrations.formats.recurrence.series_edits import Whole
from limited_use.models.shares import ShareLevel
from limited_use.policy.features import FEATURES

_BERLIN: Final = "Europe/Berlin"


def seed(people: Sequence[DemoPerson], *, at: datetime) -> None:
    """
    Make both calendars, with events around `at`, and share them.

    :param people: Alice and Bob first, as `accounts.demo_people` has them
    """
    alice, bob, *_ = people
    monday = _monday(at)
    club = [
        _event("Run by the canal", monday, day=3, clock="18:30", repeats="RRULE:FREQ=WEEKLY"),
        _days("Half marathon", monday, day=12),
    ]
    plans = [
        _event("Focus", monday, day=1, clock="09:00", hours=2, repeats="RRULE:FREQ=WEEKLY"),
        _event("Dentist", monday, day=2, clock="08:00", is_private=True),
        _event("Lunch with Alice", monday, day=3, clock="12:30"),
    ]
    _make(alice, About("Running club", _BERLIN, "#0b8043"), club, bob, at)
    _make(bob, About("Bob's plans", _BERLIN, "#8e24aa"), plans, alice, at)


def _make(
    whose: DemoPerson,
    about: About,
    events: Sequence[EventContent],
    viewer: DemoPerson,
    at: datetime,
) -> None:
    actor = _actor(whose)
    put = [Kept(uid=f"{number}@demo", whole=Whole(one, {})) for number, one in enumerate(events)]
    with row_owner.acting_for(whose.user.id, whose.organisation.id):
        version = FEATURES[local_calendars.FEATURE].version
        calendar_id = local_calendars.create(actor=actor, about=about, version=version, at=at)
        local_events.keep(actor=actor, writes={calendar_id: Write(put=put)}, at=at)
        sharing.share(
            actor=actor,
            calendar_id=calendar_id,
            email=viewer.user.email,
            level=ShareLevel.DETAILS,
            version=FEATURES[sharing.FEATURE].version,
            at=at,
        )


def _actor(whose: DemoPerson) -> Actor:
    mine = Membership.objects.get(user=whose.user, organisation=whose.organisation)
    return Actor(
        kind=ActorKind.PERSON,
        id=whose.user.id,
        user_id=whose.user.id,
        organisation_id=whose.organisation.id,
        membership_id=mine.id,
        membership_epoch=mine.epoch,
    )


def _monday(at: datetime) -> datetime:
    clock = at.astimezone(ZoneInfo(_BERLIN))
    return datetime.combine(clock.date() - timedelta(days=clock.weekday()), time(), clock.tzinfo)


def _event(  # noqa: PLR0913 - one event in full
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


def _days(title: str, monday: datetime, *, day: int) -> EventContent:
    first = (monday + timedelta(days=day)).date()
    return EventContent(title=title, start=When(day=first), end=When(day=first + timedelta(days=1)))
