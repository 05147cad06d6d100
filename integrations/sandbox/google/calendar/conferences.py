"""Conferences: pending when requested, complete after the first read."""

from typing import Any

from integrations.sandbox.calendars.times import Event
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.calendar.request import CalendarRequest


def request_conference(
    request: CalendarRequest, event: Event, body: dict[str, Any], before: Event | None = None
) -> None:
    """
    Ignored without `conferenceDataVersion=1`.

    Data without a request shares another event's conference.
    """
    if request.get_param("conferenceDataVersion", "0") != "1":
        event.pop("conferenceData", None)
        if before is not None and "conferenceData" in before:
            event["conferenceData"] = before["conferenceData"]
        return
    data = body.get("conferenceData")
    if not data:
        return
    create_request = data.get("createRequest")
    if create_request is None:
        if not data.get("conferenceId"):
            raise api_problems.bad_value("Invalid conference data.")
        uris = [
            entry_point.get("uri")
            for entry_point in data.get("entryPoints", [])
            if entry_point.get("uri")
        ]
        event["hangoutLink"] = uris[0] if uris else ""
        return
    name = create_request.get("requestId")
    if not name:
        raise api_problems.bad_value("Missing requestId.", "required")
    if name in request.state.conferences:
        # Google ignores repeated requests too.
        event["conferenceData"] = request.state.conferences[name]
        return
    pending_data = {"createRequest": {**create_request, "status": {"statusCode": "pending"}}}
    request.state.conferences[name] = event["conferenceData"] = pending_data


def complete_pending(request: CalendarRequest, event: Event) -> None:
    data = event.get("conferenceData") or {}
    status = data.get("createRequest", {}).get("status", {})
    if status.get("statusCode") != "pending":
        return
    status["statusCode"] = request.state.knobs.conference
    if status["statusCode"] == "success":
        link = f"{request.state.url}/meet/{event['id'][:10]}"
        data["conferenceId"] = event["id"][:10]
        data["entryPoints"] = [{"entryPointType": "video", "uri": link}]
        event["hangoutLink"] = link
