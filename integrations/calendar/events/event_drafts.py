from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, TypedDict
from uuid import UUID

from integrations.calendar.messages import event_fields as messages
from integrations.formats import timezones
from integrations.formats.event_content import Attendee, EventContent, Reminder, When
from integrations.formats.recurrence.series import BadEventTimes
from integrations.formats.recurrence.series import validate_times as times_of

from .event_validation import BadEventDraft, validate_event

# How many ids the following part of one edit has: how often it may be deleted and created again.
_MAX_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class DraftGuest:
    email: str
    name: str = ""
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """
    An all-day event ends on the day after its last. `recurrence` has lines of RFC 5545;
    `reminders` None: the calendar's default.
    """

    title: str = ""
    description: str = ""
    location: str = ""
    start: When
    end: When
    recurrence: tuple[str, ...] = ()
    attendees: tuple[DraftGuest, ...] = ()
    is_busy: bool = True
    is_private: bool = False
    reminders: tuple[Reminder, ...] | None = None


class EventEdit(TypedDict, total=False):
    """The fields of an event to change. See `EventDraft`."""

    title: str
    description: str
    location: str
    start: When
    end: When
    recurrence: tuple[str, ...]
    attendees: tuple[DraftGuest, ...]
    is_busy: bool
    is_private: bool
    reminders: tuple[Reminder, ...] | None


def resolve_clock_time(clock: datetime, zone: str, *, field: str = "start") -> When:
    """
    Return the moment at which a clock in `zone` shows `clock`, a naive time.

    :raises BadEventDraft: at `field`, if clocks never show it; at `zone`, if unknown
    """
    try:
        timezone = timezones.get_zone(timezones.get_iana_name(zone))
    except timezones.UnknownZone:
        raise BadEventDraft({"zone": messages.UNKNOWN_ZONE}) from None
    try:
        return When(at=timezones.to_utc_strict(clock, timezone), zone=timezone.key)
    except timezones.NonexistentTime:
        reason = messages.TIME_SKIPPED
    except OverflowError:
        reason = messages.TIME_OUT_OF_RANGE
    raise BadEventDraft({field: reason})


def parse_event_day(value: date) -> When:
    return When(day=value)


def client_event_id(user_id: UUID, calendar_id: UUID, key: str) -> str:
    """Return the same id for each try; only with characters that Google accepts (base32hex)."""
    text = f"{user_id}\0{calendar_id}\0{key}"
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def following_event_ids(
    user_id: UUID, calendar_id: UUID, row_id: UUID, original: date | None, etag: str
) -> tuple[str, ...]:
    """
    Return ids for the series that an edit of "this and following" creates, the same for each try.

    The id of a deleted event cannot be reused: the next try takes the next id.
    """
    edit = f"{row_id} {original} {etag}"
    return tuple(
        client_event_id(user_id, calendar_id, f"{edit} {count}" if count else edit)
        for count in range(_MAX_TRIES)
    )


def to_event_content(draft: EventDraft) -> EventContent:
    """:raises BadEventDraft:"""
    content = EventContent(
        title=draft.title,
        description=draft.description,
        location=draft.location,
        start=draft.start,
        end=draft.end,
        recurrence=draft.recurrence,
        attendees=tuple(_to_attendee(guest) for guest in draft.attendees),
        is_busy=draft.is_busy,
        is_private=draft.is_private,
        reminders=draft.reminders,
    )
    return validate_event(content, frozenset(EventEdit.__optional_keys__))


def apply_event_edit(before: EventContent, edit: EventEdit) -> EventContent:
    """
    Remaining guests keep their answers, and the organizer stays a guest. Without a new end, the
    duration stays.

    :raises BadEventDraft:
    """
    if not edit:
        return before
    content = before
    if "start" in edit and "end" not in edit:
        content = _keep_duration(content, edit["start"])
    fields = {name: value for name, value in edit.items() if name != "attendees"}
    content = replace(content, **fields)  # type: ignore[arg-type]
    if "attendees" in edit:
        content = replace(content, attendees=_merge_guests(before, edit["attendees"]))
    return validate_event(content, frozenset(edit))


def _keep_duration(before: EventContent, start: When) -> EventContent:
    try:
        old_start, old_end = times_of(before)
        if start.day is not None and before.start.day is not None:
            return replace(before, end=When(day=start.day + (old_end - old_start)))
        if start.at is not None and before.start.at is not None:
            return replace(before, end=When(at=start.at + (old_end - old_start), zone=start.zone))
    except (BadEventTimes, OverflowError):
        pass
    raise BadEventDraft({"end": messages.END_MISSING})


def _merge_guests(
    before: EventContent, edited_guests: tuple[DraftGuest, ...]
) -> tuple[Attendee, ...]:
    known = {attendee.email.lower(): attendee for attendee in before.attendees}
    guests = {guest.email.lower(): guest for guest in edited_guests}
    merged = [
        attendee
        for attendee in before.attendees
        if attendee.is_organizer and attendee.email.lower() not in guests
    ]
    for address, guest in guests.items():
        attendee = known.get(address)
        merged.append(
            _to_attendee(guest)
            if attendee is None
            else replace(attendee, name=guest.name or attendee.name, is_optional=guest.is_optional)
        )
    return tuple(merged)


def _to_attendee(guest: DraftGuest) -> Attendee:
    return Attendee(guest.email, guest.name, is_optional=guest.is_optional)
