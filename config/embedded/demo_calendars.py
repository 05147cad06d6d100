"""
The demo's calendars at Google and Microsoft, around the week of the demo's start.

Attendees are people of `demo_cast`. Mail mentions events by their keys and sends invitations to two
of them, with the same UID and time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from config.embedded.demo_cast import BERLIN
from config.embedded.demo_event import (
    DemoEvent,
    Event,
    add_working_days,
    build_day_event,
    build_event,
    get_monday,
)


def build_demo_events(today: date) -> Mapping[str, DemoEvent]:
    """Return the events of all calendars by key."""
    monday = get_monday(today)
    events = (
        *_build_work_events(today),
        *_build_family_events(today),
        *_build_contoso_events(monday),
        *_build_travel_events(monday),
        *_build_fabrikam_events(monday),
    )
    return {event.key: event for event in events}


def build_google_calendars(today: date) -> Mapping[str, Any]:
    """Return Alice's calendars at Google."""
    return {
        "time_zone": BERLIN,
        "events": _list_resources("alice", _build_work_events(today)),
        "calendars": [_build_calendar("alice", "Family", _build_family_events(today))],
    }


def build_bob_calendars(today: date) -> Mapping[str, Any]:
    """Return Bob's calendar at Google: the events that he attends."""
    events = (event for event in _build_work_events(today) if "bob" in event.attendees)
    return {"time_zone": BERLIN, "events": _list_resources("bob", events)}


def build_outlook_calendars(today: date) -> Mapping[str, Any]:
    """Return Alice's calendars at Contoso. Some events overlap with those at Google."""
    monday = get_monday(today)
    owner = "alice-contoso"
    return {
        "time_zone": BERLIN,
        "events": _list_resources(owner, _build_contoso_events(monday)),
        "calendars": [_build_calendar(owner, "Travel", _build_travel_events(monday))],
    }


def build_fabrikam_calendars(today: date) -> Mapping[str, Any]:
    events = _build_fabrikam_events(get_monday(today))
    return {"time_zone": BERLIN, "events": _list_resources("alice-fabrikam", events)}


def _build_calendar(owner: str, summary: str, events: Iterable[DemoEvent]) -> Mapping[str, Any]:
    digest = hashlib.sha256(f"{owner} {summary}".encode()).hexdigest()
    return {
        "id": f"{digest[:32]}@group.calendar.google.com",
        "summary": summary,
        "time_zone": BERLIN,
        "events": _list_resources(owner, events),
    }


def _list_resources(owner: str, events: Iterable[DemoEvent]) -> list[Event]:
    return [event.to_resource(owner) for event in events]


def _build_work_events(today: date) -> list[DemoEvent]:
    team = ("carol", "alice", "bob", "nadia", "emil")
    monday = get_monday(today)
    next_week, eight_weeks_ago = monday + timedelta(days=7), monday - timedelta(weeks=8)
    return [
        build_event(
            "standup", "Standup", eight_weeks_ago, "09:30", 15, attendees=("bob", "alice", "nadia"),
            recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH"],
        ),
        build_event(
            "product-review", "Product review", eight_weeks_ago + timedelta(days=1), "14:00", 60,
            attendees=("nadia", "alice", "bob", "carol", "emil"), answers={"emil": "tentative"},
            location="Room 3.14", recurrence=["RRULE:FREQ=WEEKLY"],
        ),
        build_event(
            "weekly", "Weekly", eight_weeks_ago, "13:00", 45, attendees=team,
            recurrence=["RRULE:FREQ=WEEKLY"],
        ),
        build_event(
            "open-questions", "Customers: open questions", eight_weeks_ago + timedelta(days=4),
            "11:00", 45, attendees=("alice", "emil", "sam"), recurrence=["RRULE:FREQ=WEEKLY"],
        ),
        build_event(
            "one-to-one", "One to one", monday - timedelta(weeks=3), "15:00", 30,
            attendees=("carol", "alice"), recurrence=["RRULE:FREQ=WEEKLY;INTERVAL=2"],
        ),
        build_event(
            "contoso-call", "Call with Contoso: draft 1", add_working_days(today, -24), "10:00", 45,
            attendees=("alice", "dana", "carol"),
        ),
        build_event(
            "interview", "Interview: Jonas Berger", add_working_days(today, -12), "16:00", 60,
            attendees=("carol", "alice", "bob"),
        ),
        build_event(
            "northwind-call", "Call with Northwind", add_working_days(today, -6), "14:30", 20,
            attendees=("alice", "priya", "emil"),
        ),
        build_event(
            "dentist", "Dentist", monday + timedelta(days=3), "08:15", 45, visibility="private"
        ),
        build_event(
            "team-breakfast", "Team breakfast", monday + timedelta(days=4), "09:00", 45,
            attendees=team, location="Kitchen",
        ),
        build_event(
            "go-live", "Contoso go-live check", next_week, "11:00", 30,
            attendees=("bob", "alice", "dana", "nadia"),
            answers={"alice": "needsAction", "nadia": "needsAction"},
            description="<p>Number porting, the emergency call test, and the queues.</p>",
        ),
        build_event(
            "train-hamburg", "Train to Hamburg", next_week, "17:38", 107,
            location="Berlin, platform 8", description="<p>Booking K7QX4M, coach 23, seat 41</p>",
        ),
        build_day_event("trade-fair", "Connecta, Hamburg", next_week + timedelta(days=1), 3),
        build_event(
            "tokyo", "Call with Tokyo", next_week + timedelta(days=2), "17:00", 45,
            zone="Asia/Tokyo", attendees=("kenji", "alice", "bob"),
            description="<p>Slides: <b>page 12</b>. Bob explains page 7.</p>",
        ),
        build_event(
            "train-berlin", "Train to Berlin", next_week + timedelta(days=3), "18:06", 112,
            location="Hamburg, platform 12", description="<p>Booking K7QX4M</p>",
        ),
        build_event(
            "contoso-workshop", "Workshop with Contoso, to be confirmed",
            next_week + timedelta(days=4), "10:00", 180, attendees=("alice", "dana"),
            answers={"dana": "needsAction"}, location="Room 3.14", status="tentative",
        ),
        build_day_event(
            "offsite", "Offsite", monday + timedelta(days=16), 2,
            attendees=(*team, "sam", "rita", "otto"),
        ),
    ]  # fmt: skip


