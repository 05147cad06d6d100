"""
What becomes of a series that is edited or deleted: one instance, one and all that follow, or all.

Every function returns what there is to be afterwards. To write only what differs is for the
caller; so is to write what follows before the rest is cut off, so that nothing is lost between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from integrations import zones
from integrations.event_shapes import EventContent, When

from . import retiming
from .compiling import WORK, compiled
from .retiming import Move, nominal
from .series import Series, Start, checked, key
from .stepping import Work


class NoSuchInstance(Exception):
    """The series has no such instance, or no longer. Read it again."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A series, or what became a single event, with exceptions as `expansion.expand` takes them."""

    content: EventContent
    exceptions: Mapping[Start, EventContent | None]


def change_one(whole: Whole, original: Start, edited: EventContent) -> Whole:
    """
    Return the series with one instance as `edited`.

    :raises NoSuchInstance: if there is none that starts at `original`
    :raises BadEvent: if `edited` is no event
    """
    _find(whole, original)
    checked(edited)
    return _with(whole, original, replace(edited, recurrence=()))


def cancel_one(whole: Whole, original: Start) -> Whole:
    """:raises NoSuchInstance: if there is none that starts at `original`"""
    _find(whole, original)
    return _with(whole, original, None)


def change_following(
    whole: Whole, original: Start, edited: EventContent, *, lines: tuple[str, ...] | None = None
) -> tuple[Whole, ...]:
    """
    Return what is left of the series before `original`, and the series that follows, as `edited`.

    Only one of them if `original` is the first: then all follow. What is left ends just before
    `original`. What follows goes on by the same rules, with what COUNT has not used up, or by
    `lines`. Exceptions go by their original start: of those that follow, each moves along by as
    much as the instance was moved, and is dropped if nothing happens then any more. An
    exception of the instance itself is replaced.

    :param edited: the instance as it is to be; the recurrence in it does not count
    :param lines: the recurrence from now on, if it is to be another; none for a single event
    :raises NoSuchInstance: if there is none that starts at `original`
    :raises NeedsRule: if without `lines` nobody knows how it would go on
    :raises BadEvent: if `edited` is no event
    :raises BadSeries: if a line of `lines` cannot be followed
    :raises TooMany: if it takes too much work to count what was before
    """
    series = _find(whole, original)
    if original <= key(series.start):
        return (change_all(whole, original, edited, lines=lines),)
    move = _move(series, original, edited)
    if lines is None:
        lines = retiming.taken_up(series, original, move, Work(WORK))
    following = replace(edited, recurrence=lines)
    later = {start: each for start, each in whole.exceptions.items() if start > original}
    return _before(whole, series, original), Whole(
        following, _moved(following, later, series, move)
    )


def cancel_following(whole: Whole, original: Start) -> Whole | None:
    """
    Return what is left of the series before `original`; None if that is nothing.

    :raises NoSuchInstance: if there is none that starts at `original`
    """
    series = _find(whole, original)
    return None if original <= key(series.start) else _before(whole, series, original)


def change_all(
    whole: Whole, original: Start, edited: EventContent, *, lines: tuple[str, ...] | None = None
) -> Whole:
    """
    Return the whole series as `edited`: every instance moved by as much as the one at `original`.

    Exceptions move along, and are dropped if nothing happens then any more. What was changed in
    them stays, unless it is the one at `original`.

    :param edited: the instance as it is to be; the recurrence in it does not count
    :param lines: the recurrence, if it is to be another; none for a single event
    :raises NoSuchInstance: if there is none that starts at `original`
    :raises NeedsRule: if without `lines` nobody knows what it would be
    :raises BadEvent: if `edited` is no event
    :raises BadSeries: if a line of `lines` cannot be followed
    """
    series = _find(whole, original)
    move = _move(series, original, edited)
    if lines is None:
        lines = retiming.moved(series, move)
    start, end = _times(series, move, edited)
    content = replace(edited, start=start, end=end, recurrence=lines)
    others = {at: each for at, each in whole.exceptions.items() if at != original}
    return Whole(content, _moved(content, others, series, move))


def change_series(whole: Whole, edited: EventContent) -> Whole:
    """
    Return the series as `edited` says, its recurrence with it.

    Exceptions move along by as much as its first start does, and are dropped if nothing happens
    then any more. What was changed in them stays.

    :raises BadEvent: if `edited` is no event
    :raises BadSeries: if a line of its recurrence cannot be followed
    """
    series = compiled(whole.content)
    move = _move(series, key(series.start), edited)
    return Whole(edited, _moved(edited, whole.exceptions, series, move))


def _find(whole: Whole, original: Start) -> Series:
    series = compiled(whole.content)
    # Days and moments do not compare.
    if isinstance(original, datetime) == (series.place is not None) and (
        original in whole.exceptions or series.starts(original, original, Work(WORK), most=1)
    ):
        return series
    raise NoSuchInstance


def _with(whole: Whole, original: Start, instance: EventContent | None) -> Whole:
    return Whole(whole.content, {**whole.exceptions, original: instance})


def _before(whole: Whole, series: Series, original: Start) -> Whole:
    earlier = {start: each for start, each in whole.exceptions.items() if start < original}
    content = replace(whole.content, recurrence=retiming.cut_off(series, original))
    return Whole(content, earlier)


def _move(series: Series, original: Start, edited: EventContent) -> Move:
    """Return how the instance was moved, on clocks."""
    start, _ = checked(edited)
    place: ZoneInfo | None = None
    if edited.start.day is None:
        place = zones.zone(edited.start.zone or "UTC")
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
    found: dict[Start, EventContent | None] = {}
    for start, instance in exceptions.items():
        moved = start if stays else move.start(nominal(series, start))
        if new.starts(moved, moved, Work(WORK), most=1):
            found[moved] = instance
    return found
