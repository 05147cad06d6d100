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


def start(days: int) -> datetime:
    """Return nine o'clock (UTC) of the day that is so many days from today."""
    now = datetime.now(UTC)
    return now.replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=days)


def event(mark: str, day: int, **more: Any) -> dict[str, Any]:
    """Return an event with every text of Google's description, where a word may stand."""

    def own(name: str) -> str:
        return f"{mark}-ev{name}"

    return {
        "summary": own("summary"),
        "description": f"<p title='{own('tooltip')}'>{own('description')}</p>",
        "location": own("location"),
        "colorId": own("colorid"),
        "eventLabelId": own("labelid"),
        "eventType": own("type"),
        "hangoutLink": f"https://meet.example/{own('hangout')}",
        "htmlLink": f"https://calendar.example/{own('htmllink')}",
        "transparency": own("transparency"),
        "visibility": own("visibility"),
        "creator": _person(own("creator")),
        "organizer": _person(own("organizer")),
        "start": {"dateTime": start(day).isoformat(), "timeZone": ZONE},
        "end": {"dateTime": (start(day) + timedelta(hours=1)).isoformat(), "timeZone": ZONE},
        "attendees": [
            {
                **_person(own("attendee")),
                "comment": own("comment"),
                "responseStatus": own("response"),
                "asyncOperation": own("async"),
                "optional": True,
            }
        ],
        "attachments": [
            {
                "fileId": own("fileid"),
                "fileUrl": f"https://files.example/{own('fileurl')}",
                "iconLink": f"https://files.example/{own('fileicon')}",
                "mimeType": f"application/x-{own('filetype')}",
                "title": own("filetitle"),
            }
        ],
        "conferenceData": _conference(own),
        "extendedProperties": {
            "private": {own("privatename"): own("privatevalue")},
            "shared": {own("sharedname"): own("sharedvalue")},
        },
        "gadget": {
            "display": own("gadgetdisplay"),
            "iconLink": f"https://files.example/{own('gadgeticon')}",
            "link": f"https://files.example/{own('gadgetlink')}",
            "preferences": {own("gadgetpreference"): own("gadgetvalue")},
            "title": own("gadgettitle"),
            "type": own("gadgettype"),
        },
        "source": {"title": own("sourcetitle"), "url": f"https://x.example/{own('sourceurl')}"},
        "reminders": {
            "useDefault": False,
            "overrides": [{"method": own("remindermethod"), "minutes": 10}],
        },
        "workingLocationProperties": {
            "type": own("workingtype"),
            "customLocation": {"label": own("workinglabel")},
            "officeLocation": {
                "buildingId": own("building"),
                "deskId": own("desk"),
                "floorId": own("floor"),
                "floorSectionId": own("section"),
                "label": own("office"),
            },
        },
        "outOfOfficeProperties": {
            "autoDeclineMode": own("outmode"),
            "declineMessage": own("outmessage"),
        },
        "focusTimeProperties": {
            "autoDeclineMode": own("focusmode"),
            "chatStatus": own("chatstatus"),
            "declineMessage": own("focusmessage"),
        },
        "birthdayProperties": {
            "contact": own("contact"),
            "customTypeName": own("birthdayname"),
            "type": own("birthdaytype"),
        },
        **more,
    }


def named(mark: str, day: int) -> dict[str, Any]:
    """
    Return an event whose ids and version are canaries, too, and its zone and rule no zone and no
    rule: as no sandbox would make them, or understand them.
    """
    strange = {"dateTime": start(day).isoformat(), "timeZone": f"{mark}-evzone"}
    return {
        **event(mark, day, start=strange),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=2", f"X-{mark}-evrecurrence:1"],
        "kind": f"{mark}-evkind",
        "etag": f'"{mark}-evetag"',
        "id": f"{mark}-evid",
        "iCalUID": f"{mark}-evuid@x.example",
        "status": "confirmed",
    }


def moved(mark: str, master: str, day: int) -> dict[str, Any]:
    """Return what was changed in a series whose id is `master`."""
    original = {"dateTime": start(day).isoformat(), "timeZone": ZONE}
    more = {"recurringEventId": master, "originalStartTime": original}
    return event(mark, day, **more, summary=f"{mark}-evmoved")


def listed(mark: str, calendar_id: str) -> dict[str, Any]:
    """Return the entry of a list of calendars for one that is there."""

    def own(name: str) -> str:
        return f"{mark}-cal{name}"

    return {
        "kind": own("kind"),
        "etag": f'"{own("etag")}"',
        "id": calendar_id,
        "summary": own("summary"),
        "summaryOverride": own("override"),
        "description": own("description"),
        "location": own("location"),
        "timeZone": own("zone"),
        "dataOwner": f"{own('owner')}@x.example",
        "colorId": own("colorid"),
        "backgroundColor": own("background"),
        "foregroundColor": own("foreground"),
        "accessRole": "owner",
        "defaultReminders": [{"method": own("remindermethod"), "minutes": 5}],
        "notificationSettings": {
            "notifications": [{"method": own("notifymethod"), "type": own("notifytype")}]
        },
        "conferenceProperties": {"allowedConferenceSolutionTypes": [own("solution")]},
    }


def calendar_fields(mark: str, *, series_id: str, team_id: str) -> dict[str, Any]:
    """
    Return two calendars as the sandbox is seeded with them.

    :param series_id: of the series in the first; `team_id` is the second calendar's
    """
    series = {
        "start": {"dateTime": start(0).isoformat(), "timeZone": ZONE},
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"],
    }
    return {
        "time_zone": ZONE,
        "events": [
            event(mark, 1),
            event(mark, 0, **series, id=series_id),
            moved(mark, series_id, 2),
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
