from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from integrations.formats.event_content import EventContent, When
from integrations.formats.icalendar.calendar_file_reader import CalendarFile, CalendarFileEntry
from integrations.formats.icalendar.file_problems import FileProblem
from integrations.formats.recurrence.series import StartKey, to_start_key
from integrations.formats.recurrence.series_edits import SeriesWithExceptions

from .parser_frames import UnreadableItem


class ReadCalendarFile(msgspec.Struct, frozen=True, tag=True):
    """`zone` is the IANA zone for times without one."""

    data: bytes
    zone: str


class PackedException(msgspec.Struct, frozen=True, array_like=True):
    """`content` is None for a cancelled occurrence."""

    original: When
    content: EventContent | None


class PackedEntry(msgspec.Struct, frozen=True, array_like=True):
    """See `calendar_file_reader.CalendarFileEntry`."""

    uid: str
    content: EventContent
    exceptions: list[PackedException]
    sequence: int
    organizer: str
    line: int
    series_uid: str


class CalendarFileReply(msgspec.Struct, frozen=True, tag=True):
    """See `calendar_file_reader.CalendarFile`."""

    entries: list[PackedEntry]
    cancelled_uids: list[str]
    left_out: list[str]


class CalendarFileRefusal(msgspec.Struct, frozen=True, tag=True):
    """See `file_problems.UnreadableCalendarFile`."""

    problems: list[FileProblem]
    has_more: bool


CALENDAR_FILE_REPLY: Final = msgspec.msgpack.Decoder(
    CalendarFileReply | CalendarFileRefusal | UnreadableItem
)


def pack_file(file: CalendarFile) -> CalendarFileReply:
    return CalendarFileReply(
        [_pack_entry(entry) for entry in file.entries],
        list(file.cancelled_uids),
        list(file.left_out),
    )


def unpack_file(reply: CalendarFileReply) -> CalendarFile:
    return CalendarFile(
        entries=tuple(map(_unpack_entry, reply.entries)),
        cancelled_uids=tuple(reply.cancelled_uids),
        left_out=tuple(reply.left_out),
    )


def _pack_entry(entry: CalendarFileEntry) -> PackedEntry:
    return PackedEntry(
        entry.uid,
        entry.event.content,
        list(_pack_exceptions(entry.event)),
        entry.sequence,
        entry.organizer,
        entry.line,
        entry.series_uid,
    )


def _pack_exceptions(event: SeriesWithExceptions) -> Iterator[PackedException]:
    for original, content in event.exceptions.items():
        yield PackedException(_to_when(original), content)


def _to_when(original: StartKey) -> When:
    return When(at=original) if isinstance(original, datetime) else When(day=original)


def _unpack_entry(entry: PackedEntry) -> CalendarFileEntry:
    exceptions = {
        to_start_key(exception.original): exception.content for exception in entry.exceptions
    }
    return CalendarFileEntry(
        uid=entry.uid,
        event=SeriesWithExceptions(entry.content, exceptions),
        sequence=entry.sequence,
        organizer=entry.organizer,
        line=entry.line,
        series_uid=entry.series_uid,
    )
