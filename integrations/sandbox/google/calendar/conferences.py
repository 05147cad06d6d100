"""A conference that is asked for comes later: pending at first, made when it is looked at."""

from typing import Any

from integrations.sandbox.calendars.times import Event
from integrations.sandbox.google import problems
from integrations.sandbox.google.calendar.ask import Ask


def ask_for(ask: Ask, event: Event, body: dict[str, Any], before: Event | None = None) -> None:
    """
    Without `conferenceDataVersion=1` conference data is passed over.

    With it, data without a request is another event's conference, shared by this one.
    """
    if ask.text("conferenceDataVersion", "0") != "1":
        event.pop("conferenceData", None)
        if before is not None and "conferenceData" in before:
            event["conferenceData"] = before["conferenceData"]
        return
    data = body.get("conferenceData")
    if not data:
        return
    request = data.get("createRequest")
    if request is None:
        if not data.get("conferenceId"):
            raise problems.bad_value("Invalid conference data.")
        uris = [one.get("uri") for one in data.get("entryPoints", []) if one.get("uri")]
        event["hangoutLink"] = uris[0] if uris else ""
        return
    name = request.get("requestId")
    if not name:
        raise problems.bad_value("Missing requestId.", "required")
    if name in ask.world.conferences:
        # Ignored, as Google does with a request that it has seen.
        event["conferenceData"] = ask.world.conferences[name]
        return
    made = {"createRequest": {**request, "status": {"statusCode": "pending"}}}
    ask.world.conferences[name] = event["conferenceData"] = made


def settle(ask: Ask, event: Event) -> None:
    """The next look finds it made, or failed, as the dial says."""
    data = event.get("conferenceData") or {}
    status = data.get("createRequest", {}).get("status", {})
    if status.get("statusCode") != "pending":
        return
    status["statusCode"] = ask.world.dials.conference
    if status["statusCode"] == "success":
        link = f"{ask.world.url}/meet/{event['id'][:10]}"
        data["conferenceId"] = event["id"][:10]
        data["entryPoints"] = [{"entryPointType": "video", "uri": link}]
        event["hangoutLink"] = link
