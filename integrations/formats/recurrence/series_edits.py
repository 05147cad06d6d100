"""
Edit or delete in a series: one instance, one and all following, or all.

Every function returns the complete result. The caller writes the difference, and writes the
following series before it shortens the old one, so that no event is lost in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event import EventContent, When

from . import series_split
from .parser import WORK, compiled
from .rrule_iter import Work
from .series import Series, Start, checked, key
from .series_split import Move, nominal


class NoSuchInstance(Exception):
    """The series has no instance at that start any more. Read it again."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A series or single event with its exceptions, as `expansion.expand` takes them."""

    content: EventContent
    exceptions: Mapping[Start, EventContent | None]


def change_one(whole: Whole, original: Start, edited: EventContent) -> Whole:
    """
    Return the series with one instance replaced by `edited`.

    :raises NoSuchInstance: if no instance starts at `original`
    :raises BadEvent: if `edited` is not a valid event
    """
    _find(whole, original)
    checked(edited)
    return _with(whole, original, replace(edited, recurrence=()))


def cancel_one(whole: Whole, original: Start) -> Whole:
    """:raises NoSuchInstance: if no instance starts at `original`"""
    _find(whole, original)
    return _with(whole, original, None)


def change_following(
    whole: Whole, original: Start, edited: EventContent, *, lines: tuple[str, ...] | None = None
) -> tuple[Whole, ...]:
    """
    Return the series shortened to end before `original`, and the following series as `edited`.

    Returns only the second if `original` is the first start. The following series keeps the rules,
    with what COUNT has left, or takes `lines`. Its exceptions move by as much as the instance and
    are dropped if the new series has no instance for them. An exception at `original` is replaced.

    :param edited: the new instance; its recurrence is ignored
    :param lines: the new recurrence, if it changes; empty for a single event
    :raises NoSuchInstance: if no instance starts at `original`
    :raises NeedsRule: if `lines` is needed because the old rule does not define the continuation
    :raises BadEvent: if `edited` is not a valid event
    :raises BadSeries: if one of `lines` cannot be used
    :raises TooMany: if counting the earlier occurrences takes too much work
    """
    series = _find(whole, original)
    if original <= key(series.start):
        return (change_all(whole, original, edited, lines=lines),)
    move = _move(series, original, edited)
    if lines is None:
        lines = series_split.taken_up(series, original, move, Work(WORK))
    following = replace(edited, recurrence=lines)
    later = {start: each for start, each in whole.exceptions.items() if start > original}
    return _before(whole, series, original), Whole(
        following, _moved(following, later, series, move)
    )


def cancel_following(whole: Whole, original: Start) -> Whole | None:
    """
    Return the series shortened to end before `original`; None if nothing is left.

    :raises NoSuchInstance: if no instance starts at `original`
    """
    series = _find(whole, original)
    return None if original <= key(series.start) else _before(whole, series, original)


def change_all(
    whole: Whole, original: Start, edited: EventContent, *, lines: tuple[str, ...] | None = None
) -> Whole:
    """
    Return the whole series as `edited`: every instance moves as the one at `original` does.

    Exceptions move along and keep their changes, except the one at `original`. They are dropped if
    the new series has no instance for them.

    :param edited: the new instance; its recurrence is ignored
    :param lines: the new recurrence, if it changes; empty for a single event
    :raises NoSuchInstance: if no instance starts at `original`
    :raises NeedsRule: if `lines` is needed because the old rule does not define the result
    :raises BadEvent: if `edited` is not a valid event
    :raises BadSeries: if one of `lines` cannot be used
    """
    series = _find(whole, original)
    move = _move(series, original, edited)
    if lines is None:
        lines = series_split.moved(series, move)
    start, end = _times(series, move, edited)
    content = replace(edited, start=start, end=end, recurrence=lines)
    others = {at: each for at, each in whole.exceptions.items() if at != original}
    return Whole(content, _moved(content, others, series, move))


def change_series(whole: Whole, edited: EventContent) -> Whole:
    """
    Return the series as `edited`, including its recurrence.

    Exceptions move as the first start does and keep their changes. They are dropped if the new
    series has no instance for them.

    :raises BadEvent: if `edited` is not a valid event
    :raises BadSeries: if a recurrence line of it cannot be used
    """
    series = compiled(whole.content)
    move = _move(series, key(series.start), edited)
    return Whole(edited, _moved(edited, whole.exceptions, series, move))


def _find(whole: Whole, original: Start) -> Series:
    series = compiled(whole.content)
    # Days and times cannot be compared.
    if isinstance(original, datetime) == (series.place is not None) and (
        original in whole.exceptions or series.starts(original, original, Work(WORK), most=1)
    ):
        return series
    raise NoSuchInstance


def _with(whole: Whole, original: Start, instance: EventContent | None) -> Whole:
    return Whole(whole.content, {**whole.exceptions, original: instance})


def _before(whole: Whole, series: Series, original: Start) -> Whole:
    earlier = {start: each for start, each in whole.exceptions.items() if start < original}
    content = replace(whole.content, recurrence=series_split.cut_off(series, original))
    return Whole(content, earlier)


def _move(series: Series, original: Start, edited: EventContent) -> Move:
    """Return by how much the local time of the instance changes."""
    start, _ = checked(edited)
    place: ZoneInfo | None = None
    if edited.start.day is None:
        place = timezones.zone(edited.start.zone or "UTC")
    meant = nominal(series, original)
    if place == series.place and start == original:
        return Move(meant - meant, place)
    return Move(compiled(replace(edited, recurrence=())).first - meant, place)


def _times(series: Series, move: Move, edited: EventContent) -> tuple[When, When]:
    start, end = checked(edited)
    first = key(series.start)
    if move.by or move.place != series.place:
        first = move.start(series.first)
    return _when(first, edited.start), _when(first + (end - start), edited.end)


def _when(moment: Start, like: When) -> When:
    if isinstance(moment, datetime):
        return When(at=moment, zone=like.zone)
    return When(day=moment)


def _moved(
    content: EventContent,
    exceptions: Mapping[Start, EventContent | None],
    series: Series,
    move: Move,
) -> dict[Start, EventContent | None]:
    """Return those exceptions, moved along, that the new series still has an instance for."""
    new = compiled(content)
    stays = not move.by and move.place == series.place
    moved_exceptions: dict[Start, EventContent | None] = {}
    for start, instance in exceptions.items():
        moved = start if stays else move.start(nominal(series, start))
        if new.starts(moved, moved, Work(WORK), most=1):
            moved_exceptions[moved] = instance
    return moved_exceptions
