"""Calendars somewhere, each with its adapter and the verbs that move it along."""

from __future__ import annotations

from dataclasses import replace

from integrations.formats.event_content import Attendee, EventContent
from integrations.providers import errors
from integrations.providers.calendars import CalendarAdapter
from integrations.providers.google import event_writer as writing
from integrations.providers.google.google_calendar_adapter import open_calendars
from integrations.providers.microsoft.graph_calendar_adapter import (
    open_calendars as open_graph_calendars,
)
from integrations.sandbox.microsoft.calendar import event_format
from tests.factories import make_access
from tests.fakes.calendars import FakeCalendarAdapter, FakeCalendars
from tests.worlds.microsoft import CALENDARS as CALENDARS_ALONE
from tests.worlds.microsoft import SIGN_IN, MicrosoftSandbox
from tests.worlds.sandbox import Sandbox

ALICE, BOB = "alice@example.com", "bob@example.com"
CALENDARS = "https://www.googleapis.com/auth/calendar"


class FakeCalendarWorld:
    primary = ALICE

    def __init__(self) -> None:
        self.account = FakeCalendars(ALICE)
        self.adapter: CalendarAdapter = FakeCalendarAdapter(self.account, make_access())
        self.add_calendar = self.account.add

    def put(self, content: EventContent, *, organizer: str = "") -> str:
        return self.account.put(content, organizer=organizer)

    def retitle(self, event_id: str, title: str) -> None:
        held = self.account.events[ALICE][event_id]
        self.account.write(ALICE, replace(held, content=replace(held.content, title=title)))

    def delete(self, event_id: str) -> None:
        self.account.remove(event_id)

    def forget(self) -> None:
        self.account.forget()

    def limit_rate(self) -> None:
        self.account.refusals.append(errors.RateLimited("slow down", status=403))

    def lose_answer(self) -> None:
        self.account.refusals.append(errors.OutcomeUnknown("no answer"))

    def without_scope(self) -> CalendarAdapter:
        self.account.refusals.append(errors.ScopeMissing("no scope", status=403))
        return self.adapter

    def check(self) -> None:
        """Nothing of it can be out of order."""


class GoogleCalendarWorld:
    primary = ALICE

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.seed(ALICE, calendar_fields={"time_zone": "Europe/Berlin"})
        self.adapter = self.opened(f"openid email {CALENDARS}")

    def opened(self, scope: str) -> CalendarAdapter:
        token = self.sandbox.authorize(ALICE, scope)["access_token"]
        # The context holds nothing that would need closing.
        access = make_access(token, self.sandbox.url)
        return open_calendars(access).__enter__()

    def add_calendar(self, name: str) -> str:
        return self.sandbox.add_calendar(ALICE, name)

    def put(self, content: EventContent, *, organizer: str = "") -> str:
        event = writing.build_google_event(content)
        event["attendees"] = [
            writing.build_attendee(one) | ({"self": True} if one.is_self else {})
            for one in content.attendees
        ]
        if organizer:
            event["organizer"] = {"email": organizer}
        return str(self.sandbox.put_event(ALICE, **event)["id"])

    def retitle(self, event_id: str, title: str) -> None:
        self.sandbox.put_event(ALICE, id=event_id, summary=title)

    def delete(self, event_id: str) -> None:
        self.sandbox.cancel_event(ALICE, event_id)

    def forget(self) -> None:
        self.sandbox.forget_sync_tokens(ALICE)

    def limit_rate(self) -> None:
        self.sandbox.fail_next(path_prefix="/calendar", problem="rate_limit_exceeded")

    def lose_answer(self) -> None:
        self.sandbox.fail_next(path_prefix="/calendar", drop="after")

    def without_scope(self) -> CalendarAdapter:
        return self.opened("openid email https://www.googleapis.com/auth/calendar.freebusy")

    def check(self) -> None:
        assert self.sandbox.violations() == []


class GraphWorld:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.microsoft = sandbox, MicrosoftSandbox(sandbox)
        self.microsoft.register_client()
        self.microsoft.seed(
            ALICE,
            zone="W. Europe Standard Time",
            calendar_fields={"time_zone": "Europe/Berlin"},
        )
        self.adapter = self.opened(f"{CALENDARS_ALONE} MailboxSettings.Read")
        self.primary = self._id("Calendar")

    def opened(self, scope: str) -> CalendarAdapter:
        token = self.microsoft.authorize(ALICE, scope)["access_token"]
        # The context holds nothing that would need closing.
        access = make_access(token, f"{self.sandbox.url}/v1.0")
        return open_graph_calendars(access).__enter__()

    def _id(self, name: str) -> str:
        found = self.adapter.list_calendars().calendars
        return next(one.calendar_id for one in found if one.name == name)

    def add_calendar(self, name: str) -> str:
        self.microsoft.control("calendars", email=ALICE, summary=name, provider="microsoft")
        return self._id(name)

    def put(self, content: EventContent, *, organizer: str = "") -> str:
        event = writing.build_google_event(content)
        event["attendees"] = [writing.build_attendee(one) for one in content.attendees]
        if organizer:
            event["organizer"] = {"email": organizer}
        if content.reminders:
            event["graph"] = {"reminderMinutesBeforeStart": content.reminders[0].minutes}
        return event_format.make_event_id(str(self.write(**event)["id"]), immutable=True)

    def write(self, **event: object) -> dict[str, object]:
        return self.microsoft.control("events", email=ALICE, provider="microsoft", event=event)

    def stored(self, event_id: str) -> str:
        return event_format.parse_event_id(event_id)

    def retitle(self, event_id: str, title: str) -> None:
        self.write(id=self.stored(event_id), summary=title)

    def delete(self, event_id: str) -> None:
        stored = self.stored(event_id)
        self.microsoft.control("events/cancel", email=ALICE, provider="microsoft", id=stored)

    def forget(self) -> None:
        self.microsoft.control("calendars/forget", email=ALICE, provider="microsoft")

    def limit_rate(self) -> None:
        said = {"error": {"code": "TooManyRequests", "message": "slow down"}}
        self.sandbox.fail_next(path_prefix="/v1.0", status=429, body=said)

    def lose_answer(self) -> None:
        self.sandbox.fail_next(path_prefix="/v1.0", method="POST", drop="after")

    def without_scope(self) -> CalendarAdapter:
        return self.opened(SIGN_IN)

    def check(self) -> None:
        assert self.sandbox.violations() == []


def guest(email: str, **more: bool) -> Attendee:
    return Attendee(email=email, **more)
