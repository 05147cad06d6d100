"""Import an iCalendar file into a local calendar: all of it, or nothing with the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from accounts.actors import Actor
from accounts.rate_limit_counters import Rate
from integrations.access import calendar_permits
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.formats.icalendar import calendar_file_reader, split_series
from integrations.formats.icalendar.calendar_file_reader import CalendarFile, CalendarFileEntry
from integrations.models import Calendar
from integrations.parsers import calendar_files
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import calendar_sink as sink
from limited_use.sinks.sealed_rows import SealedRow

from . import local_events
from .local_event_types import CalendarWrite, LocalEventInput

#: Reading a file takes seconds.
RATE: Final = Rate("import", 30, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarImportResult:
    """
    Counts of events that are new, that existed, and that the file cancels.

    :param left_out: parts of the file that Antares does not store, in words
    """

    added_count: int
    replaced_count: int
    removed_count: int
    left_out: tuple[str, ...]


def import_calendar_file(
    *, actor: Actor, calendar_id: UUID, data: bytes, at: datetime
) -> CalendarImportResult:
    """
    An event with an existing UID is replaced, so importing again creates no duplicates. Times
    without a zone are in the calendar's zone.

    :raises integrations.formats.icalendar.file_problems.UnreadableCalendarFile: also if the file
        is too expensive to read
    :raises integrations.parsers.parser_pool.ParsersBusy, local_events.LocalCalendarFull:
    :raises integrations.access.request_context.ObjectNotFound:
    """
    # The owner is checked first: reading a file is expensive.
    [calendar] = local_events.get_local_calendars(actor, [calendar_id])
    file = calendar_files.read_file(data, zone=_get_zone(actor, calendar, at))
    write = CalendarWrite(
        put=[_to_local_event(entry) for entry in file.entries],
        drop=[*file.cancelled_uids, *_list_alone_uids(file)],
        part_uids=[*_list_part_uids(file)],
    )
    result = local_events.write_local_events(actor=actor, writes={calendar_id: write}, at=at)[
        calendar_id
    ]
    return CalendarImportResult(
        added_count=len(write.put) - len(result.replaced_uids),
        replaced_count=len(result.replaced_uids),
        removed_count=result.dropped_count,
        left_out=file.left_out,
    )


def _get_zone(actor: Actor, calendar: Calendar, at: datetime) -> str:
    view_request = CalendarViewRequest(
        calendar, (DataClass.CALENDAR_EVENT,), count=1, names_only=True
    )
    permits = calendar_permits.to_view(actor=actor, view_requests=[view_request], at=at)
    row = SealedRow(calendar, {"about": calendar.about})
    return sink.calendar_file([row], permits=permits, viewer=actor, make=_read_zone, at=at).decode()


def _read_zone(opened_rows: sink.OpenedRows) -> bytes:
    [(_, values)] = opened_rows
    zone: str = orjson.loads(values["about"])["zone"]
    return zone.encode()


def _to_local_event(entry: CalendarFileEntry) -> LocalEventInput:
    return LocalEventInput(
        uid=entry.uid, series=entry.event, sequence=entry.sequence, organizer=entry.organizer
    )


def _list_alone_uids(file: CalendarFile) -> Iterator[str]:
    """Yield UIDs of single events from an earlier file without their series."""
    for entry in file.entries:
        for original in entry.event.exceptions:
            yield calendar_file_reader.name_orphan(entry.uid, original)


def _list_part_uids(file: CalendarFile) -> Iterator[str]:
    """Yield UIDs of later parts of split series that this file no longer has."""
    present_uids = {entry.uid for entry in file.entries}
    series = [
        entry.uid
        for entry in file.entries
        if not entry.series_uid and entry.event.content.recurrence
    ]
    for uid in (*series, *file.cancelled_uids):
        part_uids = (
            split_series.name_series_part(uid, number)
            for number in range(1, split_series.MAX_CHANGES + 1)
        )
        yield from (part_uid for part_uid in part_uids if part_uid not in present_uids)
