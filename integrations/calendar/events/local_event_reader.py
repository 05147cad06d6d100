"""Reads an event of a local calendar from its opened rows. Pure; called inside sinks only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from integrations.calendar import event_codec, occurrences
from integrations.calendar.event_lookup import EventId
from integrations.calendar.local_event_types import Kept
from integrations.calendar.occurrences import Opened
from integrations.formats.event import EventContent
from integrations.formats.recurrence import expansion
from integrations.formats.recurrence.series import Start, key
from integrations.formats.recurrence.series_edits import Whole
from integrations.models import EventKind

from .errors import NoSuchOccurrence


@dataclass(frozen=True, slots=True)
class LocalEvent:
    """
    An event or a series as it is stored, and which occurrence of it a request names.

    :param etag: the stored version
    :param original: the original start of that occurrence; None: the request names all of it
    """

    kept: Kept
    etag: str
    original: Start | None

    @property
    def whole(self) -> Whole:
        return self.kept.whole

    def get_content(self) -> EventContent:
        """
        Return the event; of an occurrence, with its own times and no recurrence.

        :raises NoSuchOccurrence: if the series has no such occurrence, or no longer
        """
        if self.original is None:
            return self.whole.content
        found = expansion.at(self.whole.content, self.original, exceptions=self.whole.exceptions)
        if found is None:
            raise NoSuchOccurrence
        return replace(found.content, start=found.start, end=found.end, recurrence=())


def read_event(opened: Opened, name: EventId) -> LocalEvent:
    """
    Return an event from its rows.

    :param opened: the event, its series and all exceptions of that, with every value
    :raises NoSuchOccurrence: if the series is not among them
    """
    original = name.original
    exceptions: dict[Start, EventContent | None] = {}
    master: tuple[EventContent, event_codec.Remote, str] | None = None
    for row, values in opened:
        if row.series_blind is None:
            remote = event_codec.read_remote(values["remote"])
            organizer = orjson.loads(values["content"]).get("organizer", "")
            master = occurrences.content_of(row, values), remote, organizer
            continue
        at = event_codec.read_original(values["timing"])
        if at is None:
            continue
        is_cancelled = row.kind == EventKind.CANCELLED
        exceptions[key(at)] = None if is_cancelled else occurrences.content_of(row, values)
        if row.id == name.row:
            original = key(at)
    if master is None:
        raise NoSuchOccurrence
    content, remote, organizer = master
    kept = Kept(
        uid=remote.event_id,
        whole=Whole(content, exceptions),
        sequence=remote.sequence,
        organizer=organizer,
    )
    return LocalEvent(kept, remote.etag, original)
