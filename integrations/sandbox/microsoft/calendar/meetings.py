"""
Online meetings: the address that Graph writes into the text of an event.

As with Graph, a text without it switches the meeting off, and no two events share an address.
"""

from typing import Any

from integrations.sandbox.calendars.times import Event

LINE = "_" * 80
BLOCK = (
    '<div style="width:100%; height:20px"><span style="white-space:nowrap">{line}</span> </div>'
    '<div class="me-email-text" lang="en-US"><div><span>Microsoft Teams meeting</span></div>'
    '<div><a class="me-email-headline" href="{address}">Join the meeting now</a></div></div>'
    '<div style="width:100%; height:20px"><span style="white-space:nowrap">{line}</span> </div>'
)


def address(event: Event) -> str:
    """Return where an event meets; an occurrence meets where its series does."""
    name = event.get("recurringEventId") or event["id"]
    return f"https://teams.microsoft.com/l/meetup-join/{name}"


def shown(event: Event, extra: dict[str, Any]) -> dict[str, str] | None:
    return {"joinUrl": address(event)} if extra.get("isOnlineMeeting") else None


def switched(changed: Event, before: Event, *, is_personal: bool) -> Event:
    """Return an event as it is kept: with the address of its meeting in its text, or without."""
    extra = dict(changed.get("graph", {}))
    if not extra.get("isOnlineMeeting"):
        return changed
    if is_personal:
        return changed | {"graph": extra | {"isOnlineMeeting": False}}
    text, where = changed.get("description", ""), address(changed)
    was_on = before.get("graph", {}).get("isOnlineMeeting", False)
    if was_on and where in before.get("description", "") and where not in text:
        off = {"isOnlineMeeting": False, "onlineMeetingProvider": "unknown"}
        return changed | {"graph": extra | off}
    if extra.get("onlineMeetingProvider", "unknown") == "unknown":
        extra["onlineMeetingProvider"] = "teamsForBusiness"
    if not was_on and where not in text:
        text += BLOCK.format(line=LINE, address=where)
    return changed | {"description": text, "graph": extra}
