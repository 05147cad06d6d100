"""What can be done to calendars from outside: make, fill, change, forget, look."""

from typing import Any

from integrations.sandbox.calendars.store import (
    ROLES,
    Calendar,
    CalendarList,
    new_calendar_id,
    new_event_id,
)
from integrations.sandbox.control import mailboxes
from integrations.sandbox.control.errors import Misuse, text
from integrations.sandbox.people import Person
from integrations.sandbox.world import World

Values = dict[str, Any]


def make(world: World, person: Person, values: Values) -> None:
    """{time_zone?, calendars?: [{summary, id?, time_zone?, events?: [resources]}], events?}"""
    person.calendars = CalendarList(person.email)
    person.calendars.on_change = lambda found: world.pushes.list_changed(person.sub, found)
    zone = values.get("time_zone", "UTC")
    primary = world.add_calendar(
        person, person.email, summary=person.email, time_zone=zone, primary=True
    )
    _fill(primary, values.get("events", []))
    for one in values.get("calendars", []):
        made = world.add_calendar(
            person,
            one.get("id") or new_calendar_id(),
            summary=text(one, "summary"),
            time_zone=one.get("time_zone", zone),
        )
        _fill(made, one.get("events", []))


def _fill(calendar: Calendar, events: list[Values]) -> None:
    for event in events:
        _put(calendar, event)


def _person(world: World, values: Values) -> Person:
    found = mailboxes.person(world, values)
    if found.calendars is None:
        raise Misuse("no such account, or one without calendars")
    return found


def calendar(world: World, values: Values) -> Calendar:
    """{email, calendar? (an id; the primary)}"""
    person = _person(world, values)
    lists = person.calendars
    found = lists.find(values.get("calendar") or "primary") if lists else None
    if found is None:
        raise Misuse("no such calendar")
    return found.calendar


def add(world: World, values: Values) -> Values:
    """{email, summary, id?, time_zone?}"""
    made = world.add_calendar(
        _person(world, values),
        values.get("id") or new_calendar_id(),
        summary=text(values, "summary"),
        time_zone=values.get("time_zone", "UTC"),
    )
    return {"id": made.id}


def share(world: World, values: Values) -> Values:
    """{email, calendar?, with, role}: somebody else sees it in their list; role "" ends that."""
    found = calendar(world, values)
    other = _person(world, values | {"email": text(values, "with")}).calendars
    if other is None:
        raise Misuse("no calendars")
    role = values.get("role", "reader")
    if role and role not in ROLES:
        raise Misuse(f"there are {ROLES}")
    seen = other.seen.get(found.id) or other.add(found, role=role or "reader")
    seen.role, seen.deleted = role or seen.role, not role
    other.touch(seen)
    return {"id": found.id, "role": role}


def put(world: World, values: Values) -> Values:
    """{email, calendar?, event: a resource, id for one that is there}: as another client would."""
    return _put(calendar(world, values), dict(values["event"]))


def _put(found: Calendar, event: Values) -> Values:
    event.setdefault("id", new_event_id())
    known = found.events.get(event["id"], {})
    made = {
        "status": "confirmed",
        "iCalUID": f"{event['id']}@google.com",
        "creator": {"email": found.owner},
        "organizer": {"email": found.owner, "self": True},
        "sequence": 0,
        "eventType": "default",
        "reminders": {"useDefault": True},
        "htmlLink": f"https://calendar.example/event?eid={event['id']}",
        **known,
        **event,
    }
    return found.put(made)


def cancel(world: World, values: Values) -> Values:
    """{email, calendar?, id}"""
    found = calendar(world, values)
    event = found.events.get(text(values, "id"))
    if event is None:
        raise Misuse("no such event")
    found.cancel(event)
    return {}


def forget(world: World, values: Values) -> Values:
    """{email, calendar?}: every sync token handed out so far ends in 410."""
    found = calendar(world, values)
    found.forget()
    return {"version": found.version}


def failing(world: World, values: Values) -> Values:
    """{ids}: calendars whose free/busy answers an error inside its 200."""
    world.failing_freebusy = set(values.get("ids", []))
    return {"ids": sorted(world.failing_freebusy)}


def look(world: World, values: Values) -> Values:
    found = calendar(world, values)
    return {"id": found.id, "version": found.version, "events": list(found.events.values())}
