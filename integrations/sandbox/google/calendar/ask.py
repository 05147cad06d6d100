"""One authorised call of one Calendar method, with its parameters read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.store import CalendarList, Seen
from integrations.sandbox.google import problems
from integrations.sandbox.messages import Call
from integrations.sandbox.people import Person
from integrations.sandbox.schemas import Method
from integrations.sandbox.world import World


@dataclass(frozen=True)
class Ask:
    world: World
    call: Call
    method: Method
    path: dict[str, str]
    person: Person
    calendars: CalendarList
    client_id: str

    def text(self, name: str, default: str = "") -> str:
        return self.call.first(name, default)

    def texts(self, name: str) -> list[str]:
        return self.call.query.get(name, [])

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name)
        return value == "true" if value else default

    def number(self, name: str, default: int, largest: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal():
            raise problems.bad_value(f"Invalid integer value: '{value}'.")
        return min(int(value), largest) or default

    def moment(self, name: str) -> datetime | None:
        """RFC 3339 with an offset. :raises Problem: 400"""
        value = self.text(name)
        if not value:
            return None
        try:
            found = datetime.fromisoformat(value.upper())
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise problems.bad_value("Bad Request", "badRequest")
        return found.astimezone(UTC)

    def json(self) -> dict[str, Any]:
        """:raises Problem: not a JSON object"""
        try:
            value = orjson.loads(self.call.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise problems.bad_value("Parse Error", "parseError") from error
        if not isinstance(value, dict):
            raise problems.bad_value("Parse Error", "parseError")
        return value

    def seen(self, role: str = "freeBusyReader", calendar_id: str = "") -> Seen:
        """
        The calendar of the path, if the person may do that to it.

        :raises Problem: 404 if they cannot see it, 403 if they may not
        """
        found = self.calendars.find(calendar_id or self.path["calendarId"])
        if found is None:
            raise problems.calendar_not_found()
        if not found.may(role):
            raise problems.access_level_required(role)
        return found

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock.now(), tz=UTC)

    @property
    def stamp(self) -> str:
        return times.stamp(self.now)
