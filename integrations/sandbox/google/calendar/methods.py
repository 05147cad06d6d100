"""Handlers by method of the discovery document."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.google.calendar import (
    calendar_lists,
    event_queries,
    event_writes,
    freebusy,
    watch_channels,
)
from integrations.sandbox.google.calendar.request import CalendarRequest

Handler = Callable[[CalendarRequest], Any]

HANDLERS: dict[str, Handler] = {
    f"calendar.{name}": handler
    for name, handler in {
        "calendarList.list": calendar_lists.list_calendars,
        "calendarList.get": calendar_lists.get_calendar_entry,
        "calendarList.watch": watch_channels.watch_calendar_list,
        "calendars.get": calendar_lists.get_calendar,
        "calendars.insert": calendar_lists.insert_calendar,
        "events.list": event_queries.list_events,
        "events.get": event_queries.get_event,
        "events.instances": event_queries.list_instances,
        "events.insert": event_writes.insert_event,
        "events.import": event_writes.import_event,
        "events.update": event_writes.update_event,
        "events.patch": event_writes.patch_event,
        "events.delete": event_writes.delete_event,
        "events.move": event_writes.move_event,
        "events.watch": watch_channels.watch_events,
        "channels.stop": watch_channels.stop_channel,
        "freebusy.query": freebusy.query_free_busy,
    }.items()
}
