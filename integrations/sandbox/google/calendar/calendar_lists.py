"""users.me.calendarList, calendars, colours."""

from typing import Any

from integrations.sandbox.calendars.store import (
    CalendarListEntry,
    SandboxCalendar,
    get_color,
    new_calendar_id,
)
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.calendar import list_tokens, problems
from integrations.sandbox.google.calendar.list_tokens import ListToken
from integrations.sandbox.google.calendar.request import CalendarRequest

REMINDERS = [{"method": "popup", "minutes": 10}]


def list_calendars(request: CalendarRequest) -> dict[str, Any]:
    query_hash = list_tokens.hash_query(request.call, "calendarList", request.account.sub)
    page, sync = request.get_param("pageToken"), request.get_param("syncToken")
    if sync and request.get_param("minAccessRole"):
        raise api_problems.bad_value("Sync token cannot be used with minAccessRole.")
    version, since, offset = request.calendars.version, -1, 0
    if page:
        token = list_tokens.read_token(page, query_hash)
        version, since, offset = token.version, token.since, token.offset
    elif sync:
        since = list_tokens.read_token(sync, query_hash).version
        if since < request.calendars.oldest_version:
            raise problems.full_sync_required()
    entries = [
        list_entry
        for list_entry in request.calendars.entries.values()
        if list_entry.version > since
        and (since >= 0 or not list_entry.deleted or request.get_flag("showDeleted"))
        and (since >= 0 or not list_entry.hidden or request.get_flag("showHidden"))
        and list_entry.has_role(request.get_param("minAccessRole") or "freeBusyReader")
    ]
    size = request.get_number("maxResults", 100, 250)
    answer: dict[str, Any] = {
        "kind": "calendar#calendarList",
        "etag": f'"p{request.calendars.version}"',
        "items": [format_list_entry(list_entry) for list_entry in entries[offset : offset + size]],
    }
    next_token = ListToken(query_hash, version, request.state.clock.now(), since, offset + size)
    if len(entries) > offset + size:
        return answer | {"nextPageToken": str(next_token)}
    return answer | {"nextSyncToken": str(ListToken(query_hash, version, next_token.issued_at))}


def get_calendar_entry(request: CalendarRequest) -> dict[str, Any]:
    return format_list_entry(request.get_list_entry())


def format_list_entry(list_entry: CalendarListEntry) -> dict[str, Any]:
    calendar = list_entry.calendar
    fields: dict[str, Any] = {
        "kind": "calendar#calendarListEntry",
        "etag": f'"{list_entry.version}"',
        "id": calendar.id,
    }
    if list_entry.deleted:
        return fields | {"deleted": True}
    fields |= {
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": "14",
        "backgroundColor": get_color(calendar.id),
        "foregroundColor": "#000000",
        "accessRole": list_entry.role,
        "defaultReminders": REMINDERS if list_entry.primary else [],
    }
    if list_entry.summary_override:
        fields["summaryOverride"] = list_entry.summary_override
    for name in ("primary", "selected", "hidden"):
        if getattr(list_entry, name):
            fields[name] = True
    return fields


def get_calendar(request: CalendarRequest) -> dict[str, Any]:
    calendar = request.get_list_entry().calendar
    return _format_calendar(calendar)


def insert_calendar(request: CalendarRequest) -> dict[str, Any]:
    body = request.read_json()
    if not body.get("summary"):
        raise api_problems.bad_value("Missing summary.", "required")
    calendar = request.state.add_calendar(
        request.account,
        new_calendar_id(),
        summary=str(body["summary"]),
        time_zone=str(body.get("timeZone") or "UTC"),
    )
    return _format_calendar(calendar)


def _format_calendar(calendar: SandboxCalendar) -> dict[str, Any]:
    return {
        "kind": "calendar#calendar",
        "etag": f'"{calendar.version}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
    }
