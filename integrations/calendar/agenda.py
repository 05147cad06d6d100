"""
One view over all calendars: what happens in a window.

Rows, then permits for what they will open, then a sink. What cannot be shown, because its copy is
too old and none came in time, is said beside the rest and never left out silently.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from accounts.actors import ActorKind
from integrations.access import calendar_permits
from integrations.access.calendar_permits import Wanted
from integrations.access.request_context import Asked, NotFound
from integrations.formats import timezones
from integrations.formats.recurrence import expansion
from integrations.formats.recurrence.expansion import BadWindow, Window
from integrations.formats.recurrence.rrule_iter import Work
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks import calendar as sink
from limited_use.sinks.rows import Permits, Row

from . import (
    calendar_access,
    event_descriptions,
    event_json,
    event_rows,
    occurrences,
    pagination,
    refresh_on_read,
)
from .calendar_access import Visible
from .pagination import Paging

_EVENT: Final = DataClass.CALENDAR_EVENT
#: The longest window that is expanded at once.
LONGEST: Final = timedelta(days=100)
# Rows that one page opens, or those of one week: what lies further ahead is of the next.
_AT_ONCE: Final = 5_000
# Steps that one answer may take over all its series.
_WORK: Final = 200_000


class TooLong(Exception):
    """The window is longer than is shown at once. Ask for less."""


def window(start: datetime, end: datetime, *, zone: str) -> Window:
    """
    Return the window of a question.

    :raises BadWindow: if it ends before it starts, or lies where no calendar reaches
    :raises TooLong: if it is longer than `LONGEST`
    :raises integrations.formats.timezones.UnknownZone: if there is no such zone
    """
    if end <= start:
        raise BadWindow
    if end - start > LONGEST:
        raise TooLong
    return expansion.window(start, end, zone=timezones.iana(zone))


def everything(asked: Asked) -> list[Visible]:
    """Return every calendar that the actor may look at: their own first, then shared ones."""
    mine = calendar_access.own(actor=asked.actor, user_id=asked.user_id)
    if asked.actor.kind != ActorKind.PERSON or asked.actor.user_id != asked.user_id:
        return mine
    return [*mine, *calendar_access.shared(actor=asked.actor, at=asked.at)]


@dataclass(frozen=True, slots=True)
class Reading:
    """
    What a window needs: rows, permits, and which calendars could not be had.

    :param shown: whose events are among the rows
    :param missing: whose are not, though they were asked for
    :param withheld: those of the missing that whoever shares them may not show now
    :param until: where what was read ends, if that is short of the window
    """

    rows: Sequence[Row]
    permits: Permits
    shown: Sequence[Visible]
    missing: Sequence[Visible]
    withheld: Sequence[Visible] = ()
    until: datetime | None = None


def read(
    asked: Asked,
    inside: Window,
    *,
    calendar_ids: Collection[UUID] | None = None,
    details: bool = True,
    wait: bool = True,
) -> Reading:
    """
    Return what is in the window, brought in first where the copy is too old.

    :param calendar_ids: None: those that are to be shown
    :param wait: whether to wait for what is brought in
    :raises NotFound: if one of them is not there for the actor
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    found = selected(asked, calendar_ids)
    return read_of(asked, found, inside, details=details, wait=wait)


def selected(asked: Asked, calendar_ids: Collection[UUID] | None) -> list[Visible]:
    """
    Return the calendars that are asked for; None: those that are to be shown.

    :raises NotFound: if one of them is not there for the actor
    """
    found = everything(asked)
    if calendar_ids is not None and not set(calendar_ids) <= {one.calendar.id for one in found}:
        raise NotFound
    return calendar_access.chosen(found, calendar_ids)


