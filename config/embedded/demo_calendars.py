"""Events of the demo's calendars: this week and the next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

BERLIN: Final = "Europe/Berlin"
Event = Mapping[str, Any]


def build_google_calendars(today: date) -> Mapping[str, Any]:
    monday = _get_monday(today)
    return {
        "time_zone": BERLIN,
        "events": _build_work_events(monday),
        "calendars": [
            {"summary": "Family", "time_zone": BERLIN, "events": _build_family_events(monday)}
        ],
    }


def build_outlook_calendars(today: date) -> Mapping[str, Any]:
    """Return Alice's calendars at Microsoft. Some events overlap with those at Google."""
    monday = _get_monday(today)
    return {
        "time_zone": BERLIN,
        "events": _build_contoso_events(monday),
        "calendars": [
            {"summary": "Travel", "time_zone": BERLIN, "events": _build_travel_events(monday)}
        ],
    }


def _get_monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def _build_work_events(monday: date) -> list[Event]:
    me = {"email": "alice.adler@gmail.example", "self": True, "responseStatus": "accepted"}
    team = [
        me,
        {"email": "bob.brandt@gmail.example", "displayName": "Bob Brandt"},
        {"email": "chris@workshop.example", "displayName": "Chris Conrad", "optional": True},
    ]
    next_week = monday + timedelta(days=7)
    return [
        _build_event(
            "Standup", monday, "09:30", 15, recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH"]
        ),
        _build_event("Product review", monday + timedelta(days=1), "14:00", 60, attendees=team),
        _build_event(
            "Call with Tokyo",
            monday + timedelta(days=2),
            "17:00",
            45,
            zone="Asia/Tokyo",
            description="<p>Slides: <b>page 12</b></p>",
        ),
        _build_event("Dentist", monday + timedelta(days=3), "08:15", 45, visibility="private"),
        _build_event(
            "Workshop, to be confirmed",
            monday + timedelta(days=4),
            "10:00",
            180,
            status="tentative",
            location="Room 3.14",
        ),
        _build_event(
            "Can you join?",
            next_week,
            "11:00",
            30,
            attendees=[{**me, "responseStatus": "needsAction"}, *team[1:]],
            organizer={"email": "bob.brandt@gmail.example"},
        ),
        _build_all_day_event("Trade fair", next_week + timedelta(days=1), 3),
        _build_event(
            "One to one", next_week, "15:00", 30, recurrence=["RRULE:FREQ=WEEKLY;INTERVAL=2"]
        ),
    ]


def _build_family_events(monday: date) -> list[Event]:
    return [
        _build_all_day_event(
            "Grandma's birthday", monday + timedelta(days=6), 1, recurrence=["RRULE:FREQ=YEARLY"]
        ),
        _build_event(
            "Swimming", monday + timedelta(days=2), "17:30", 60, recurrence=["RRULE:FREQ=WEEKLY"]
        ),
        _build_event("Parents' evening", monday + timedelta(days=8), "19:00", 90),
    ]


def _build_contoso_events(monday: date) -> list[Event]:
    me = {"email": "alice.adler@contoso.example", "responseStatus": "needsAction"}
    host = {"email": "dana.diaz@contoso.example", "displayName": "Dana Diaz"}
    return [
        _build_event("Steering committee", monday, "13:00", 60, recurrence=["RRULE:FREQ=WEEKLY"]),
        _build_event(
            "Contract with Fabrikam",
            monday + timedelta(days=1),
            "14:30",
            60,
            attendees=[me, host],
            organizer=host,
            location="Building 7, room Elbe",
            description="<p>The draft is in your inbox.</p>",
        ),
        _build_event(
            "Call with Seattle",
            monday + timedelta(days=3),
            "08:00",
            45,
            zone="America/Los_Angeles",
            graph={"showAs": "tentative", "isOnlineMeeting": True},
        ),
        _build_event("Appraisal", monday + timedelta(days=4), "15:00", 45, visibility="private"),
    ]


def _build_travel_events(monday: date) -> list[Event]:
    return [
        _build_all_day_event("Munich", monday + timedelta(days=8), 2),
        _build_event("Train to Munich", monday + timedelta(days=8), "07:05", 240),
    ]


def _build_event(
    summary: str, day: date, clock: str, minutes: int, *, zone: str = BERLIN, **more: Any
) -> Event:
    start = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone))
    end = start + timedelta(minutes=minutes)
    return {
        "summary": summary,
        "start": {"dateTime": start.isoformat(), "timeZone": zone},
        "end": {"dateTime": end.isoformat(), "timeZone": zone},
        **more,
    }


def _build_all_day_event(summary: str, first: date, count: int, **more: Any) -> Event:
    last = first + timedelta(days=count)
    return {
        "summary": summary,
        "start": {"date": first.isoformat()},
        "end": {"date": last.isoformat()},
        **more,
    }
