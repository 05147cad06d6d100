"""An authorized Calendar call and its parameters."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.calendars import times
from integrations.sandbox.calendars.store import AccountCalendars, CalendarListEntry
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.calendar import problems
from integrations.sandbox.http_messages import HttpCall
from integrations.sandbox.schemas import ApiMethod
from integrations.sandbox.state import SandboxState


@dataclass(frozen=True)
class CalendarRequest:
    state: SandboxState
    call: HttpCall
    method: ApiMethod
    path: dict[str, str]
    account: SandboxAccount
    calendars: AccountCalendars
    client_id: str

    def get_param(self, name: str, default: str = "") -> str:
        return self.call.get_param(name, default)

    def get_params(self, name: str) -> list[str]:
        return self.call.query.get(name, [])

    def get_flag(self, name: str, *, default: bool = False) -> bool:
        value = self.get_param(name)
        return value == "true" if value else default

    def get_number(self, name: str, default: int, largest: int) -> int:
        value = self.get_param(name, str(default))
        if not value.isdecimal():
            raise api_problems.bad_value(f"Invalid integer value: '{value}'.")
        return min(int(value), largest) or default

    def get_time(self, name: str) -> datetime | None:
        """
        RFC 3339 with an offset.

        :raises HttpProblem: 400
        """
        value = self.get_param(name)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value.upper())
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise api_problems.bad_value("Bad Request", "badRequest")
        return moment.astimezone(UTC)

    def read_json(self) -> dict[str, Any]:
        """:raises HttpProblem: not a JSON object"""
        try:
            value = orjson.loads(self.call.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise api_problems.bad_value("Parse Error", "parseError") from error
        if not isinstance(value, dict):
            raise api_problems.bad_value("Parse Error", "parseError")
        return value

    def get_list_entry(
        self, role: str = "freeBusyReader", calendar_id: str = ""
    ) -> CalendarListEntry:
        """:raises HttpProblem: 404 without any access, 403 without this role"""
        list_entry = self.calendars.find_entry(calendar_id or self.path["calendarId"])
        if list_entry is None:
            raise problems.calendar_not_found()
        if not list_entry.has_role(role):
            raise problems.access_level_required(role)
        return list_entry

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.state.clock.now(), tz=UTC)

    @property
    def timestamp(self) -> str:
        return times.format_timestamp(self.now)
