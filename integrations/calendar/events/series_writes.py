"""
Changes of a series at a provider, as a whole or from one occurrence on.

A failure between several writes loses nothing: the part that follows is created before the series
ends, under an id that every try uses. Cancelled occurrences become EXDATE lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from integrations.formats.event_content import EventContent
from integrations.formats.recurrence import content_lines, series_edits
from integrations.formats.recurrence.series import StartKey, to_start_key, to_when
from integrations.formats.recurrence.series_edits import SeriesWithExceptions
from integrations.grants.provider_calls import CalendarCall
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance, Notify, RemoteEvent

from . import event_drafts, series_arithmetic, verified_writes
from .cache_update import RemoteChanges
from .event_drafts import EventEdit
from .write_errors import NoSuchOccurrence, SeriesSplitHalfDone

#: How many changed occurrences are written again; the others lose their changes.
MAX_REWRITES: Final = 30

SeriesExceptions = Sequence[RemoteEvent | CancelledInstance]


@dataclass(slots=True)
class SeriesWrite:
    call: CalendarCall
    calendar_id: str
    series: RemoteEvent
    notify: Notify
    changes: RemoteChanges
    reset_count: int = 0

    def fetch_exceptions(self) -> SeriesExceptions:
        return self.call(
            lambda adapter: adapter.list_exceptions(self.calendar_id, self.series.ical_uid)
        )


def change_whole_series(
    write: SeriesWrite, original_start: StartKey | None, edited: EventContent, edit: EventEdit
) -> None:
    """
    A new time moves every occurrence by as much as the edited one.

    :param original_start: of the edited occurrence; None: the series was edited
    """
    before = write.series.content
    if original_start is None or not series_arithmetic.changes_times(edit):
        _write_series(write, event_drafts.apply_event_edit(before, edit), ())
        return
    exceptions = write.fetch_exceptions()
    moved = series_arithmetic.move_occurrences(
        _join_exceptions(before, exceptions), original_start, edited, edit
    )
    content = replace(
        moved.content, recurrence=(*moved.content.recurrence, *_format_exdates(moved))
    )
    _write_series(write, content, exceptions)
    _rewrite_exceptions(write, write.series.event_id, moved.exceptions)


def change_following(
    write: SeriesWrite,
    original_start: StartKey,
    edited: EventContent,
    edit: EventEdit,
    *,
    new_ids: Sequence[str],
) -> RemoteEvent:
    """
    Create the part that follows as a series of its own, then end the series before it.

    :param new_ids: the first that no deleted series of an earlier try has is used
    :raises SeriesSplitHalfDone:
    """
    before, exceptions = write.series.content, write.fetch_exceptions()
    parts = series_arithmetic.map_series_errors(
        lambda: series_edits.change_following(
            _join_exceptions(before, exceptions),
            original_start,
            edited,
            lines=edit.get("recurrence"),
        )
    )
    if len(parts) == 1:
        change_whole_series(write, original_start, edited, edit)
        return write.series
    remaining, following = parts
    content = replace(
        following.content, recurrence=(*following.content.recurrence, *_format_exdates(following))
    )
    created = _create_following(write, content, new_ids)
    _end_series(write, remaining.content.recurrence, created)
    write.changes.events.append(created)
    write.changes.deleted_ids += [
        exception.event_id
        for exception in exceptions
        if get_original_start(exception) >= original_start
    ]
    _rewrite_exceptions(write, created.event_id, following.exceptions)
    return created


def delete_following(write: SeriesWrite, original_start: StartKey) -> None:
    """End a series before an occurrence; delete it if no occurrence is left."""
    exceptions = write.fetch_exceptions()
    remaining = series_arithmetic.map_series_errors(
        lambda: series_edits.cancel_following(
            _join_exceptions(write.series.content, exceptions), original_start
        )
    )
    if remaining is None:
        verified_writes.delete(write.call, write.calendar_id, write.series, notify=write.notify)
        write.changes.deleted_ids.append(write.series.event_id)
        return
    content = replace(write.series.content, recurrence=remaining.content.recurrence)
    _write_series(
        write,
        content,
        [exception for exception in exceptions if get_original_start(exception) >= original_start],
    )


def _create_following(
    write: SeriesWrite, content: EventContent, new_ids: Sequence[str]
) -> RemoteEvent:
    # The new series keeps the online meeting.
    meets_as = write.series.event_id if write.series.conference is not None else ""
    create = partial(
        verified_writes.create,
        write.call,
        write.calendar_id,
        content,
        notify=write.notify,
        meets_as=meets_as,
    )
    *earlier_ids, last_id = new_ids
    for event_id in earlier_ids:
        try:
            return create(event_id=event_id)
        except errors.Gone:
            # An earlier try created it, and deleted it because the series could not be cut off.
            continue
    return create(event_id=last_id)


def _end_series(write: SeriesWrite, recurrence: tuple[str, ...], created: RemoteEvent) -> None:
    content = replace(write.series.content, recurrence=recurrence)
    is_half_done = False
    try:
        ended_series = verified_writes.change(
            write.call, write.calendar_id, write.series, content, notify=write.notify
        )
    except errors.OutcomeUnknown:
        is_half_done = True
    except errors.ProviderError:
        # The old series was not ended. Without this deletion, its occurrences would exist twice.
        verified_writes.delete(write.call, write.calendar_id, created, notify=write.notify)
        raise
    if is_half_done:
        raise SeriesSplitHalfDone
    write.changes.events.append(ended_series)


def _write_series(write: SeriesWrite, content: EventContent, replaced: SeriesExceptions) -> None:
    written = verified_writes.change(
        write.call, write.calendar_id, write.series, content, notify=write.notify
    )
    write.changes.events.append(written)
    write.changes.deleted_ids += [exception.event_id for exception in replaced]
    write.series = written


def _rewrite_exceptions(
    write: SeriesWrite, series_id: str, exceptions: Mapping[StartKey, EventContent | None]
) -> None:
    """Write changed occurrences at their place in the new series."""
    changed = [
        (start, content) for start, content in sorted(exceptions.items()) if content is not None
    ]
    write.reset_count += max(0, len(changed) - MAX_REWRITES)
    for start, content in changed[:MAX_REWRITES]:
        when = to_when(start)
        event_id = write.call(lambda adapter, when=when: adapter.get_instance_id(series_id, when))  # type: ignore[misc]
        live = verified_writes.fetch_current(write.call, write.calendar_id, event_id)
        if not isinstance(live, RemoteEvent):
            write.reset_count += 1
            continue
        try:
            written = verified_writes.change(
                write.call, write.calendar_id, live, content, notify="none"
            )
        except errors.ProviderError:
            write.reset_count += 1
            continue
        write.changes.events.append(written)
        if event_id in write.changes.deleted_ids:
            write.changes.deleted_ids.remove(event_id)


def _join_exceptions(content: EventContent, exceptions: SeriesExceptions) -> SeriesWithExceptions:
    return SeriesWithExceptions(
        content,
        {
            get_original_start(exception): exception.content
            if isinstance(exception, RemoteEvent)
            else None
            for exception in exceptions
        },
    )


def get_original_start(exception: RemoteEvent | CancelledInstance) -> StartKey:
    if exception.original_start is None:
        raise NoSuchOccurrence
    return to_start_key(exception.original_start)


def _format_exdates(series: SeriesWithExceptions) -> tuple[str, ...]:
    """Return EXDATE lines, so that cancelled occurrences need no write of their own."""
    starts = sorted(start for start, content in series.exceptions.items() if content is None)
    return tuple(
        f"EXDATE{'' if isinstance(start, datetime) else ';VALUE=DATE'}"
        f":{content_lines.format_time(start)}"
        for start in starts
    )
