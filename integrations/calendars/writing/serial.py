"""
Series at a provider, changed as a whole or from one occurrence on.

What cannot be one write is ordered so that nothing is lost between: what follows is begun before
the rest is cut off, under an id that every try of the same names. Occurrences that are not to be
travel along in the series' own lines; those that were changed singly are written again after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from integrations.almanac import edits, lines
from integrations.almanac.edits import Whole
from integrations.almanac.series import Start, key
from integrations.calling import CalendarCall
from integrations.event_shapes import EventContent, When
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance, Notify, RemoteEvent

from . import drafts, reckoning, sure
from .copying import Came
from .drafts import Edit
from .errors import HalfDone, NoSuchOccurrence

#: Occurrences changed singly that are written again; more of them are as the series says.
MOST_AGAIN: Final = 30

Exceptions = Sequence[RemoteEvent | CancelledInstance]


@dataclass(frozen=True, slots=True)
class Instance:
    """The occurrence that was edited, as it is and as it is to be."""

    live: RemoteEvent
    wanted: EventContent


@dataclass(slots=True)
class Work:
    """One edit of one series, and what came of it so far."""

    call: CalendarCall
    calendar_id: str
    series: RemoteEvent
    notify: Notify
    came: Came
    reset: int = 0

    def exceptions(self) -> Exceptions:
        return self.call(lambda adapter: adapter.exceptions(self.calendar_id, self.series.ical_uid))


def change_all(work: Work, original: Start | None, wanted: EventContent, edit: Edit) -> None:
    """
    Change a whole series: every occurrence by as much as the one that was edited.

    :param original: of that one; None: the series itself was
    """
    before = work.series.content
    if original is None or not reckoning.is_moved(edit):
        _write(work, drafts.edited(before, edit), ())
        return
    there = work.exceptions()
    whole = reckoning.moved(_whole(before, there), original, wanted, edit)
    content = replace(whole.content, recurrence=(*whole.content.recurrence, *_left_out(whole)))
    _write(work, content, there)
    _again(work, work.series.event_id, whole.exceptions)


def change_following(
    work: Work, original: Start, wanted: EventContent, edit: Edit, *, new_ids: Sequence[str]
) -> RemoteEvent:
    """
    Begin what follows anew, as edited, and end the series before it.

    :param new_ids: the provider's id of it: the first that was not used up by an earlier try
    :raises HalfDone: if nobody can tell whether the second was done
    """
    before, there = work.series.content, work.exceptions()
    parts = reckoning.reckoned(
        lambda: edits.change_following(
            _whole(before, there), original, wanted, lines=edit.get("recurrence")
        )
    )
    if len(parts) == 1:
        change_all(work, original, wanted, edit)
        return work.series
    rest, following = parts
    content = replace(
        following.content, recurrence=(*following.content.recurrence, *_left_out(following))
    )
    made = _begun(work, content, new_ids)
    _cut(work, rest.content.recurrence, made)
    work.came.events.append(made)
    work.came.gone += [one.event_id for one in there if _start(one) >= original]
    _again(work, made.event_id, following.exceptions)
    return made


def delete_following(work: Work, original: Start) -> None:
    """End a series before one of its occurrences; delete it if nothing is left."""
    there = work.exceptions()
    rest = reckoning.reckoned(
        lambda: edits.cancel_following(_whole(work.series.content, there), original)
    )
    if rest is None:
        sure.delete(work.call, work.calendar_id, work.series, notify=work.notify)
        work.came.gone.append(work.series.event_id)
        return
    content = replace(work.series.content, recurrence=rest.content.recurrence)
    _write(work, content, [one for one in there if _start(one) >= original])


def _begun(work: Work, content: EventContent, new_ids: Sequence[str]) -> RemoteEvent:
    # Whoever meets in the series goes on to meet there.
    meets_as = work.series.event_id if work.series.conference is not None else ""
    create = partial(
        sure.create, work.call, work.calendar_id, content, notify=work.notify, meets_as=meets_as
    )
    *others, last = new_ids
    for one in others:
        try:
            return create(event_id=one)
        except errors.Gone:
            # It was begun, and taken back because the series could not be cut off.
            continue
    return create(event_id=last)


def _cut(work: Work, recurrence: tuple[str, ...], made: RemoteEvent) -> None:
    content = replace(work.series.content, recurrence=recurrence)
    half = False
    try:
        cut = sure.change(work.call, work.calendar_id, work.series, content, notify=work.notify)
    except errors.OutcomeUnknown:
        half = True
    except errors.ProviderError:
        # Nothing was cut off, so what was begun is taken back: else all of it were there twice.
        sure.delete(work.call, work.calendar_id, made, notify=work.notify)
        raise
    if half:
        raise HalfDone
    work.came.events.append(cut)


def _write(work: Work, content: EventContent, over: Exceptions) -> None:
    written = sure.change(work.call, work.calendar_id, work.series, content, notify=work.notify)
    work.came.events.append(written)
    work.came.gone += [one.event_id for one in over]
    work.series = written


def _again(work: Work, series_id: str, exceptions: Mapping[Start, EventContent | None]) -> None:
    """Write again what had been changed singly, where the series has it by now."""
    changed = [(start, one) for start, one in sorted(exceptions.items()) if one is not None]
    work.reset += max(0, len(changed) - MOST_AGAIN)
    for start, content in changed[:MOST_AGAIN]:
        when = When(at=start, zone="UTC") if isinstance(start, datetime) else When(day=start)
        name = work.call(lambda adapter, when=when: adapter.instance_id(series_id, when))  # type: ignore[misc]
        live = sure.look(work.call, work.calendar_id, name)
        if not isinstance(live, RemoteEvent):
            work.reset += 1
            continue
        try:
            written = sure.change(work.call, work.calendar_id, live, content, notify="none")
        except errors.ProviderError:
            work.reset += 1
            continue
        work.came.events.append(written)
        if name in work.came.gone:
            work.came.gone.remove(name)


def _whole(content: EventContent, there: Exceptions) -> Whole:
    return Whole(
        content,
        {_start(one): one.content if isinstance(one, RemoteEvent) else None for one in there},
    )


def _start(one: RemoteEvent | CancelledInstance) -> Start:
    if one.original_start is None:
        raise NoSuchOccurrence
    return key(one.original_start)


def _left_out(whole: Whole) -> tuple[str, ...]:
    """Return lines for the occurrences that are not to be: they need no write of their own."""
    starts = sorted(start for start, one in whole.exceptions.items() if one is None)
    return tuple(
        f"EXDATE{'' if isinstance(one, datetime) else ';VALUE=DATE'}:{lines.stamp(one)}"
        for one in starts
    )
