"""The task of reading a calendar file, and what it is answered with: what crosses the pipe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from integrations.formats.event import EventContent, When
from integrations.formats.icalendar.file_problems import Problem
from integrations.formats.icalendar.reader import Entry, File
from integrations.formats.recurrence.series import Start, key
from integrations.formats.recurrence.series_edits import Whole

from .wire_frames import Unreadable


class ReadCalendarFile(msgspec.Struct, frozen=True, tag=True):
    """Read a file; times that name no zone are in `zone`, an IANA name."""

    data: bytes
    zone: str


class ReadException(msgspec.Struct, frozen=True, array_like=True):
    """One occurrence of a series by its original start; `content` is None if it is cancelled."""

    original: When
    content: EventContent | None


class ReadEntry(msgspec.Struct, frozen=True, array_like=True):
    """See `reader.Entry`."""

    uid: str
    content: EventContent
    exceptions: list[ReadException]
    sequence: int
    organizer: str
    line: int
    series_uid: str


class FileRead(msgspec.Struct, frozen=True, tag=True):
    """See `reader.File`."""

    entries: list[ReadEntry]
    cancelled: list[str]
    left_out: list[str]


class FileRefused(msgspec.Struct, frozen=True, tag=True):
    """See `file_problems.Unreadable`."""

    problems: list[Problem]
    has_more: bool


FILE_READ: Final = msgspec.msgpack.Decoder(FileRead | FileRefused | Unreadable)


def pack(file: File) -> FileRead:
    """Return a file as it crosses the pipe."""
    return FileRead(
        [_pack_entry(entry) for entry in file.entries], list(file.cancelled), list(file.left_out)
    )


def unpack(read: FileRead) -> File:
    """Return a file as `reader.read` returns it."""
    return File(
        entries=tuple(map(_unpack_entry, read.entries)),
        cancelled=tuple(read.cancelled),
        left_out=tuple(read.left_out),
    )


def _pack_entry(entry: Entry) -> ReadEntry:
    return ReadEntry(
        entry.uid,
        entry.whole.content,
        list(_pack_exceptions(entry.whole)),
        entry.sequence,
        entry.organizer,
        entry.line,
        entry.series_uid,
    )


def _pack_exceptions(whole: Whole) -> Iterator[ReadException]:
    for original, content in whole.exceptions.items():
        yield ReadException(_when(original), content)


def _when(original: Start) -> When:
    return When(at=original) if isinstance(original, datetime) else When(day=original)


def _unpack_entry(entry: ReadEntry) -> Entry:
    exceptions = {key(one.original): one.content for one in entry.exceptions}
    return Entry(
        uid=entry.uid,
        whole=Whole(entry.content, exceptions),
        sequence=entry.sequence,
        organizer=entry.organizer,
        line=entry.line,
        series_uid=entry.series_uid,
    )
