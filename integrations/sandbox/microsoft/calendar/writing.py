"""Create, change, delete, cancel, answer. Exchange always writes to the attendees."""

from typing import Any

from integrations.sandbox.calendars.store import Calendar, interval, new_event_id
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.microsoft.calendar import meetings, reading, shapes, written
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask

CREATED, ACCEPTED = 201, 202
# What makes two creations with one transactionId the same.
SAME = ("summary", "start", "end", "recurrence", "location")


def create(ask: Ask) -> tuple[int, dict[str, Any]]:
    found = reading.seen_of(ask)
    if not found.may("writer"):
        raise problems.access_denied()
    body = ask.json()
    made = written.read(body, {})
    if "start" not in made or "end" not in made:
        raise problems.bad_request("start and end are required.", "ErrorPropertyValidationFailure")
    calendar = found.calendar
    _check(calendar, made)
    transaction = body.get("transactionId")
    for one in calendar.events.values() if transaction else ():
        if (
            one.get("graph", {}).get("transactionId") == transaction
            and one["status"] != "cancelled"
        ):
            return _again(ask, calendar, one, made)
    new = {
        "id": new_event_id(),
        "status": "confirmed",
        "organizer": {"email": ask.account.email, "displayName": ask.account.name},
        **made,
    }
    new["iCalUID"] = f"040000008200E00074C5B7101A82E008{new['id'].upper()}"
    # What was sent, before the address of a meeting is added to it.
    new["graph"]["sentText"] = new.get("description", "")
    new = meetings.switched(new, {}, is_personal=ask.account.is_personal)
    calendar.put(new)
    _invite(ask, new)
    return CREATED, _shown(ask, calendar, new)


def _again(ask: Ask, calendar: Calendar, known: Event, made: Event) -> tuple[int, dict[str, Any]]:
    text = known.get("graph", {}).get("sentText", known.get("description", ""))
    if text != made.get("description", "") or any(
        known.get(name) != made.get(name) for name in SAME
    ):
        raise problems.error(
            ask.world.dials.graph_duplicate_status,
            "ErrorDuplicateTransactionId",
            "Your request can't be completed. The TransactionId has already been used to create a "
            "different event.",
        )
    return CREATED, _shown(ask, calendar, known)


def _check(calendar: Calendar, event: Event) -> None:
    start, end = interval(event, calendar)
    if end < start:
        raise problems.bad_request(
            "The EndDate must be later than the StartDate.", "ErrorPropertyValidationFailure"
        )


def _shown(ask: Ask, calendar: Calendar, event: Event) -> dict[str, Any]:
    return ask.context("events/$entity") | shapes.shown(ask, calendar, event)


def _invite(ask: Ask, event: Event) -> None:
    if guests := len(event.get("attendees", [])):
        ask.world.journal.invited(ask.account.email, guests)


def _writable(ask: Ask) -> tuple[Calendar, Event]:
    """:raises Problem: read-only, or `If-Match` names another state than the present one"""
    calendar, event = reading.find(ask)
    seen = next(one for one in reading.lists(ask).seen.values() if one.calendar is calendar)
    if not seen.may("writer"):
        raise problems.access_denied()
    wanted = ask.call.headers.get("if-match", "")
    if wanted not in ("", "*", f'W/"{shapes.etag(calendar, event)}"'):
        raise problems.conflict(ask.world.dials.graph_conflict_status)
    return calendar, event


def patch(ask: Ask) -> dict[str, Any]:
    """Of an occurrence it makes an exception; of a master it changes the series."""
    calendar, event = _writable(ask)
    body = ask.json()
    body.pop("transactionId", None)
    changed = event | written.read(body, event)
    if "recurrence" in body and not body["recurrence"]:
        changed.pop("recurrence", None)
    if event.get("recurringEventId"):
        changed.pop("recurrence", None)
        _keep_order(calendar, changed)
    _check(calendar, changed)
    changed = meetings.switched(changed, event, is_personal=ask.account.is_personal)
    calendar.put(changed)
    _invite(ask, changed)
    return _shown(ask, calendar, changed)


def _keep_order(calendar: Calendar, changed: Event) -> None:
    """:raises Problem: an occurrence may not be moved past the one before or after it"""
    master = calendar.events[changed["recurringEventId"]]
    start, _ = interval(changed, calendar)
    original = interval(
        {"start": changed["originalStartTime"], "end": changed["originalStartTime"]}, calendar
    )[0]
    low, high = min(start, original), max(start, original)
    for one in reading.inside(calendar, low, high):
        if one.get("recurringEventId") == master["id"] and one["id"] != changed["id"]:
            there = interval(one, calendar)[0]
            if low < there < high or there == start:
                raise problems.bad_request(
                    "Cannot move the occurrence: it would cross an adjacent occurrence.",
                    "ErrorOccurrenceCrossingBoundary",
                )


def delete(ask: Ask) -> None:
    calendar, event = _writable(ask)
    _invite(ask, event)
    calendar.cancel(dict(event))


def cancel(ask: Ask) -> tuple[int, None]:
    calendar, event = _writable(ask)
    if event.get("organizer", {}).get("email", ask.account.email) != ask.account.email:
        raise problems.bad_request("Only the organizer can cancel.", "ErrorInvalidOperation")
    _invite(ask, event)
    calendar.cancel(dict(event))
    return ACCEPTED, None


def accept(ask: Ask) -> tuple[int, None]:
    return _answered(ask, "accepted")


def decline(ask: Ask) -> tuple[int, None]:
    """The event leaves the calendar of whoever declines."""
    return _answered(ask, "declined")


def tentatively(ask: Ask) -> tuple[int, None]:
    return _answered(ask, "tentative")


def _answered(ask: Ask, answer: str) -> tuple[int, None]:
    calendar, event = reading.find(ask)
    mine = ask.account.email.lower()
    if event.get("organizer", {}).get("email", "").lower() == mine:
        raise problems.bad_request(
            "Your request can't be completed. You're the organizer of this meeting.",
            "ErrorInvalidRequest",
        )
    guests = [dict(one) for one in event.get("attendees", [])]
    for one in guests:
        if one.get("email", "").lower() == mine:
            one["responseStatus"] = answer
    changed = event | {"attendees": guests}
    if answer == "declined":
        calendar.cancel(changed)
    else:
        calendar.put(changed)
    if ask.parameters().get("sendResponse", True):
        ask.world.journal.invited(ask.account.email, 1)
    return ACCEPTED, None
