"""
What somebody wants to be in a calendar that lives here, by what it is called. Pure.

A write names events by what they are called across calendars (the UID of RFC 5545), so that to
write one again replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from integrations.formats.event import EventContent, When
from integrations.formats.recurrence.series import Start
from integrations.formats.recurrence.series_edits import Whole
from integrations.providers.calendars import CancelledInstance, EventPage, RemoteEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    An event or a series as it is to be, with all exceptions that it is to have.

    :param uid: what it is called; whatever of that name is there is replaced, with its exceptions
    :param sequence: how often its organiser changed it (RFC 5545, section 3.8.7.4)
    :param organizer: an address, where it is somebody else
    """

    uid: str
    whole: Whole
    sequence: int = 0
    organizer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """
    What becomes of one calendar.

    :param put: events to be there afterwards
    :param drop: names of those not to be there any more; what is not there is no error
    :param parts: names of what an earlier version of those events may have left there: removed with
        them, and not counted
    :param expected: by name, the etag that an event must have; None: it must not be there
    """

    put: Sequence[Kept] = ()
    drop: Sequence[str] = ()
    parts: Sequence[str] = ()
    expected: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many events it writes or removes."""
        return len(self.put) + len(self.drop)

    @property
    def names(self) -> frozenset[str]:
        put = (one.uid for one in self.put)
        return frozenset((*put, *self.drop, *self.parts, *self.expected))


@dataclass(frozen=True, slots=True)
class Written:
    """
    What became of it.

    :param etag: of every event that was put
    :param ids: our ids of the events that were put, by name
    :param replaced: names that were there before
    :param dropped: how many of those to be dropped there were
    """

    etag: str
    ids: Mapping[str, UUID]
    replaced: frozenset[str]
    dropped: int


def single(content: EventContent) -> Whole:
    """Return an event without exceptions."""
    return Whole(content, {})


def page(write: Write, *, etag: str) -> EventPage:
    """Return a write as a provider would tell of it, every event of it at the version `etag`."""
    put = {one.uid: one for one in write.put}
    return EventPage(
        events=tuple(event for one in put.values() for event in _events(one, etag)),
        cancelled=tuple(each for one in put.values() for each in _cancelled(one)),
        deleted=tuple(uid for uid in (*write.drop, *write.parts) if uid not in put),
        rejected={},
        next_page=None,
        cursor=None,
    )


def _events(one: Kept, etag: str) -> Iterator[RemoteEvent]:
    yield _event(one, one.uid, one.whole.content, etag)
    for original, content in one.whole.exceptions.items():
        if content is not None:
            name = _exception_name(one.uid, original)
            yield _event(one, name, content, etag, original=_when(one, original))


def _event(
    one: Kept, name: str, content: EventContent, etag: str, *, original: When | None = None
) -> RemoteEvent:
    return RemoteEvent(
        event_id=name,
        etag=etag,
        ical_uid=one.uid,
        sequence=one.sequence,
        content=content,
        organizer=one.organizer,
        series_id="" if original is None else one.uid,
        original_start=original,
    )


def _cancelled(one: Kept) -> Iterator[CancelledInstance]:
    for original, content in one.whole.exceptions.items():
        if content is None:
            yield CancelledInstance(
                _exception_name(one.uid, original), one.uid, _when(one, original)
            )


def _exception_name(uid: str, original: Start) -> str:
    # No UID of a file has this in it: control characters are no text there.
    return f"{uid}\0{original.isoformat()}"


def _when(one: Kept, original: date) -> When:
    if isinstance(original, datetime):
        return When(at=original, zone=one.whole.content.start.zone)
    return When(day=original)
