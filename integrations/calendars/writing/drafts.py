"""What somebody wants an event to be, or to be different of one. Pure; checked by `checking`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypedDict

from integrations import zones
from integrations.almanac.series import BadEvent
from integrations.almanac.series import checked as times_of
from integrations.event_shapes import Attendee, EventContent, Reminder, When

from .checking import NO_SUCH_ZONE, BadDraft, checked


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who is to be invited."""

    email: str
    name: str = ""
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """
    All of a new event.

    The end of an event of days is the day after its last. `recurrence` are lines of RFC 5545, none
    for a single event; `reminders`: None for the calendar's own.
    """

    title: str = ""
    description: str = ""
    location: str = ""
    start: When
    end: When
    recurrence: tuple[str, ...] = ()
    attendees: tuple[Guest, ...] = ()
    is_busy: bool = True
    is_private: bool = False
    reminders: tuple[Reminder, ...] | None = None


class Edit(TypedDict, total=False):
    """What is to be different of an event; what is not in it stays. See `Draft`."""

    title: str
    description: str
    location: str
    start: When
    end: When
    recurrence: tuple[str, ...]
    attendees: tuple[Guest, ...]
    is_busy: bool
    is_private: bool
    reminders: tuple[Reminder, ...] | None


def moment(clock: datetime, zone: str, *, field: str = "start") -> When:
    """
    Return the moment when clocks of `zone` show `clock`, a time without an offset.

    :raises BadDraft: at `field`, if they never do; at `zone`, if there is no such zone
    """
    try:
        place = zones.zone(zones.iana(zone))
    except zones.UnknownZone:
        raise BadDraft({"zone": NO_SUCH_ZONE}) from None
    try:
        return When(at=zones.exactly_at(clock, place), zone=place.key)
    except zones.NonexistentTime:
        said = "No clock shows that time there: clocks are put forward over it. Choose another."
    except OverflowError:
        said = "That time lies outside of all calendars."
    raise BadDraft({field: said})


def day(found: date) -> When:
    return When(day=found)


def content(draft: Draft) -> EventContent:
    """
    Return what is to be written.

    :raises BadDraft: if it cannot be an event
    """
    made = EventContent(
        title=draft.title,
        description=draft.description,
        location=draft.location,
        start=draft.start,
        end=draft.end,
        recurrence=draft.recurrence,
        attendees=tuple(
            Attendee(one.email, one.name, is_optional=one.is_optional) for one in draft.attendees
        ),
        is_busy=draft.is_busy,
        is_private=draft.is_private,
        reminders=draft.reminders,
    )
    return checked(made, frozenset(Edit.__optional_keys__))


def edited(before: EventContent, edit: Edit) -> EventContent:
    """
    Return an event with what is to be different of it.

    Of guests who stay, what they answered stays; whoever organises it stays among them. If only
    the start is given, it takes as long as before.

    :raises BadDraft: if that cannot be an event
    """
    if not edit:
        return before
    made = before
    if "start" in edit and "end" not in edit:
        made = _shifted(made, edit["start"])
    fields = {name: value for name, value in edit.items() if name != "attendees"}
    made = replace(made, **fields)  # type: ignore[arg-type]
    if "attendees" in edit:
        made = replace(made, attendees=_guests(before, edit["attendees"]))
    return checked(made, frozenset(edit))


def _shifted(before: EventContent, start: When) -> EventContent:
    try:
        begins, ends = times_of(before)
        if start.day is not None and before.start.day is not None:
            return replace(before, end=When(day=start.day + (ends - begins)))
        if start.at is not None and before.start.at is not None:
            return replace(before, end=When(at=start.at + (ends - begins), zone=start.zone))
    except (BadEvent, OverflowError):
        pass
    raise BadDraft({"end": "Say when it ends as well."})


def _guests(before: EventContent, wanted: tuple[Guest, ...]) -> tuple[Attendee, ...]:
    there = {one.email.lower(): one for one in before.attendees}
    asked = {one.email.lower(): one for one in wanted}
    kept = [one for one in before.attendees if one.is_organizer and one.email.lower() not in asked]
    for name, one in asked.items():
        held = there.get(name)
        kept.append(
            _invited(one)
            if held is None
            else replace(held, name=one.name or held.name, is_optional=one.is_optional)
        )
    return tuple(kept)


def _invited(one: Guest) -> Attendee:
    return Attendee(one.email, one.name, is_optional=one.is_optional)
