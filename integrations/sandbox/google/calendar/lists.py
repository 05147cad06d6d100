"""users.me.calendarList, calendars, colours."""

from typing import Any

from integrations.sandbox.calendars.store import Calendar, Seen, colour, new_calendar_id
from integrations.sandbox.google import problems
from integrations.sandbox.google.calendar import tokens
from integrations.sandbox.google.calendar.ask import Ask
from integrations.sandbox.google.calendar.tokens import Token

REMINDERS = [{"method": "popup", "minutes": 10}]


def list_(ask: Ask) -> dict[str, Any]:
    asked = tokens.question(ask.call, "calendarList", ask.person.sub)
    page, sync = ask.text("pageToken"), ask.text("syncToken")
    if sync and ask.text("minAccessRole"):
        raise problems.bad_value("Sync token cannot be used with minAccessRole.")
    version, since, place = ask.calendars.version, -1, 0
    if page:
        token = tokens.read(page, asked)
        version, since, place = token.version, token.since, token.place
    elif sync:
        since = tokens.read(sync, asked).version
        if since < ask.calendars.forgotten:
            raise problems.full_sync_required()
    shown = [
        one
        for one in ask.calendars.seen.values()
        if one.version > since
        and (since >= 0 or not one.deleted or ask.flag("showDeleted"))
        and (since >= 0 or not one.hidden or ask.flag("showHidden"))
        and one.may(ask.text("minAccessRole") or "freeBusyReader")
    ]
    size = ask.number("maxResults", 100, 250)
    answer: dict[str, Any] = {
        "kind": "calendar#calendarList",
        "etag": f'"p{ask.calendars.version}"',
        "items": [entry(one) for one in shown[place : place + size]],
    }
    made = Token(asked, version, ask.world.clock.now(), since, place + size)
    if len(shown) > place + size:
        return answer | {"nextPageToken": str(made)}
    return answer | {"nextSyncToken": str(Token(asked, version, made.made_at))}


def get(ask: Ask) -> dict[str, Any]:
    return entry(ask.seen())


def entry(seen: Seen) -> dict[str, Any]:
    calendar = seen.calendar
    made: dict[str, Any] = {
        "kind": "calendar#calendarListEntry",
        "etag": f'"{seen.version}"',
        "id": calendar.id,
    }
    if seen.deleted:
        return made | {"deleted": True}
    made |= {
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": "14",
        "backgroundColor": colour(calendar.id),
        "foregroundColor": "#000000",
        "accessRole": seen.role,
        "defaultReminders": REMINDERS if seen.primary else [],
    }
    if seen.override:
        made["summaryOverride"] = seen.override
    for name in ("primary", "selected", "hidden"):
        if getattr(seen, name):
            made[name] = True
    return made


def calendar(ask: Ask) -> dict[str, Any]:
    found = ask.seen().calendar
    return _calendar(found)


def insert(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    if not body.get("summary"):
        raise problems.bad_value("Missing summary.", "required")
    made = ask.world.add_calendar(
        ask.person,
        new_calendar_id(),
        summary=str(body["summary"]),
        time_zone=str(body.get("timeZone") or "UTC"),
    )
    return _calendar(made)


def _calendar(found: Calendar) -> dict[str, Any]:
    return {
        "kind": "calendar#calendar",
        "etag": f'"{found.version}"',
        "id": found.id,
        "summary": found.summary,
        "timeZone": found.time_zone,
    }
