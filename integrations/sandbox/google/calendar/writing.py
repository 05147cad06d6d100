"""events.insert, import, update, patch, delete and move."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import Calendar, Seen, new_event_id
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.google import problems
from integrations.sandbox.google.calendar import conferences
from integrations.sandbox.google.calendar.ask import Ask
from integrations.sandbox.google.calendar.reading import event_of, show

_ID = re.compile(r"[a-v0-9]{5,1024}")
_LARGEST_DESCRIPTION = 8192
_ANSWERS = frozenset({"needsAction", "declined", "tentative", "accepted"})
# Google's to write; what a caller sends of them is passed over.
READ_ONLY = ("kind", "etag", "created", "updated", "creator", "htmlLink", "recurringEventId",
             "originalStartTime", "hangoutLink", "locked")  # fmt: skip
# Whoever was invited changes their own copy only.
_IDENTITY = frozenset({*READ_ONLY, "id", "iCalUID", "sequence", "organizer"})
_OWN_COPY = frozenset({"attendees", "reminders", "colorId", "transparency", "visibility", "status"})


def insert(ask: Ask) -> dict[str, Any]:
    seen = ask.seen("writer")
    body = _body(ask)
    event_id = body.get("id") or new_event_id()
    if not _ID.fullmatch(str(event_id)):
        raise problems.bad_value("Invalid resource id value.")
    if event_id in seen.calendar.events:
        raise problems.duplicate()
    made = _fresh(ask, body, str(event_id))
    _check(made, seen.calendar)
    conferences.ask_for(ask, made, body)
    return _written(ask, seen, made)


def import_(ask: Ask) -> dict[str, Any]:
    """A private copy of an event that lives elsewhere, named by its iCalUID."""
    seen = ask.seen("writer")
    body = _body(ask)
    uid = body.get("iCalUID")
    if not uid:
        raise problems.bad_value("Missing iCal UID.", "required")
    known = next((e for e in seen.calendar.events.values() if e.get("iCalUID") == uid), None)
    made = _fresh(ask, body, known["id"] if known else new_event_id())
    _check(made, seen.calendar)
    return _written(ask, seen, made)


def update(ask: Ask) -> dict[str, Any]:
    return _change(ask, whole=True)


def patch(ask: Ask) -> dict[str, Any]:
    return _change(ask, whole=False)


def _change(ask: Ask, *, whole: bool) -> dict[str, Any]:
    seen = ask.seen("writer")
    current = _current(ask, seen.calendar)
    body = _body(ask)
    changed = {n for n in body if body[n] != current.get(n)} - _OWN_COPY - _IDENTITY
    if changed and not current.get("organizer", {}).get("self"):
        raise problems.not_organizer()
    kept = {n: v for n, v in current.items() if n in (*READ_ONLY, *_KEPT)} if whole else current
    made = kept | {n: v for n, v in body.items() if n not in READ_ONLY and n != "id"}
    made = {name: value for name, value in made.items() if value is not None}
    if not whole:
        made |= {name: _merged(current, body, name) for name in ("start", "end") if name in body}
    made["id"] = current["id"]
    made.setdefault("status", "confirmed")
    _people(ask, made)
    _check(made, seen.calendar)
    if any(made.get(name) != current.get(name) for name in ("start", "end", "recurrence")):
        made["sequence"] = int(current.get("sequence", 0)) + 1
    conferences.ask_for(ask, made, body, current)
    return _written(ask, seen, made)


def _merged(current: Event, body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Patch what is nested: null takes away, and what is not said stays."""
    both = {**current.get(name, {}), **(body[name] or {})}
    return {key: value for key, value in both.items() if value is not None}


_KEPT = ("id", "iCalUID", "organizer", "sequence", "eventType", "status", "reminders")


def delete(ask: Ask) -> None:
    seen = ask.seen("writer")
    current = event_of(ask, seen.calendar)
    if current["status"] == "cancelled":
        raise problems.deleted()
    _if_match(ask, seen.calendar, current)
    seen.calendar.cancel(current)
    _tell(ask, current)


def move(ask: Ask) -> dict[str, Any]:
    seen, target = ask.seen("writer"), ask.seen("writer", ask.text("destination"))
    current = _current(ask, seen.calendar)
    if "recurringEventId" in current:
        raise problems.bad_value("An instance cannot be moved.", "cannotMoveInstance")
    below = seen.calendar.exceptions(current["id"])
    moved = dict(current)
    seen.calendar.cancel(current)
    for one in below.values():
        target.calendar.put(dict(one))
    moved["organizer"] = _organizer(target)
    return _written(ask, target, moved)


