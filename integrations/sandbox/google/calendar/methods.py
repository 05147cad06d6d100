"""Which handler plays which method of the discovery document."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.google.calendar import freebusy, lists, reading, watching, writing
from integrations.sandbox.google.calendar.ask import Ask

Handler = Callable[[Ask], Any]

HANDLERS: dict[str, Handler] = {
    f"calendar.{name}": handler
    for name, handler in {
        "calendarList.list": lists.list_,
        "calendarList.get": lists.get,
        "calendarList.watch": watching.calendar_list,
        "calendars.get": lists.calendar,
        "calendars.insert": lists.insert,
        "events.list": reading.list_,
        "events.get": reading.get,
        "events.instances": reading.instances,
        "events.insert": writing.insert,
        "events.import": writing.import_,
        "events.update": writing.update,
        "events.patch": writing.patch,
        "events.delete": writing.delete,
        "events.move": writing.move,
        "events.watch": watching.events,
        "channels.stop": watching.stop,
        "freebusy.query": freebusy.query,
    }.items()
}
