"""A chosen file taken into a calendar that lives here: all of it, or nothing and why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from accounts.actors import Actor
from accounts.rate_limits import Rate
from integrations.access import calendar_permits
from integrations.access.calendar_permits import Wanted
from integrations.formats.icalendar import reader, split_series
from integrations.formats.icalendar.reader import Entry, File
from integrations.models import Calendar
from integrations.parsers import calendar_files
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks import calendar as sink
from limited_use.sinks.rows import Row

from . import local_events
from .local_event_types import Kept, Write

#: How often somebody may have a file read: that takes seconds.
RATE: Final = Rate("import", 30, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """
    What came of a file: events that were not here, that were, and that it calls off.

    :param left_out: what of it is not kept here, in words
    """

    added: int
    replaced: int
    removed: int
    left_out: tuple[str, ...]


def take(*, actor: Actor, calendar_id: UUID, data: bytes, at: datetime) -> Imported:
    """
    Put what a file holds into a calendar of theirs that lives here.

    An event that is here already, by its UID, is replaced: a file may be taken again, and files
    that overlap make no doubles. Times that name no zone are in the calendar's own.

    :raises integrations.formats.icalendar.file_problems.Unreadable: if any line cannot be followed,
        or the file takes too much to read
    :raises integrations.parsers.process_pool.Busy: if nothing is free to read it now
    :raises integrations.access.request_context.NotFound: if there is no such calendar of theirs
    :raises keeping.Full: if there is no room for all of it
    """
    # First whose it is: a file for a calendar of somebody else is not worth reading.
    [calendar] = local_events.mine(actor, [calendar_id])
    file = calendar_files.read_file(data, zone=_zone(actor, calendar, at))
    write = Write(
        put=[_kept(one) for one in file.entries],
        drop=[*file.cancelled, *_alone_before(file)],
        parts=[*_parts_before(file)],
    )
    written = local_events.keep(actor=actor, writes={calendar_id: write}, at=at)[calendar_id]
    return Imported(
        added=len(write.put) - len(written.replaced),
        replaced=len(written.replaced),
        removed=written.dropped,
        left_out=file.left_out,
    )


def _zone(actor: Actor, calendar: Calendar, at: datetime) -> str:
    """Return the zone of a calendar, and nothing else of what it is."""
    wanted = Wanted(calendar, (DataClass.CALENDAR_EVENT,), count=1, names_only=True)
    permits = calendar_permits.to_view(actor=actor, wanted=[wanted], at=at)
    row = Row(calendar, {"about": calendar.about})
    return sink.calendar_file([row], permits=permits, viewer=actor, make=_named, at=at).decode()


def _named(opened: sink.Opened) -> bytes:
    [(_, values)] = opened
    zone: str = orjson.loads(values["about"])["zone"]
    return zone.encode()


def _kept(one: Entry) -> Kept:
    return Kept(uid=one.uid, whole=one.whole, sequence=one.sequence, organizer=one.organizer)


def _alone_before(file: File) -> Iterator[str]:
    """Yield what was taken as an event of its own while its series was not in the file."""
    for one in file.entries:
        for original in one.whole.exceptions:
            yield reader.name_alone(one.uid, original)


def _parts_before(file: File) -> Iterator[str]:
    """Yield what may have followed a change of a series for good, and does not in this file."""
    there = {one.uid for one in file.entries}
    series = [
        one.uid for one in file.entries if not one.series_uid and one.whole.content.recurrence
    ]
    for uid in (*series, *file.cancelled):
        names = (split_series.name_part(uid, number) for number in range(1, split_series.MOST + 1))
        yield from (name for name in names if name not in there)