def _build_family_events(today: date) -> list[DemoEvent]:
    monday = get_monday(today)
    return [
        build_event(
            "swimming", "Swimming, Mia", monday - timedelta(days=26), "17:30", 60,
            recurrence=["RRULE:FREQ=WEEKLY"],
        ),
        build_event(
            "heating", "Heating: Ms Pohl comes", add_working_days(today, -5), "16:00", 120
        ),
        build_event("dinner-lena", "Dinner at Lena's", monday + timedelta(days=5), "19:00", 180),
        build_day_event(
            "grandma", "Grandma's birthday", monday + timedelta(days=6), 1,
            recurrence=["RRULE:FREQ=YEARLY"],
        ),
        build_event(
            "parents-evening", "Parents' evening", monday + timedelta(days=8), "19:00", 90,
            location="Linden School, room 12",
        ),
        build_event("book-club", "Book club", monday + timedelta(days=17), "20:00", 120),
        build_day_event("lisbon", "Lisbon", monday + timedelta(days=33), 8),
    ]  # fmt: skip


def _build_contoso_events(monday: date) -> list[DemoEvent]:
    return [
        build_event(
            "steering", "Steering committee", monday - timedelta(weeks=4), "13:00", 60,
            attendees=("dana", "alice-contoso", "peter"), recurrence=["RRULE:FREQ=WEEKLY"],
        ),
        build_event(
            "contract-fabrikam", "Contract with Fabrikam", monday + timedelta(days=8), "14:30", 60,
            attendees=("dana", "alice-contoso"), answers={"alice-contoso": "needsAction"},
            location="Building 7, room Elbe", description="<p>The draft is in your inbox.</p>",
        ),
        build_event(
            "seattle", "Call with Seattle", monday + timedelta(days=3), "08:00", 45,
            zone="America/Los_Angeles", attendees=("grace", "alice-contoso", "dana"),
            graph={"showAs": "tentative", "isOnlineMeeting": True},
        ),
        build_event(
            "contoso-appraisal", "Appraisal", monday + timedelta(days=4), "15:00", 45,
            visibility="private",
        ),
    ]  # fmt: skip


def _build_travel_events(monday: date) -> list[DemoEvent]:
    return [
        build_day_event("munich", "Munich", monday + timedelta(days=14), 2),
        build_event(
            "train-munich", "Train to Munich", monday + timedelta(days=14), "07:05", 240,
            location="Coach 23, seats 41 and 42",
        ),
    ]  # fmt: skip


def _build_fabrikam_events(monday: date) -> list[DemoEvent]:
    return [
        build_event(
            "pilot-checkin", "Pilot check-in", monday - timedelta(days=12), "15:00", 30,
            attendees=("frank", "alice-fabrikam", "ada"), recurrence=["RRULE:FREQ=WEEKLY"],
        ),
        build_event(
            "numbers-workshop", "Workshop: moving our numbers", monday + timedelta(days=11),
            "10:00", 120, attendees=("alice-fabrikam", "frank", "vera"), location="Room Loom",
        ),
        build_day_event("numbers-move", "Numbers move", monday + timedelta(days=18), 1),
    ]  # fmt: skip
