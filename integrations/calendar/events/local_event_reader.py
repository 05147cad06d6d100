"""Read an event of a local calendar from its opened rows. Pure; called inside sinks only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from integrations.calendar import event_codec, occurrences
from integrations.calendar.event_lookup import EventId
from integrations.calendar.local_event_types import LocalEventInput
from integrations.calendar.occurrences import OpenedEventRows
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence import recurrence_expansion
from integrations.formats.recurrence.series import StartKey, to_start_key
from integrations.formats.recurrence.series_edits import SeriesWithExceptions
from integrations.models import EventKind

from .write_errors import NoSuchOccurrence


@dataclass(frozen=True, slots=True)
class LocalEvent:
    """:param original_start: of the occurrence; None: the request names all of the event"""

    event_input: LocalEventInput
    etag: str
    original_start: StartKey | None

    @property
    def series(self) -> SeriesWithExceptions:
        return self.event_input.series

    def get_content(self) -> EventContent:
        """
        Return the event; for an occurrence, with its own times and no recurrence.

        :raises NoSuchOccurrence:
        """
        if self.original_start is None:
            return self.series.content
        occurrence = recurrence_expansion.find_occurrence(
            self.series.content, self.original_start, exceptions=self.series.exceptions
        )
        if occurrence is None:
            raise NoSuchOccurrence
        return replace(
            occurrence.content, start=occurrence.start, end=occurrence.end, recurrence=()
        )


def read_local_event(opened_rows: OpenedEventRows, event_id: EventId) -> LocalEvent:
    """
    :param opened_rows: the event, its series and all exceptions, with every value
    :raises NoSuchOccurrence: if the series is not among them
    """
    original_start = event_id.original_start
    exceptions: dict[StartKey, EventContent | None] = {}
    master: tuple[EventContent, event_codec.RemoteEventRef, str] | None = None
    for row, values in opened_rows:
        if row.series_blind is None:
            remote = event_codec.decode_remote(values["remote"])
            organizer = orjson.loads(values["content"]).get("organizer", "")
            master = occurrences.read_event_content(row, values), remote, organizer
            continue
        exception_start = event_codec.decode_original(values["timing"])
        if exception_start is None:
            continue
        is_cancelled = row.kind == EventKind.CANCELLED
        exceptions[to_start_key(exception_start)] = (
            None if is_cancelled else occurrences.read_event_content(row, values)
        )
        if row.id == event_id.row_id:
            original_start = to_start_key(exception_start)
    if master is None:
        raise NoSuchOccurrence
    content, remote, organizer = master
    event_input = LocalEventInput(
        uid=remote.event_id,
        series=SeriesWithExceptions(content, exceptions),
        sequence=remote.sequence,
        organizer=organizer,
    )
    return LocalEvent(event_input, remote.etag, original_start)
