"""Two providers whose answers a test writes, and events of theirs that nobody would write."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any, Final

from integrations import providers
from integrations.providers.google.google_calendar_adapter import open_calendars as open_google
from integrations.providers.microsoft.graph_calendar_adapter import open_calendars as open_graph
from tests.integrations.calendar_house import moment
from tests.worlds.scripted import Provider

Event = dict[str, Any]
NESTED: Final = b'{"value": ' + b"[" * 9_000 + b"]" * 9_000 + b"}"


class Served:
    """Answers of a provider with one calendar."""

    def __init__(self, monkeypatch, provider: Provider) -> None:
        self.provider = provider
        open_calendars = self.open_calendars

        @contextmanager
        def open_served(access):
            with open_calendars(replace(access, root_url=provider.url)) as adapter:
                yield adapter

        google = replace(providers.PROVIDERS["google"], open_calendars=open_served)
        monkeypatch.setitem(providers.PROVIDERS, "google", google)
        self.list_calendars()


class HostileGoogleCalendar(Served):
    open_calendars = staticmethod(open_google)
    listing = "/calendarList"
    listed = "/events"

    def list_calendars(self, *more: Any) -> None:
        mine = {"id": "alice@gmail.example", "summary": "Alice", "accessRole": "owner"}
        items = [mine | {"primary": True, "timeZone": "Europe/Berlin"}, *more]
        self.provider.answer(self.listing, {"items": items, "nextSyncToken": "list"})

    def list_events(self, *events: Any, **more: Any) -> None:
        page = {"items": list(events), "timeZone": "Europe/Berlin", "nextSyncToken": "sync"}
        self.provider.answer(self.listed, page | more)

    def list_pages(self, second: Any, *events: Any) -> None:
        """List events on a first page, and something on the second."""
        self.provider.answers.clear()
        self.provider.answer("?pageToken=second", second)
        self.list_calendars()
        self.list_events(*events, nextPageToken="second")

    @staticmethod
    def event(name: str, day: int = 3) -> Event:
        return {
            "id": name,
            "etag": f'"{name}"',
            "status": "confirmed",
            "iCalUID": f"{name}@google.example",
            "summary": name,
            "description": "<b>Bring</b> figures",
            "location": "Room 1",
            "sequence": 1,
            "organizer": {"email": "alice@gmail.example", "self": True},
            "start": {"dateTime": moment(day).isoformat(), "timeZone": "Europe/Berlin"},
            "end": {"dateTime": moment(day, 10).isoformat(), "timeZone": "Europe/Berlin"},
            "attendees": [{"email": "bob@example.org", "displayName": "Bob"}],
            "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
            "updated": moment(1).isoformat(),
        }


class Graph(Served):
    open_calendars = staticmethod(open_graph)
    listing = "/me/calendars"
    listed = "/calendarView/delta"

    def list_calendars(self, *more: Any) -> None:
        owner = {"owner": {"name": "Alice", "address": "alice@outlook.example"}}
        self.provider.answer("/me/calendar", owner)
        self.provider.answer("/me/mailboxSettings", {"timeZone": "W. Europe Standard Time"})
        mine = {"id": "AAMk1", "name": "Calendar", "canEdit": True, "isDefaultCalendar": True}
        self.provider.answer(self.listing, {"value": [mine | owner, *more]})

    def list_events(self, *events: Any, **more: Any) -> None:
        link = f"{self.provider.url}/me/calendars/AAMk1/calendarView/delta"
        self.provider.answer(self.listed, {"value": list(events), "@odata.deltaLink": link} | more)

    def list_pages(self, second: Any, *events: Any) -> None:
        """See `Google.list_pages`."""
        self.provider.answer("/second", second)
        self.list_events(*events, **{"@odata.nextLink": f"{self.provider.url}/second"})

    @staticmethod
    def event(name: str, day: int = 3) -> Event:
        return {
            "id": name,
            "@odata.etag": f'W/"{name}"',
            "type": "singleInstance",
            "iCalUId": f"{name}@outlook.example",
            "subject": name,
            "body": {"contentType": "html", "content": "<b>Bring</b> figures"},
            "location": {"displayName": "Room 1"},
            "organizer": {"emailAddress": {"address": "alice@outlook.example"}},
            "isOrganizer": True,
            "start": {"dateTime": f"{moment(day):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
            "end": {"dateTime": f"{moment(day, 10):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
            "originalStartTimeZone": "W. Europe Standard Time",
            "originalEndTimeZone": "W. Europe Standard Time",
            "attendees": [{"emailAddress": {"address": "bob@example.org", "name": "Bob"}}],
            "isReminderOn": True,
            "reminderMinutesBeforeStart": 5,
            "lastModifiedDateTime": f"{moment(1):%Y-%m-%dT%H:%M:%S}Z",
        }


def nested(levels: int = 900) -> list[Any]:
    """Return what the library still reads, and what hardly anything else can walk through."""
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


#: Values in the place of any other.
VALUES: Final[Mapping[str, Any]] = {
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "not a number": float("nan"),
    "10^30": 10**30,
    "10^300": 1e300,
    "-1": -1,
    "half a character": "a\ud800b",
    "NUL": "a\0b",
    "nothing": None,
    "a list": [1],
    "an object": {"a": 1},
    "nested": nested(),
    "empty": "",
    "true": True,
    "year 1": "0001-01-01T00:00:00+14:00",
    "year 9999": "9999-12-31T23:59:59-12:00",
    "long": "x" * 100_000,
}


def paths(value: Any, begin: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where in an event a value stands."""
    found = [begin] if begin else []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, one in items:
        found += paths(one, (*begin, key))
    return found


def planted(event: Event, path: tuple[Any, ...], value: Any) -> Event:
    """Return the event with another value there."""
    made = copy(event)
    place: Any = made
    for key in path[:-1]:
        # Only along the path: a deep copy fails at a value that is nested too deeply.
        place[key] = copy(place[key])
        place = place[key]
    place[path[-1]] = value
    return made
