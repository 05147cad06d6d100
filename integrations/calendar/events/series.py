"""
Changes of a series at a provider, as a whole or from one occurrence on.

A change that takes several writes is ordered so that a failure between them loses nothing: the part
that follows is created before the series is cut off, under an id that every try uses. Cancelled
occurrences are written as EXDATE lines of the series; occurrences that were changed singly are
written again after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from integrations.formats.event import EventContent
from integrations.formats.recurrence import content_lines, series_edits
from integrations.formats.recurrence.series import Start, key, to_when
from integrations.formats.recurrence.series_edits import Whole
from integrations.grants.provider_calls import CalendarCall
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance, Notify, RemoteEvent

from . import drafts, series_arithmetic, verified_writes
from .cache_update import RemoteChanges
from .drafts import Edit
from .errors import HalfDone, NoSuchOccurrence

#: Singly changed occurrences that are written again; any more of them become as the series says.
MOST_REWRITES: Final = 30

Exceptions = Sequence[RemoteEvent | CancelledInstance]


@dataclass(slots=True)
class SeriesWrite:
    """One change of one series, with its changes at the provider so far."""

    call: CalendarCall
    calendar_id: str
    series: RemoteEvent
    notify: Notify
    changes: RemoteChanges
    reset: int = 0

    def fetch_exceptions(self) -> Exceptions:
        return self.call(lambda adapter: adapter.exceptions(self.calendar_id, self.series.ical_uid))


def change_all(
    write: SeriesWrite, original: Start | None, wanted: EventContent, edit: Edit
) -> None:
    """
    Change a whole series; a new time moves every occurrence by as much as the edited one.

    :param original: the original start of the edited occurrence; None: the series was edited
    """
    before = write.series.content
    if original is None or not series_arithmetic.changes_times(edit):
        _write_series(write, drafts.apply_edit(before, edit), ())
        return
    exceptions = write.fetch_exceptions()
    whole = series_arithmetic.move_all(_join(before, exceptions), original, wanted, edit)
    content = replace(whole.content, recurrence=(*whole.content.recurrence, *_exdates(whole)))
    _write_series(write, content, exceptions)
    _rewrite_exceptions(write, write.series.event_id, whole.exceptions)


def change_following(
    write: SeriesWrite, original: Start, wanted: EventContent, edit: Edit, *, new_ids: Sequence[str]
) -> RemoteEvent:
    """
    Create the edited part that follows as a series of its own, and end the series before it.

    :param new_ids: ids for the new series; the first that no deleted series of an earlier try has
    :raises HalfDone: if the series may not have been ended
    """
    before, exceptions = write.series.content, write.fetch_exceptions()
    parts = series_arithmetic.map_series_errors(
        lambda: series_edits.change_following(
            _join(before, exceptions), original, wanted, lines=edit.get("recurrence")
        )
    )
    if len(parts) == 1:
        change_all(write, original, wanted, edit)
        return write.series
    rest, following = parts
    content = replace(
        following.content, recurrence=(*following.content.recurrence, *_exdates(following))
    )
    created = _create_following(write, content, new_ids)
    _cut_off(write, rest.content.recurrence, created)
    write.changes.events.append(created)
    write.changes.gone += [each.event_id for each in exceptions if _start_of(each) >= original]
    _rewrite_exceptions(write, created.event_id, following.exceptions)
    return created


def delete_following(write: SeriesWrite, original: Start) -> None:
    """End a series before one of its occurrences; delete it if no occurrence is left."""
    exceptions = write.fetch_exceptions()
    rest = series_arithmetic.map_series_errors(
        lambda: series_edits.cancel_following(_join(write.series.content, exceptions), original)
    )
    if rest is None:
        verified_writes.delete(write.call, write.calendar_id, write.series, notify=write.notify)
        write.changes.gone.append(write.series.event_id)
        return
    content = replace(write.series.content, recurrence=rest.content.recurrence)
    _write_series(write, content, [each for each in exceptions if _start_of(each) >= original])


def _create_following(
    write: SeriesWrite, content: EventContent, new_ids: Sequence[str]
) -> RemoteEvent:
    # Guests of the online meeting go on to meet there.
    meets_as = write.series.event_id if write.series.conference is not None else ""
    create = partial(
        verified_writes.create,
        write.call,
        write.calendar_id,
        content,
        notify=write.notify,
        meets_as=meets_as,
    )
    *others, last = new_ids
    for event_id in others:
        try:
            return create(event_id=event_id)
        except errors.Gone:
            # An earlier try created it, and deleted it because the series could not be cut off.
            continue
    return create(event_id=last)


def _cut_off(write: SeriesWrite, recurrence: tuple[str, ...], created: RemoteEvent) -> None:
    content = replace(write.series.content, recurrence=recurrence)
    is_half_done = False
    try:
        rest = verified_writes.change(
            write.call, write.calendar_id, write.series, content, notify=write.notify
        )
    except errors.OutcomeUnknown:
        is_half_done = True
    except errors.ProviderError:
        # The series goes on, so the new one is deleted: its occurrences would exist twice.
        verified_writes.delete(write.call, write.calendar_id, created, notify=write.notify)
        raise
    if is_half_done:
        raise HalfDone
    write.changes.events.append(rest)


def _write_series(write: SeriesWrite, content: EventContent, replaced: Exceptions) -> None:
    written = verified_writes.change(
        write.call, write.calendar_id, write.series, content, notify=write.notify
    )
    write.changes.events.append(written)
    write.changes.gone += [each.event_id for each in replaced]
    write.series = written


def _rewrite_exceptions(
    write: SeriesWrite, series_id: str, exceptions: Mapping[Start, EventContent | None]
) -> None:
    """Write singly changed occurrences again, where the series now has them."""
    changed = [
        (start, content) for start, content in sorted(exceptions.items()) if content is not None
    ]
    write.reset += max(0, len(changed) - MOST_REWRITES)
    for start, content in changed[:MOST_REWRITES]:
        when = to_when(start)
        event_id = write.call(lambda adapter, when=when: adapter.instance_id(series_id, when))  # type: ignore[misc]
        live = verified_writes.fetch_current(write.call, write.calendar_id, event_id)
        if not isinstance(live, RemoteEvent):
            write.reset += 1
            continue
        try:
            written = verified_writes.change(
                write.call, write.calendar_id, live, content, notify="none"
            )
        except errors.ProviderError:
            write.reset += 1
            continue
        write.changes.events.append(written)
        if event_id in write.changes.gone:
            write.changes.gone.remove(event_id)


def _join(content: EventContent, exceptions: Exceptions) -> Whole:
    return Whole(
        content,
        {
            _start_of(each): each.content if isinstance(each, RemoteEvent) else None
            for each in exceptions
        },
    )


def _start_of(exception: RemoteEvent | CancelledInstance) -> Start:
    if exception.original_start is None:
        raise NoSuchOccurrence
    return key(exception.original_start)


def _exdates(whole: Whole) -> tuple[str, ...]:
    """Return EXDATE lines for cancelled occurrences, which then need no write of their own."""
    starts = sorted(start for start, content in whole.exceptions.items() if content is None)
    return tuple(
        f"EXDATE{'' if isinstance(start, datetime) else ';VALUE=DATE'}:{content_lines.stamp(start)}"
        for start in starts
    )
