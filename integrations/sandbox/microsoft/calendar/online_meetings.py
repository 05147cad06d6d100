"""
Online meetings: Graph writes their address into the event's text, and a text without it switches
the meeting off.
"""

from typing import Any

from integrations.sandbox.calendars.times import Event

MEETING_RULE = "_" * 80
MEETING_BLOCK = (
    '<div style="width:100%; height:20px"><span style="white-space:nowrap">{line}</span> </div>'
    '<div class="me-email-text" lang="en-US"><div><span>Microsoft Teams meeting</span></div>'
    '<div><a class="me-email-headline" href="{address}">Join the meeting now</a></div></div>'
    '<div style="width:100%; height:20px"><span style="white-space:nowrap">{line}</span> </div>'
)


def get_meeting_address(event: Event) -> str:
    """Occurrences share their series' address."""
    name = event.get("recurringEventId") or event["id"]
    return f"https://teams.microsoft.com/l/meetup-join/{name}"


def format_meeting(event: Event, extra: dict[str, Any]) -> dict[str, str] | None:
    return {"joinUrl": get_meeting_address(event)} if extra.get("isOnlineMeeting") else None


def apply_meeting(changed: Event, before: Event, *, is_personal: bool) -> Event:
    extra = dict(changed.get("graph", {}))
    if not extra.get("isOnlineMeeting"):
        return changed
    if is_personal:
        return changed | {"graph": extra | {"isOnlineMeeting": False}}
    text, meeting_address = changed.get("description", ""), get_meeting_address(changed)
    was_online = before.get("graph", {}).get("isOnlineMeeting", False)
    if (
        was_online
        and meeting_address in before.get("description", "")
        and meeting_address not in text
    ):
        switched_off = {"isOnlineMeeting": False, "onlineMeetingProvider": "unknown"}
        return changed | {"graph": extra | switched_off}
    if extra.get("onlineMeetingProvider", "unknown") == "unknown":
        extra["onlineMeetingProvider"] = "teamsForBusiness"
    if not was_online and meeting_address not in text:
        text += MEETING_BLOCK.format(line=MEETING_RULE, address=meeting_address)
    return changed | {"description": text, "graph": extra}
