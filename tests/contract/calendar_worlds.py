"""Calendars somewhere, each with its adapter and the verbs that move it along."""

from __future__ import annotations

from dataclasses import replace

from integrations.providers import errors
from integrations.providers.base import Access
from integrations.providers.calendars import Attendee, CalendarAdapter, EventContent
from integrations.providers.google import calendar_writing as writing
from integrations.providers.google.calendar import open_calendars
from tests.fakes.calendars import FakeCalendarAdapter, FakeCalendars
from tests.worlds.sandbox import Sandbox

ALICE, BOB = "alice@example.com", "bob@example.com"
CALENDARS = "https://www.googleapis.com/auth/calendar"


class FakeWorld:
    def __init__(self) -> None:
        self.account = FakeCalendars(ALICE)
        self.adapter: CalendarAdapter = FakeCalendarAdapter(self.account)
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

    def fail_busy(self, calendar: str) -> None:
        self.account.failing.add(calendar)

    def limit_rate(self) -> None:
        self.account.refusals.append(errors.RateLimited("slow down", status=403))

    def lose_answer(self) -> None:
        self.account.refusals.append(errors.OutcomeUnknown("no answer"))

    def without_scope(self) -> CalendarAdapter:
        self.account.refusals.append(errors.ScopeMissing("no scope", status=403))
        return self.adapter

    def check(self) -> None:
        """Nothing of it can be out of order."""


class GoogleWorld:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.seed(ALICE, calendar_fields={"time_zone": "Europe/Berlin"})
        self.adapter = self.opened(f"openid email {CALENDARS}")

    def opened(self, scope: str) -> CalendarAdapter:
        token = self.sandbox.authorize(ALICE, scope)["access_token"]
        # The context holds nothing that would need closing.
        access = Access(token=lambda: token, root_url=self.sandbox.url)
        return open_calendars(access).__enter__()

    def add_calendar(self, name: str) -> str:
        return self.sandbox.add_calendar(ALICE, name)

    def put(self, content: EventContent, *, organizer: str = "") -> str:
        event = writing.body(content)
        event["attendees"] = [
            writing.attendee(one) | ({"self": True} if one.is_self else {})
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

    def fail_busy(self, calendar: str) -> None:
        self.sandbox.fail_freebusy(calendar)

    def limit_rate(self) -> None:
        self.sandbox.fail_next(path_prefix="/calendar", problem="rate_limit_exceeded")

    def lose_answer(self) -> None:
        self.sandbox.fail_next(path_prefix="/calendar", drop="after")

    def without_scope(self) -> CalendarAdapter:
        return self.opened("openid email https://www.googleapis.com/auth/calendar.freebusy")

    def check(self) -> None:
        assert self.sandbox.violations() == []


def guest(email: str, **more: bool) -> Attendee:
    return Attendee(email=email, **more)
