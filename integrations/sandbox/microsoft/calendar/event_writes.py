"""Writes events. Exchange always writes to the attendees."""

from typing import Any

from integrations.sandbox.calendars.store import SandboxCalendar, get_interval, new_event_id
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import (
    event_format,
    event_input,
    event_queries,
    online_meetings,
)
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest

CREATED, ACCEPTED = 201, 202
# Must match when a transactionId is repeated.
TRANSACTION_FIELDS = ("summary", "start", "end", "recurrence", "location")


def create_event(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    list_entry = event_queries.find_list_entry(request)
    if not list_entry.has_role("writer"):
        raise problems.access_denied()
    body = request.read_json()
    content = event_input.read_event(body, {})
    if "start" not in content or "end" not in content:
        raise problems.bad_request("start and end are required.", "ErrorPropertyValidationFailure")
    calendar = list_entry.calendar
    _check_times(calendar, content)
    transaction = body.get("transactionId")
    for event in calendar.events.values() if transaction else ():
        if (
            event.get("graph", {}).get("transactionId") == transaction
            and event["status"] != "cancelled"
        ):
            return _repeat_creation(request, calendar, event, content)
    created = {
        "id": new_event_id(),
        "status": "confirmed",
        "organizer": {"email": request.account.email, "displayName": request.account.name},
        **content,
    }
    created["iCalUID"] = f"040000008200E00074C5B7101A82E008{created['id'].upper()}"
    # Without the meeting's address.
    created["graph"]["sentText"] = created.get("description", "")
    created = online_meetings.apply_meeting(created, {}, is_personal=request.account.is_personal)
    calendar.put_event(created)
    _count_invitations(request, created)
    return CREATED, _format_answer(request, calendar, created)


def _repeat_creation(
    request: GraphRequest, calendar: SandboxCalendar, known: Event, content: Event
) -> tuple[int, dict[str, Any]]:
    text = known.get("graph", {}).get("sentText", known.get("description", ""))
    if text != content.get("description", "") or any(
        known.get(name) != content.get(name) for name in TRANSACTION_FIELDS
    ):
        raise problems.make_problem(
            request.state.knobs.graph_duplicate_status,
            "ErrorDuplicateTransactionId",
            "Your request can't be completed. The TransactionId has already been used to create a "
            "different event.",
        )
    return CREATED, _format_answer(request, calendar, known)


def _check_times(calendar: SandboxCalendar, event: Event) -> None:
    start, end = get_interval(event, calendar)
    if end < start:
        raise problems.bad_request(
            "The EndDate must be later than the StartDate.", "ErrorPropertyValidationFailure"
        )


def _format_answer(
    request: GraphRequest, calendar: SandboxCalendar, event: Event
) -> dict[str, Any]:
    return request.make_context("events/$entity") | event_format.format_event(
        request, calendar, event
    )


def _count_invitations(request: GraphRequest, event: Event) -> None:
    if guests := len(event.get("attendees", [])):
        request.state.request_log.count_invitations(request.account.email, guests)


def _find_writable_event(request: GraphRequest) -> tuple[SandboxCalendar, Event]:
    """:raises HttpProblem: read-only, or `If-Match` differs"""
    calendar, event = event_queries.find_event(request)
    list_entry = next(
        candidate
        for candidate in event_queries.get_calendars(request).entries.values()
        if candidate.calendar is calendar
    )
    if not list_entry.has_role("writer"):
        raise problems.access_denied()
    etag = request.call.headers.get("if-match", "")
    if etag not in ("", "*", f'W/"{event_format.make_etag(calendar, event)}"'):
        raise problems.conflict(request.state.knobs.graph_conflict_status)
    return calendar, event


def patch_event(request: GraphRequest) -> dict[str, Any]:
    """Patching an occurrence makes an exception."""
    calendar, event = _find_writable_event(request)
    body = request.read_json()
    body.pop("transactionId", None)
    changed = event | event_input.read_event(body, event)
    if "recurrence" in body and not body["recurrence"]:
        changed.pop("recurrence", None)
    if event.get("recurringEventId"):
        changed.pop("recurrence", None)
        _check_occurrence_order(calendar, changed)
    _check_times(calendar, changed)
    changed = online_meetings.apply_meeting(changed, event, is_personal=request.account.is_personal)
    calendar.put_event(changed)
    _count_invitations(request, changed)
    return _format_answer(request, calendar, changed)


def _check_occurrence_order(calendar: SandboxCalendar, changed: Event) -> None:
    """:raises HttpProblem: an occurrence may not cross its neighbours"""
    master = calendar.events[changed["recurringEventId"]]
    start, _ = get_interval(changed, calendar)
    original = get_interval(
        {"start": changed["originalStartTime"], "end": changed["originalStartTime"]}, calendar
    )[0]
    low, high = min(start, original), max(start, original)
    for neighbour in event_queries.iterate_window(calendar, low, high):
        if neighbour.get("recurringEventId") == master["id"] and neighbour["id"] != changed["id"]:
            neighbour_start = get_interval(neighbour, calendar)[0]
            if low < neighbour_start < high or neighbour_start == start:
                raise problems.bad_request(
                    "Cannot move the occurrence: it would cross an adjacent occurrence.",
                    "ErrorOccurrenceCrossingBoundary",
                )


def delete_event(request: GraphRequest) -> None:
    calendar, event = _find_writable_event(request)
    _count_invitations(request, event)
    calendar.cancel_event(dict(event))


def cancel_event(request: GraphRequest) -> tuple[int, None]:
    calendar, event = _find_writable_event(request)
    if event.get("organizer", {}).get("email", request.account.email) != request.account.email:
        raise problems.bad_request("Only the organizer can cancel.", "ErrorInvalidOperation")
    _count_invitations(request, event)
    calendar.cancel_event(dict(event))
    return ACCEPTED, None


def accept_event(request: GraphRequest) -> tuple[int, None]:
    return _respond_to_event(request, "accepted")


def decline_event(request: GraphRequest) -> tuple[int, None]:
    """The event leaves the calendar."""
    return _respond_to_event(request, "declined")


def accept_tentatively(request: GraphRequest) -> tuple[int, None]:
    return _respond_to_event(request, "tentative")


def _respond_to_event(request: GraphRequest, answer: str) -> tuple[int, None]:
    calendar, event = event_queries.find_event(request)
    own_email = request.account.email.lower()
    if event.get("organizer", {}).get("email", "").lower() == own_email:
        raise problems.bad_request(
            "Your request can't be completed. You're the organizer of this meeting.",
            "ErrorInvalidRequest",
        )
    guests = [dict(attendee) for attendee in event.get("attendees", [])]
    for attendee in guests:
        if attendee.get("email", "").lower() == own_email:
            attendee["responseStatus"] = answer
    changed = event | {"attendees": guests}
    if answer == "declined":
        calendar.cancel_event(changed)
    else:
        calendar.put_event(changed)
    if request.read_parameters().get("sendResponse", True):
        request.state.request_log.count_invitations(request.account.email, 1)
    return ACCEPTED, None
