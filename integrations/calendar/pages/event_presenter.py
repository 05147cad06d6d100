"""From the opened rows of one event to what its page says. Called inside the sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson

from integrations.calendar import (
    event_codec,
    event_descriptions,
    event_json,
    event_lookup,
    occurrences,
)
from integrations.calendar.event_lookup import EventId
from integrations.calendar.occurrences import Happening
from integrations.calendar.page_queries import OneEvent
from integrations.formats.event import Attendee, EventContent
from integrations.formats.recurrence import rrule_text
from integrations.formats.recurrence.expansion import Occurrence
from integrations.models import EventKind
from integrations.providers import PROVIDERS
from limited_use.sinks.calendar import Opened, Shown
from limited_use.sinks.rows import Permits
from limited_use.vault.envelope import Damaged

from . import display_timezone, time_text, writable_calendars

# How tall the frame of a description begins, by its characters: the classes of mail's.
_HEIGHTS: Final = ((400, "short"), (1200, "middling"), (3000, "long"))
_ANSWERS: Final[Mapping[str, str]] = {
    "accepted": "comes",
    "declined": "does not come",
    "tentative": "comes maybe",
    "needs_action": "has not answered",
}
_MINE: Final[Mapping[str, str]] = {
    "accepted": "You said that you come.",
    "declined": "You said that you do not come.",
    "tentative": "You said that you may come.",
    "needs_action": "You have not answered yet.",
}
# Templates cannot ask what is held whether there is any of it.
_MAY_BE_MISSING: Final = (
    "repeats",
    "title",
    "place",
    "place_link",
    "own_when",
    "guests",
    "mine",
    "organizer",
)
Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see. `zone`: None is that of their first calendar."""

    name: EventId
    zone: str | None


def told(look: OneEvent, wish: Wish) -> Callable[[Opened], Sequence[Shown]]:
    """Return how a sink makes the page of one event; it makes nothing if there is no such one."""

    def make(opened: Opened) -> Sequence[Shown]:
        events = opened[len(look.found) :]
        told_of = about(look, opened)
        place = display_timezone.of(wish.zone, look.found, told_of)
        one = happening(events, wish.name)
        if one is None:
            return []
        called = next(
            words for seen, words in zip(look.found, told_of, strict=True) if seen is look.seen
        )
        shown = _shown(one, events, place, called.get("name", ""), look)
        # The version that they see, as the API tells it.
        seen = event_lookup.shown(events, name=wish.name, permits=look.permits) or {}
        version = seen.get("etag") or ""
        is_one = wish.name.original is not None
        clear = {**shown.clear, "is_one_of_many": is_one}
        return [Shown(clear, {**shown.opened, "version": version})]

    return make


def about(look: OneEvent, opened: Opened) -> list[Shape]:
    """Return what each calendar is called, in the order of `look.found`; {} where nobody knows."""
    names = opened[: len(look.found)]
    return [orjson.loads(values["about"]) if "about" in values else {} for _, values in names]


def happening(opened: Opened, name: EventId) -> Happening | None:
    """
    Return what `name` is: an occurrence, a single event, or a series by its first time.

    :raises Damaged: if it does not open
    """
    if name.original is not None:
        return occurrences.occurrence(opened, name.row, name.original)
    for row, values in opened:
        if row.id != name.row or row.kind == EventKind.CANCELLED:
            continue
        if not values:
            raise Damaged
        if row.kind == EventKind.CHANGED:
            return occurrences.changed(opened, row, values)
        content = occurrences.content_of(row, values)
        is_series = row.kind == EventKind.SERIES
        return Happening(
            row,
            values,
            Occurrence(content.start, content.end, content),
            row if is_series else None,
        )
    return None


def described(name: EventId, permits: Permits) -> Callable[[Opened], bytes]:
    """
    Return how a sink makes the document of what is written in an event; nothing of nothing.

    :param permits: by which the sink opens its rows
    """

    def make(opened: Opened) -> bytes:
        one = happening(opened, name)
        if one is None or "content" not in one.opened:
            return b""
        [current] = event_descriptions.update_happenings([one], permits)
        return event_descriptions.document(orjson.loads(current.opened["content"])).encode()

    return make


