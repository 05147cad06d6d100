"""An event, and an entry of a list of calendars, with a canary in every text that they can hold."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

ZONE: Final = "Europe/Berlin"


def team(mark: str) -> str:
    """Return the provider's id of the second calendar: a name of its own, without a word in it."""
    digest = hashlib.sha256(mark.encode()).hexdigest()
    return f"{digest[:32]}@group.calendar.google.com"


def get_day_start(days: int) -> datetime:
    """Return nine o'clock (UTC) of the day that is so many days from today."""
    now = datetime.now(UTC)
    return now.replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=days)


def event(mark: str, day: int, **more: Any) -> dict[str, Any]:
    """Return an event with every text of Google's description, where a word may stand."""

    def make_canary(name: str) -> str:
        return f"{mark}-ev{name}"

    return {
        "summary": make_canary("summary"),
        "description": f"<p title='{make_canary('tooltip')}'>{make_canary('description')}</p>",
        "location": make_canary("location"),
        "colorId": make_canary("colorid"),
        "eventLabelId": make_canary("labelid"),
        "eventType": make_canary("type"),
        "hangoutLink": f"https://meet.example/{make_canary('hangout')}",
        "htmlLink": f"https://calendar.example/{make_canary('htmllink')}",
        "transparency": make_canary("transparency"),
        "visibility": make_canary("visibility"),
        "creator": _person(make_canary("creator")),
        "organizer": _person(make_canary("organizer")),
        "start": {"dateTime": get_day_start(day).isoformat(), "timeZone": ZONE},
        "end": {
            "dateTime": (get_day_start(day) + timedelta(hours=1)).isoformat(),
            "timeZone": ZONE,
        },
        "attendees": [
            {
                **_person(make_canary("attendee")),
                "comment": make_canary("comment"),
                "responseStatus": make_canary("response"),
                "asyncOperation": make_canary("async"),
                "optional": True,
            }
        ],
        "attachments": [
            {
                "fileId": make_canary("fileid"),
                "fileUrl": f"https://files.example/{make_canary('fileurl')}",
                "iconLink": f"https://files.example/{make_canary('fileicon')}",
                "mimeType": f"application/x-{make_canary('filetype')}",
                "title": make_canary("filetitle"),
            }
        ],
        "conferenceData": _conference(make_canary),
        "extendedProperties": {
            "private": {make_canary("privatename"): make_canary("privatevalue")},
            "shared": {make_canary("sharedname"): make_canary("sharedvalue")},
        },
        "gadget": {
            "display": make_canary("gadgetdisplay"),
            "iconLink": f"https://files.example/{make_canary('gadgeticon')}",
            "link": f"https://files.example/{make_canary('gadgetlink')}",
            "preferences": {make_canary("gadgetpreference"): make_canary("gadgetvalue")},
            "title": make_canary("gadgettitle"),
            "type": make_canary("gadgettype"),
        },
        "source": {
            "title": make_canary("sourcetitle"),
            "url": f"https://x.example/{make_canary('sourceurl')}",
        },
        "reminders": {
            "useDefault": False,
            "overrides": [{"method": make_canary("remindermethod"), "minutes": 10}],
        },
        "workingLocationProperties": {
            "type": make_canary("workingtype"),
            "customLocation": {"label": make_canary("workinglabel")},
            "officeLocation": {
                "buildingId": make_canary("building"),
                "deskId": make_canary("desk"),
                "floorId": make_canary("floor"),
                "floorSectionId": make_canary("section"),
                "label": make_canary("office"),
            },
        },
        "outOfOfficeProperties": {
            "autoDeclineMode": make_canary("outmode"),
            "declineMessage": make_canary("outmessage"),
        },
        "focusTimeProperties": {
            "autoDeclineMode": make_canary("focusmode"),
            "chatStatus": make_canary("chatstatus"),
            "declineMessage": make_canary("focusmessage"),
        },
        "birthdayProperties": {
            "contact": make_canary("contact"),
            "customTypeName": make_canary("birthdayname"),
            "type": make_canary("birthdaytype"),
        },
        **more,
    }


