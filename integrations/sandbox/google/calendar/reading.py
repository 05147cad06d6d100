"""events.list, get and instances."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.calendars import series, times
from integrations.sandbox.calendars.store import Calendar, Seen, interval
from integrations.sandbox.calendars.times import Event
from integrations.sandbox.google import problems
from integrations.sandbox.google.calendar import conferences, tokens
from integrations.sandbox.google.calendar.ask import Ask
from integrations.sandbox.google.calendar.lists import REMINDERS
from integrations.sandbox.google.calendar.tokens import DAY, Token

NOT_WITH_SYNC = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin",
    "timeMax", "updatedMin",
)  # fmt: skip
# What whoever may only see when somebody is busy gets to see of an event.
BUSY_ONLY = ("kind", "etag", "id", "status", "start", "end", "recurrence", "recurringEventId",
             "originalStartTime", "transparency", "updated")  # fmt: skip


def list_(ask: Ask) -> dict[str, Any]:
    seen = ask.seen()
    calendar = seen.calendar
    asked = tokens.question(ask.call, "events", calendar.id)
    version, since, place = calendar.version, -1, 0
    page, sync = ask.text("pageToken"), ask.text("syncToken")
    if sync:
        _check_sync(ask)
        token = tokens.read(sync, asked)
        age = ask.world.clock.now() - token.made_at
        if token.version < calendar.forgotten or age > ask.world.dials.sync_token_days * DAY:
            raise problems.full_sync_required()
        since = token.version
    if page:
        token = tokens.read(page, asked)
        version, since, place = token.version, token.since, token.place
    found = [show(ask, seen, event) for event in _found(ask, calendar, since)]
    return _page(ask, seen, found, Token(asked, version, ask.world.clock.now(), since, place))


def _check_sync(ask: Ask) -> None:
    for name in NOT_WITH_SYNC:
        if ask.text(name):
            raise problems.bad_value(f"Sync token cannot be used with {name}.")
    if ask.text("showDeleted") == "false":
        raise problems.bad_value("Sync token cannot be used with showDeleted=false.")


def _page(ask: Ask, seen: Seen, found: list[Event], at: Token) -> dict[str, Any]:
    dials = ask.world.dials
    size = ask.number("maxResults", 250, 2500)
    size = min(size, dials.event_page or size)
    # With the dial on, odd places are the empty pages between.
    begin = at.place // 2 if dials.empty_event_pages else at.place
    is_empty = bool(dials.empty_event_pages and at.place % 2)
    items = [] if is_empty else found[begin : begin + size]
    reached = begin if is_empty else begin + size
    answer = _envelope(seen) | {"items": items}
    if reached < len(found):
        following = reached
        if dials.empty_event_pages:
            following = 2 * reached + (0 if is_empty else 1)
        more = Token(at.question, at.version, at.made_at, at.since, following)
        return answer | {"nextPageToken": str(more)}
    if ask.method.id.endswith(".instances"):
        return answer
    return answer | {"nextSyncToken": str(Token(at.question, at.version, at.made_at))}


def _envelope(seen: Seen) -> dict[str, Any]:
    return {
        "kind": "calendar#events",
        "etag": f'"p{seen.calendar.version}"',
        "summary": seen.calendar.summary,
        "description": "",
        "updated": times.stamp(datetime.fromtimestamp(seen.calendar.clock.now(), tz=UTC)),
        "timeZone": seen.calendar.time_zone,
        "accessRole": seen.role,
        "defaultReminders": REMINDERS if seen.primary else [],
    }


def _found(ask: Ask, calendar: Calendar, since: int) -> Iterator[Event]:
    if since >= 0:
        changed = calendar.since(since)
        yield from _expanded(ask, calendar, changed) if ask.flag("singleEvents") else changed
        return
    after = ask.moment("updatedMin")
    if after and (ask.now - after).total_seconds() > ask.world.dials.sync_token_days * DAY:
        raise problems.updated_min_too_long_ago()
    shows_deleted = ask.flag("showDeleted") or after is not None
    lower, upper = ask.moment("timeMin"), ask.moment("timeMax")
    if lower and upper and lower >= upper:
        raise problems.bad_value("The specified time range is empty.", "timeRangeEmpty")
    events: Iterator[Event] = iter(list(calendar.events.values()))
    if ask.flag("singleEvents"):
        events = _expanded(ask, calendar, events)
    chosen = [
        event
        for event in events
        if (shows_deleted or _is_shown(event, calendar, single=ask.flag("singleEvents")))
        and (after is None or times.moment(event["updated"]) >= after)
        and _within(event, calendar, lower, upper)
        and _matches(ask, event)
    ]
    if ask.text("orderBy") == "startTime":
        if not ask.flag("singleEvents"):
            raise problems.bad_value("The requested ordering is not available.", "badRequest")
        chosen.sort(key=lambda event: interval(event, calendar)[0])
    elif ask.text("orderBy") == "updated":
        chosen.sort(key=lambda event: event["updated"])
    yield from chosen


def _is_shown(event: Event, calendar: Calendar, *, single: bool) -> bool:
    """Cancelled instances of a living series are told, because without them it would show them."""
    if event["status"] != "cancelled":
        return True
    master = calendar.events.get(event.get("recurringEventId", ""))
    return not single and master is not None and master["status"] != "cancelled"


def _expanded(ask: Ask, calendar: Calendar, events: Iterator[Event]) -> Iterator[Event]:
    lower, upper = ask.moment("timeMin"), ask.moment("timeMax")
    for event in events:
        if "recurrence" in event and event["status"] != "cancelled":
            below = calendar.exceptions(event["id"])
            yield from series.expanded(event, below, calendar.time_zone, lower=lower, upper=upper)
        elif "recurringEventId" not in event:
            yield event


def _within(
    event: Event, calendar: Calendar, lower: datetime | None, upper: datetime | None
) -> bool:
    if (lower is None and upper is None) or "start" not in event:
        return True
    if "recurrence" in event:
        below = calendar.exceptions(event["id"])
        zone = calendar.time_zone
        return any(
            _overlaps(one, calendar, lower, upper)
            for one in series.expanded(event, below, zone, lower=lower, upper=upper)
        )
    return _overlaps(event, calendar, lower, upper)


def _overlaps(
    event: Event, calendar: Calendar, lower: datetime | None, upper: datetime | None
) -> bool:
    start, end = interval(event, calendar)
    return (lower is None or end > lower) and (upper is None or start < upper)


def _matches(ask: Ask, event: Event) -> bool:
    words, uid = ask.text("q").lower(), ask.text("iCalUID")
    text = " ".join(str(event.get(name, "")) for name in ("summary", "description", "location"))
    kinds = ask.texts("eventTypes")
    return (
        (not words or words in text.lower())
        and (not uid or event.get("iCalUID") == uid)
        and (not kinds or event.get("eventType", "default") in kinds)
        and _has_properties(ask, event)
    )


def _has_properties(ask: Ask, event: Event) -> bool:
    held = event.get("extendedProperties", {})
    for kind in ("private", "shared"):
        for wanted in ask.texts(f"{kind}ExtendedProperty"):
            name, _, value = wanted.partition("=")
            if held.get(kind, {}).get(name) != value:
                return False
    return True


def get(ask: Ask) -> dict[str, Any]:
    seen = ask.seen()
    return show(ask, seen, event_of(ask, seen.calendar))


def event_of(ask: Ask, calendar: Calendar) -> Event:
    """
    The event of the path; an instance that nobody touched is made from its series.

    :raises Problem: 404
    """
    event_id = ask.path["eventId"]
    found = calendar.events.get(event_id)
    if found is not None:
        return found
    master_id, _, suffix = event_id.rpartition("_")
    master = calendar.events.get(master_id)
    if master is not None and "recurrence" in master and master["status"] != "cancelled":
        clock = series.clock_of(master, suffix, calendar.time_zone)
        if clock is not None:
            return series.instance(master, clock, calendar.time_zone)
    raise problems.calendar_not_found()


def instances(ask: Ask) -> dict[str, Any]:
    seen = ask.seen()
    calendar = seen.calendar
    master = event_of(ask, calendar)
    if "recurrence" not in master:
        raise problems.bad_value("The event is not a recurring event.")
    asked = tokens.question(ask.call, "instances", calendar.id, master["id"])
    lower, upper = ask.moment("timeMin"), ask.moment("timeMax")
    below = calendar.exceptions(master["id"])
    found = [
        show(ask, seen, one)
        for one in series.expanded(master, below, calendar.time_zone, lower=lower, upper=upper)
        if (ask.flag("showDeleted") or one["status"] != "cancelled")
        and _overlaps(one, calendar, lower, upper)
    ]
    page = ask.text("pageToken")
    place = tokens.read(page, asked).place if page else 0
    return _page(ask, seen, found, Token(asked, calendar.version, 0.0, -1, place))


def show(ask: Ask, seen: Seen, event: Event) -> Event:
    """As this person sees it: a cancelled one is hardly more than its id."""
    calendar = seen.calendar
    if ask.call.method == "GET":
        conferences.settle(ask, event)
    etag = calendar.etag(event["id"])
    if event["status"] == "cancelled":
        kept = {name: event[name] for name in _OF_A_CANCELLED if name in event}
        if "recurringEventId" not in event:
            kept = {"id": event["id"], "status": "cancelled"}
        return {"kind": "calendar#event", "etag": etag, **kept}
    shown = {"kind": "calendar#event", "etag": etag, **event}
    is_private = event.get("visibility") in {"private", "confidential"}
    if seen.role == "freeBusyReader" or (is_private and not seen.may("writer")):
        return {name: value for name, value in shown.items() if name in BUSY_ONLY}
    limit = ask.number("maxAttendees", 0, 10_000) if ask.text("maxAttendees") else 0
    if limit and len(event.get("attendees", [])) > limit:
        own = [one for one in event["attendees"] if one.get("self")]
        shown |= {"attendees": own or event["attendees"][:limit], "attendeesOmitted": True}
    return shown


_OF_A_CANCELLED = ("id", "status", "recurringEventId", "originalStartTime")
