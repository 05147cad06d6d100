"""
Rounds of calendarView/delta: a window, whole, and from then on what changed of it.

The window is frozen in Graph's link. Occurrences come as skeletons: what a series shows follows
from its rule, and what differs from it is asked of the series itself, for a view leaves out what
was cancelled and what was moved out of the window. `@removed` may mean deleted, moved or out of
sight, so that what it names is looked up before anything is said to be gone. Of an occurrence
that is gone nothing tells whose it was: then every series is asked again.
https://learn.microsoft.com/en-us/graph/delta-query-events
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from integrations.providers import errors, storable_values
from integrations.providers.access import Access
from integrations.providers.calendars import CancelledInstance, EventPage, RemoteEvent
from integrations.providers.mail import name_of

from . import event_reader as reading
from .batch import call_in_batches
from .event_times import Owner
from .http import Outcome, Request, call, segment

# Each of a page may have to be looked at by itself, which takes five batches.
PAGE: Final = 100
SERIES: Final = {
    "$select": "id,type,seriesMasterId,iCalUId,subject,body,location,start,end,isAllDay,recurrence,"
    "attendees,organizer,isOrganizer,isCancelled,responseStatus,showAs,sensitivity,isReminderOn,"
    "reminderMinutesBeforeStart,originalStart,originalStartTimeZone,originalEndTimeZone,"
    "isOnlineMeeting,onlineMeeting,onlineMeetingUrl,lastModifiedDateTime,"
    "cancelledOccurrences,exceptionOccurrences",
    "$expand": "exceptionOccurrences",
}


class Mailbox(Protocol):
    """What a round needs of its adapter; the owner is asked for when it is needed."""

    @property
    def access(self) -> Access: ...

    @property
    def owner(self) -> Owner: ...


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a round is: what a cursor and a page's name hold, as JSON.

    `link` is Graph's next. `series` are those that lie in the window; those in `again` are still
    to be asked, once the round is over otherwise. `is_first`: of a window that was not seen before.
    """

    link: str
    is_first: bool = False
    series: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    is_over: bool = False

    def written(self) -> str:
        return json.dumps([self.link, self.is_first, self.series, self.again, self.is_over])

    @classmethod
    def read(cls, text: str) -> Place:
        """:raises CursorExpired: if it is none of ours"""
        try:
            link, is_first, series, again, is_over = json.loads(text)
            return cls(str(link), bool(is_first), tuple(series), tuple(again), bool(is_over))
        except (ValueError, TypeError):
            pass
        raise errors.CursorExpired("it is no place in a calendar's changes")


@dataclass(slots=True)
class _Found:
    events: list[RemoteEvent] = field(default_factory=list)
    cancelled: list[CancelledInstance] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    # Something is gone of which nobody knows what it was.
    is_unclear: bool = False


def begin(calendar_id: str, window: tuple[datetime, datetime]) -> Request:
    """Return the request that a round over all of `window` begins with."""
    query = {"startDateTime": _moment(window[0]), "endDateTime": _moment(window[1])}
    path = f"/me/calendars/{segment(calendar_id)}/calendarView/delta"
    return Request(path, query, prefer=(f"odata.maxpagesize={PAGE}",))


def first(mailbox: Mailbox, request: Request) -> EventPage:
    """Return the first page of a round over all of a window."""
    return _page(mailbox, call(request, mailbox.access), Place("", is_first=True))


def following(mailbox: Mailbox, place: Place) -> EventPage:
    """Return the page that a place stands before, or what changed since the end of a round."""
    if place.is_over:
        return _asked_again(mailbox, place)
    request = Request(place.link, prefer=(f"odata.maxpagesize={PAGE}",))
    return _page(mailbox, call(request, mailbox.access, not_found=errors.CursorExpired), place)


def _page(mailbox: Mailbox, answer: dict[str, Any], place: Place) -> EventPage:
    found = _Found()
    items = _named(answer.get("value") or [], found)
    removed = [str(one["id"]) for one in items if "@removed" in one]
    held = [one for one in items if "@removed" not in one]
    held += _looked_up(mailbox, removed, place, found)
    series = set(place.series) - set(found.deleted)
    asked = _masters(held, series)
    # No set: what a provider answers as a type may be anything.
    kinds = ("occurrence", "seriesMaster")
    for resource in _whole(mailbox, [one for one in held if one.get("type") not in kinds]):
        _take(mailbox, resource, found)
    if not place.is_first:
        # An occurrence is as its series says, and may not have been before.
        found.deleted += [str(one["id"]) for one in held if one.get("type") == "occurrence"]
    series = (series - set(asked)) | _take_series(mailbox, asked, found)
    again = tuple(sorted(series)) if found.is_unclear else place.again
    link, is_over = _link(answer)
    here = replace(place, link=link, series=tuple(sorted(series)), again=again, is_over=is_over)
    return _told(here, found)