def read_of(  # noqa: PLR0913 - one question in full
    asked: Asked,
    found: Sequence[Visible],
    inside: Window,
    *,
    details: bool,
    wait: bool,
    most: int | None = None,
) -> Reading:
    """
    Return what some calendars have in the window. See `read`.

    :param most: how many rows; where there are more, what the window begins with
    """
    coming = refresh_on_read.ask(found, at=asked.at)
    if wait and coming:
        refresh_on_read.wait(coming)
    at = asked.at
    current = [one for one in found if one.is_current(at)]
    start, end = inside.start, inside.end
    if most is not None:
        end = event_rows.reach(current, start=start, end=end, most=most)
    rows = event_rows.of_window(current, start=start, end=end, details=details)
    wanted = _wanted(current, rows, details=details)
    # What one person may no longer show takes nothing from what the others do.
    permits = calendar_permits.to_view_apart(actor=asked.actor, wanted=wanted, at=at)
    shown = [
        one
        for one, what in zip(current, wanted, strict=True)
        if calendar_permits.allows(permits, one.calendar, what.data_classes)
    ]
    may = {one.calendar.id for one in shown}
    return Reading(
        [one for one in rows if one.row.seen.calendar.id in may],
        permits,
        shown,
        [one for one in found if one not in shown],
        [one for one in current if one not in shown],
        end if end < inside.end else None,
    )


def permits_for(
    asked: Asked, shown: Sequence[Visible], rows: Sequence[Row], *, details: bool
) -> Permits:
    """
    Return permits for rows of these calendars, each of which has to be shown.

    :raises limited_use.guard.guard.Refused: if the policy does not allow one
    """
    wanted = _wanted(shown, rows, details=details)
    return calendar_permits.to_view(actor=asked.actor, wanted=wanted, at=asked.at)


def _wanted(shown: Sequence[Visible], rows: Sequence[Row], *, details: bool) -> list[Wanted]:
    counts: dict[UUID, int] = {}
    for one in rows:
        calendar_id = one.row.seen.calendar.id
        counts[calendar_id] = counts.get(calendar_id, 0) + 1
    return [
        Wanted(
            one.calendar,
            one.data_classes if details else (DataClass.CALENDAR_FREEBUSY,),
            share=one.share,
            count=counts.get(one.calendar.id, 0),
        )
        for one in shown
    ]


def list_events(  # noqa: PLR0913 - one question in full
    asked: Asked,
    inside: Window,
    *,
    calendar_ids: Collection[UUID] | None = None,
    limit: int,
    envelope: Mapping[str, Any],
    cursor: str | None = None,
) -> bytes:
    """
    Return a page of what happens in the window as JSON, by start. See `read`.

    A page may be short, or have nothing, though more follows: no page opens more than `_AT_ONCE`
    rows, or those of a week.

    :raises cursors.InvalidCursor: if `cursor` was not given for this very question, or what it
        was read under is no more
    :raises cursors.ExpiredCursor: if it is too old
    :raises integrations.parsers.process_pool.Busy: if a description has to be made safe again, and
        no process is free
    """
    chosen = selected(asked, calendar_ids)
    asking = pagination.page(
        cursor,
        audience=asked.audience,
        filters=pagination.filters(inside, calendar_ids, chosen),
        limit=limit,
        at=asked.at,
    )
    left = asking.from_here(inside)
    found = read_of(asked, chosen, left, details=True, wait=True, most=_AT_ONCE)
    if found.until is not None:
        left = expansion.window(left.start, found.until, zone=left.place.key)
    make = partial(
        _page,
        page=asking,
        inside=left,
        found=found,
        envelope={
            **envelope,
            "calendars": pagination.standing(
                found.shown, found.missing, found.withheld, at=asked.at
            ),
        },
    )
    return sink.calendar_json(
        found.rows, permits=found.permits, viewer=asked.actor, make=make, at=asked.at
    )


def _page(
    opened: sink.Opened,
    *,
    page: Paging,
    inside: Window,
    found: Reading,
    envelope: Mapping[str, Any],
) -> dict[str, Any]:
    expanded = occurrences.expand(opened, inside, work=Work(_WORK))
    shown, following = page.cut(expanded.happenings, inside, until=found.until)
    shown = event_descriptions.update_happenings(shown, found.permits)
    return {
        **envelope,
        "data": event_json.happenings(shown),
        "has_more": following is not None,
        "next_cursor": following,
        "unreadable": expanded.unreadable,
    }
