"""Control functions for calendars and events."""

from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.calendars.store import (
    ROLES,
    AccountCalendars,
    SandboxCalendar,
    new_calendar_id,
    new_event_id,
)
from integrations.sandbox.control import mailboxes
from integrations.sandbox.control.errors import Misuse, require_text
from integrations.sandbox.state import SandboxState

Values = dict[str, Any]


def add_calendars(state: SandboxState, account: SandboxAccount, values: Values) -> None:
    """{time_zone?, calendars?: [{summary, id?, time_zone?, events?: [resources]}], events?}"""
    account.calendars = AccountCalendars(account.email)
    account.calendars.on_change = lambda calendars: state.pushes.notify_list_changed(
        account.sub, calendars
    )
    zone = values.get("time_zone", "UTC")
    primary = state.add_calendar(
        account, account.email, summary=account.email, time_zone=zone, primary=True
    )
    _put_events(primary, values.get("events", []))
    for fields in values.get("calendars", []):
        calendar = state.add_calendar(
            account,
            fields.get("id") or new_calendar_id(),
            summary=require_text(fields, "summary"),
            time_zone=fields.get("time_zone", zone),
        )
        _put_events(calendar, fields.get("events", []))


def _put_events(calendar: SandboxCalendar, events: list[Values]) -> None:
    for event in events:
        _put_event(calendar, event)


def _find_calendar_account(state: SandboxState, values: Values) -> SandboxAccount:
    account = mailboxes.find_account(state, values)
    if account.calendars is None:
        raise Misuse("no such account, or one without calendars")
    return account


def find_calendar(state: SandboxState, values: Values) -> SandboxCalendar:
    """{email, calendar? (an id; the primary)}"""
    account = _find_calendar_account(state, values)
    calendars = account.calendars
    list_entry = calendars.find_entry(values.get("calendar") or "primary") if calendars else None
    if list_entry is None:
        raise Misuse("no such calendar")
    return list_entry.calendar


def add_calendar(state: SandboxState, values: Values) -> Values:
    """{email, summary, id?, time_zone?}"""
    calendar = state.add_calendar(
        _find_calendar_account(state, values),
        values.get("id") or new_calendar_id(),
        summary=require_text(values, "summary"),
        time_zone=values.get("time_zone", "UTC"),
    )
    return {"id": calendar.id}


def share_calendar(state: SandboxState, values: Values) -> Values:
    """{email, calendar?, with, role}: adds the calendar to another list; role "" removes it."""
    calendar = find_calendar(state, values)
    other_calendars = _find_calendar_account(
        state, values | {"email": require_text(values, "with")}
    ).calendars
    if other_calendars is None:
        raise Misuse("no calendars")
    role = values.get("role", "reader")
    if role and role not in ROLES:
        raise Misuse(f"there are {ROLES}")
    list_entry = other_calendars.entries.get(calendar.id) or other_calendars.add_calendar(
        calendar, role=role or "reader"
    )
    list_entry.role, list_entry.deleted = role or list_entry.role, not role
    other_calendars.mark_changed(list_entry)
    return {"id": calendar.id, "role": role}


def put_event(state: SandboxState, values: Values) -> Values:
    """{email, calendar?, event: a resource, with an id to change an event}: acts as a client."""
    return _put_event(find_calendar(state, values), dict(values["event"]))


def _put_event(calendar: SandboxCalendar, event: Values) -> Values:
    event.setdefault("id", new_event_id())
    known_event = calendar.events.get(event["id"], {})
    resource = {
        "status": "confirmed",
        "iCalUID": f"{event['id']}@google.com",
        "creator": {"email": calendar.owner},
        "organizer": {"email": calendar.owner, "self": True},
        "sequence": 0,
        "eventType": "default",
        "reminders": {"useDefault": True},
        "htmlLink": f"https://calendar.example/event?eid={event['id']}",
        **known_event,
        **event,
    }
    return calendar.put_event(resource)


def cancel_event(state: SandboxState, values: Values) -> Values:
    """{email, calendar?, id}"""
    calendar = find_calendar(state, values)
    event = calendar.events.get(require_text(values, "id"))
    if event is None:
        raise Misuse("no such event")
    calendar.cancel_event(event)
    return {}


def expire_sync_tokens(state: SandboxState, values: Values) -> Values:
    """{email, calendar?}: sync tokens handed out so far end in 410."""
    calendar = find_calendar(state, values)
    calendar.expire_sync_tokens()
    return {"version": calendar.version}


def set_failing_calendars(state: SandboxState, values: Values) -> Values:
    """{ids}: calendars that free/busy answers with an error inside its 200."""
    state.failing_freebusy = set(values.get("ids", []))
    return {"ids": sorted(state.failing_freebusy)}


def show_calendar(state: SandboxState, values: Values) -> Values:
    calendar = find_calendar(state, values)
    return {
        "id": calendar.id,
        "version": calendar.version,
        "events": list(calendar.events.values()),
    }