def _named(items: Sequence[Any], found: _Found) -> list[dict[str, Any]]:
    """Return those items that say which event they are about; the others are rejected."""
    named: list[dict[str, Any]] = []
    for place, one in enumerate(items):
        name = name_of(one, place)
        if isinstance(one, dict) and one.get("id") == name:
            named.append(one)
        else:
            found.rejected[name] = "unreadable"
    return named


def _link(answer: dict[str, Any]) -> tuple[str, bool]:
    if link := storable_values.token(answer.get("@odata.nextLink")):
        return link, False
    if link := storable_values.token(answer.get("@odata.deltaLink")):
        return link, True
    raise errors.Unexpected("a page without a link")


def _told(place: Place, found: _Found) -> EventPage:
    is_last = place.is_over and not place.again
    # What follows the end of a round is news of a window that was seen.
    after = replace(place, is_first=False, is_over=False) if is_last else place
    return EventPage(
        events=tuple(found.events),
        cancelled=tuple(found.cancelled),
        deleted=tuple(found.deleted),
        rejected=found.rejected,
        next_page=None if is_last else after.written(),
        cursor=after.written() if is_last else None,
    )


def _masters(held: Sequence[dict[str, Any]], known: Iterable[str]) -> list[str]:
    """Return the series to be asked: those on the page, and those of what is, unless known."""
    mine = [str(one["id"]) for one in held if one.get("type") == "seriesMaster"]
    named = [str(one["seriesMasterId"]) for one in held if one.get("seriesMasterId")]
    return list(dict.fromkeys([*mine, *(one for one in named if one not in known)]))


def _looked_up(
    mailbox: Mailbox, removed: Sequence[str], place: Place, found: _Found
) -> list[dict[str, Any]]:
    """Return those that are there all the same, though perhaps not in the window."""
    held: list[dict[str, Any]] = []
    for event_id, answer in _asked(mailbox, removed, {}):
        if isinstance(answer, errors.Gone):
            found.deleted.append(event_id)
            found.is_unclear |= bool(place.series) and event_id not in place.series
        elif isinstance(answer, errors.ProviderError):
            raise answer
        else:
            held.append(answer)
    return held


def _take_series(mailbox: Mailbox, series: Sequence[str], found: _Found) -> set[str]:
    """Take each series with what differs from it, and return those that there are."""
    there: set[str] = set()
    for series_id, answer in _asked(mailbox, series, SERIES):
        try:
            if isinstance(answer, errors.ProviderError):
                raise answer
            whole = reading.series(answer, mailbox.owner)
        except errors.Gone:
            found.deleted.append(series_id)
            continue
        except errors.Rejected as error:
            found.rejected[series_id] = error.reason
            continue
        there.add(series_id)
        found.events += [whole.master, *whole.changed]
        found.cancelled += whole.cancelled
    return there


def _asked_again(mailbox: Mailbox, place: Place) -> EventPage:
    found = _Found()
    now, later = place.again[:PAGE], place.again[PAGE:]
    there = _take_series(mailbox, now, found)
    series = (set(place.series) - set(now)) | there
    return _told(replace(place, series=tuple(sorted(series)), again=later), found)


def _asked(
    mailbox: Mailbox, ids: Sequence[str], query: dict[str, str]
) -> list[tuple[str, Outcome]]:
    requests = [Request(f"/me/events/{segment(one)}", query) for one in ids]
    return list(zip(ids, call_in_batches(requests, mailbox.access), strict=True))


def _whole(mailbox: Mailbox, resources: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events as they are, also those that came with no more than their times."""
    bare = [str(one["id"]) for one in resources if "subject" not in one]
    read = dict(_asked(mailbox, bare, {}))
    return [_as_read(one, read.get(str(one["id"]))) for one in resources]


def _as_read(resource: dict[str, Any], answer: Outcome | None) -> dict[str, Any]:
    # What is gone goes with the next round.
    if answer is None or isinstance(answer, errors.Gone):
        return resource
    if isinstance(answer, errors.ProviderError):
        raise answer
    return answer


def _take(mailbox: Mailbox, resource: dict[str, Any], found: _Found) -> None:
    event_id = str(resource["id"])
    try:
        event = reading.event(resource, mailbox.owner)
    except errors.Rejected as error:
        found.rejected[event_id] = error.reason
        return
    if event is None:
        found.deleted.append(event_id)
    elif isinstance(event, CancelledInstance):
        found.cancelled.append(event)
    else:
        found.events.append(event)


def _moment(at: datetime) -> str:
    # Without an offset it is UTC; with one, Graph forgets which zone was preferred.
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