def _current(ask: Ask, calendar: Calendar) -> Event:
    """:raises Problem: 404, 412, or 403 for one that is gone"""
    current = event_of(ask, calendar)
    _if_match(ask, calendar, current)
    return current


def _if_match(ask: Ask, calendar: Calendar, event: Event) -> None:
    wanted = ask.call.headers.get("if-match", "")
    if wanted and wanted not in ("*", calendar.etag(event["id"])):
        raise problems.condition_not_met()


def _body(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    if len(str(body.get("description") or "")) > _LARGEST_DESCRIPTION:
        raise problems.bad_value("The description is too long.")
    return body


def _fresh(ask: Ask, body: dict[str, Any], event_id: str) -> Event:
    made = {n: v for n, v in body.items() if n not in READ_ONLY and v is not None}
    seen = ask.seen()
    made |= {
        "id": event_id,
        "status": made.get("status", "confirmed"),
        "htmlLink": f"{ask.world.url}/calendar/event?eid={event_id}",
        "creator": {"email": ask.person.email, "self": True},
        "organizer": body.get("organizer") or _organizer(seen),
        "iCalUID": made.get("iCalUID") or f"{event_id}@google.com",
        "sequence": made.get("sequence", 0),
        "eventType": made.get("eventType", "default"),
        "reminders": made.get("reminders", {"useDefault": True}),
    }
    _people(ask, made)
    return made


def _organizer(seen: Seen) -> dict[str, Any]:
    calendar = seen.calendar
    if seen.primary:
        return {"email": calendar.owner, "self": True}
    return {"email": calendar.id, "displayName": calendar.summary, "self": True}


def _people(ask: Ask, event: Event) -> None:
    """:raises Problem: an attendee without an address, or an answer that there is not"""
    for one in event.get("attendees", []):
        if "@" not in str(one.get("email", "")):
            raise problems.bad_value("Invalid attendee email.")
        one.setdefault("responseStatus", "needsAction")
        if one["responseStatus"] not in _ANSWERS:
            raise problems.bad_value("Invalid value for: responseStatus")
        if one["email"].lower() == ask.person.email.lower():
            one["self"] = True
            if event.get("organizer", {}).get("self"):
                one["organizer"] = True


def _check(event: Event, calendar: Calendar) -> None:
    """:raises Problem: what Calendar refuses about times, zones and rules"""
    for name in ("start", "end"):
        when = event.get(name)
        if not isinstance(when, dict) or not (when.get("date") or when.get("dateTime")):
            raise problems.bad_value(f"Missing {name} time.", "required")
    if ("date" in event["start"]) != ("date" in event["end"]):
        raise problems.bad_value("Start and end times must either both be date or both dateTime.")
    try:
        for name in ("start", "end"):
            ZoneInfo(event[name].get("timeZone") or "UTC")
        start = times.utc(event["start"], calendar.time_zone)
        end = times.utc(event["end"], calendar.time_zone)
    except (ValueError, KeyError, OSError, TypeError, AttributeError) as error:
        raise problems.bad_value("Invalid value for: start or end.") from error
    if end < start or ("date" in event["start"] and end - start < timedelta(hours=20)):
        raise problems.bad_value("The specified time range is empty.", "timeRangeEmpty")
    if "recurrence" in event:
        if "dateTime" in event["start"] and not event["start"].get("timeZone"):
            raise problems.bad_value("Missing time zone definition for start time.", "required")
        try:
            next(iter(series.rule(event, calendar.time_zone)), None)
        except (ValueError, TypeError, AttributeError) as error:
            raise problems.bad_value("Invalid recurrence rule.") from error


def _written(ask: Ask, seen: Seen, event: Event) -> dict[str, Any]:
    _tell(ask, event)
    return show(ask, seen, seen.calendar.put(event))


def _tell(ask: Ask, event: Event) -> None:
    """Count the invitations that would have gone out."""
    if ask.text("sendUpdates", "none") != "none" or ask.flag("sendNotifications"):
        others = [one for one in event.get("attendees", []) if not one.get("self")]
        ask.world.journal.invited(ask.person.email, len(others))