def make_event_with_canary_ids(mark: str, day: int) -> dict[str, Any]:
    """
    Return an event whose ids and version are canaries, too, and its zone and rule no zone and no
    rule: as no sandbox would make them, or understand them.
    """
    strange = {"dateTime": get_day_start(day).isoformat(), "timeZone": f"{mark}-evzone"}
    return {
        **event(mark, day, start=strange),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=2", f"X-{mark}-evrecurrence:1"],
        "kind": f"{mark}-evkind",
        "etag": f'"{mark}-evetag"',
        "id": f"{mark}-evid",
        "iCalUID": f"{mark}-evuid@x.example",
        "status": "confirmed",
    }


def make_moved_occurrence(mark: str, master: str, day: int) -> dict[str, Any]:
    """Return what was changed in a series whose id is `master`."""
    original = {"dateTime": get_day_start(day).isoformat(), "timeZone": ZONE}
    more = {"recurringEventId": master, "originalStartTime": original}
    return event(mark, day, **more, summary=f"{mark}-evmoved")


def make_calendar_list_entry(mark: str, calendar_id: str) -> dict[str, Any]:
    """Return the entry of a list of calendars for one that is there."""

    def make_canary(name: str) -> str:
        return f"{mark}-cal{name}"

    return {
        "kind": make_canary("kind"),
        "etag": f'"{make_canary("etag")}"',
        "id": calendar_id,
        "summary": make_canary("summary"),
        "summaryOverride": make_canary("override"),
        "description": make_canary("description"),
        "location": make_canary("location"),
        "timeZone": make_canary("zone"),
        "dataOwner": f"{make_canary('owner')}@x.example",
        "colorId": make_canary("colorid"),
        "backgroundColor": make_canary("background"),
        "foregroundColor": make_canary("foreground"),
        "accessRole": "owner",
        "defaultReminders": [{"method": make_canary("remindermethod"), "minutes": 5}],
        "notificationSettings": {
            "notifications": [
                {"method": make_canary("notifymethod"), "type": make_canary("notifytype")}
            ]
        },
        "conferenceProperties": {"allowedConferenceSolutionTypes": [make_canary("solution")]},
    }


def calendar_fields(mark: str, *, series_id: str, team_id: str) -> dict[str, Any]:
    """
    Return two calendars as the sandbox is seeded with them.

    :param series_id: of the series in the first; `team_id` is the second calendar's
    """
    series = {
        "start": {"dateTime": get_day_start(0).isoformat(), "timeZone": ZONE},
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"],
    }
    return {
        "time_zone": ZONE,
        "events": [
            event(mark, 1),
            event(mark, 0, **series, id=series_id),
            make_moved_occurrence(mark, series_id, 2),
            event(mark, 2, visibility="private", summary=f"{mark}-evprivate"),
        ],
        "calendars": [
            {
                "id": team_id,
                "summary": f"{mark}-calname",
                "time_zone": ZONE,
                "events": [event(mark, 3)],
            }
        ],
    }


def _person(word: str) -> dict[str, str]:
    return {"email": f"{word}@x.example", "displayName": f"{word}name", "id": f"{word}id"}


def _conference(own: Any) -> dict[str, Any]:
    return {
        "conferenceId": own("conferenceid"),
        "notes": own("conferencenotes"),
        "signature": own("signature"),
        "conferenceSolution": {
            "iconUri": f"https://files.example/{own('solutionicon')}",
            "key": {"type": own("solutiontype")},
            "name": own("solutionname"),
        },
        "createRequest": {
            "requestId": own("requestid"),
            "conferenceSolutionKey": {"type": own("solutiontype")},
            "status": {"statusCode": own("conferencestatus")},
        },
        "entryPoints": [
            {
                "entryPointType": "video",
                "uri": f"https://meet.example/{own('entryuri')}",
                "label": own("entrylabel"),
                "accessCode": own("accesscode"),
                "meetingCode": own("meetingcode"),
                "passcode": own("passcode"),
                "password": own("entrypassword"),
                "pin": own("entrypin"),
                "regionCode": own("region"),
                "entryPointFeatures": [own("entryfeature")],
            },
            {"entryPointType": own("entrytype"), "uri": f"tel:{own('entryuri')}"},
        ],
        "parameters": {
            "addOnParameters": {"parameters": {own("addonname"): own("addonvalue")}},
        },
    }