def _shown(one: Happening, events: Opened, place: ZoneInfo, calendar: str, look: OneEvent) -> Shown:
    content, row = one.occurrence.content, one.row
    knows = "content" in one.opened
    clear = {
        "knows": knows,
        "calendar_id": look.seen.calendar.id,
        "is_own": look.seen.share is None,
        "is_local": look.seen.calendar.is_local,
        "is_busy_only": not look.seen.shows_details,
        "is_private": row.is_private,
        "is_free": not row.is_busy,
        "is_tentative": content.is_tentative,
        "is_changed": one.master is not None and one.master.id != row.id,
        "is_series": one.master is not None,
        "may_change": writable_calendars.is_open(look.seen),
        "may_move": bool(writable_calendars.others(look.seen, look.found)),
        "is_copied": _moves_by_copy(look),
        "has_calendar": bool(calendar),
    }
    opened: Shape = {
        "id": event_json.occurrence_id(one),
        **time_text.times(one.occurrence, place),
        "repeats": _repeats(one, events),
        "calendar": calendar,
        "sharer": look.sharer,
    }
    if knows:
        opened |= _details(content, one.opened["content"])
    for name in _MAY_BE_MISSING:
        clear[f"has_{name}"] = bool(opened.get(name))
    clear["is_online"] = knows and event_codec.conference_of(_record(one)) is not None
    clear["has_description"] = knows and bool(content.description.strip())
    clear["frame"] = _height(content.description)
    return Shown(clear, opened)


def _moves_by_copy(look: OneEvent) -> bool:
    if look.seen.calendar.is_local:
        return False
    return PROVIDERS[look.seen.calendar.integration.connection.provider].moves_by_copy


def _record(one: Happening) -> Shape:
    found: Shape = orjson.loads(one.opened["content"])
    return found


def _details(content: EventContent, data: bytes) -> Shape:
    record = orjson.loads(data)
    conference = event_codec.conference_of(record)
    mine = next((who.response for who in content.attendees if who.is_self), None)
    link = conference.uri if conference is not None else ""
    return {
        "title": content.title,
        "place": content.location,
        "place_link": content.location.strip() if _leads_out(content.location) else "",
        "organizer": record.get("organizer", ""),
        "guests": [_guest(who) for who in content.attendees],
        "has_more_guests": bool(record.get("has_more_attendees")),
        "mine": _MINE[mine] if mine is not None else "",
        "meeting": {
            "has_link": _leads_out(link),
            "has_words": bool(link),
            "words": link,
            "is_pending": conference is not None and conference.state == "pending",
            "is_failed": conference is not None and conference.state == "failed",
        },
        "reminders": time_text.reminders(content.reminders),
    }


def _guest(who: Attendee) -> Shape:
    flags = {
        "organises": who.is_organizer,
        "you": who.is_self,
        "optional": who.is_optional,
        "a room or a thing": who.is_resource,
    }
    return {
        "name": who.name or who.email,
        "email": who.email if who.name else "",
        "has_email": bool(who.name and who.email),
        "answer": _ANSWERS[who.response],
        "tone": {"accepted": "good", "declined": "bad", "tentative": "warn"}.get(who.response, ""),
        "notes": ", ".join(name for name, is_so in flags.items() if is_so),
        "has_notes": any(flags.values()),
    }


def _repeats(one: Happening, events: Opened) -> str:
    if one.master is None:
        return ""
    for row, values in events:
        if row.id == one.master.id and values:
            series = occurrences.content_of(row, values)
            return rrule_text.words(series.recurrence, series.start)
    return ""


def _leads_out(address: str) -> bool:
    """Return whether it is a web address and nothing else."""
    if any(one.isspace() for one in address.strip()):
        return False
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.netloc)


def _height(text: str) -> str:
    return next((name for most, name in _HEIGHTS if len(text) <= most), "tall")
