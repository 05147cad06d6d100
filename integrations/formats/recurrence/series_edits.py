"""
Edit or delete one instance of a series, one and all following, or all.

The caller writes the following series before the shortened old one, so that no event is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from integrations.formats import timezones
from integrations.formats.event_content import EventContent, When

from . import series_split
from .recurrence_parser import MAX_SERIES_WORK, parse_series
from .rrule_iter import RecurrenceWorkBudget
from .series import EventSeries, StartKey, to_start_key, validate_times
from .series_split import SeriesMove, get_nominal_time


class NoSuchInstance(Exception):
    """No instance has that start any more. Read the series again."""


@dataclass(frozen=True, slots=True)
class SeriesWithExceptions:
    content: EventContent
    exceptions: Mapping[StartKey, EventContent | None]


def change_one_occurrence(
    event: SeriesWithExceptions, original: StartKey, edited: EventContent
) -> SeriesWithExceptions:
    """
    :raises NoSuchInstance: if no instance starts at `original`
    :raises BadEventTimes: if `edited` is invalid
    """
    _find_series(event, original)
    validate_times(edited)
    return _set_exception(event, original, replace(edited, recurrence=()))


def cancel_one_occurrence(event: SeriesWithExceptions, original: StartKey) -> SeriesWithExceptions:
    """:raises NoSuchInstance: if no instance starts at `original`"""
    _find_series(event, original)
    return _set_exception(event, original, None)


def change_following(
    event: SeriesWithExceptions,
    original: StartKey,
    edited: EventContent,
    *,
    lines: tuple[str, ...] | None = None,
) -> tuple[SeriesWithExceptions, ...]:
    """
    Return the shortened series and the following one, or only the latter if `original` is the
    first start.

    The following series keeps the rules with the rest of COUNT, or takes `lines`. Its exceptions
    move with the instance; those without a new instance are dropped, and one at `original` is
    replaced.

    :param edited: the new instance; its recurrence is ignored
    :param lines: the new recurrence, if it changes; empty for a single event
    :raises NoSuchInstance: if no instance starts at `original`
    :raises NewRecurrenceRuleNeeded: if the old rule does not define the continuation
    :raises BadEventTimes: if `edited` is invalid
    :raises BadSeries: if one of `lines` cannot be used
    :raises TooManyOccurrences: if counting earlier occurrences takes too much work
    """
    series = _find_series(event, original)
    if original <= to_start_key(series.start):
        return (change_all_occurrences(event, original, edited, lines=lines),)
    move = _compute_move(series, original, edited)
    if lines is None:
        lines = series_split.continue_recurrence_lines(
            series, original, move, RecurrenceWorkBudget(MAX_SERIES_WORK)
        )
    following = replace(edited, recurrence=lines)
    later = {start: instance for start, instance in event.exceptions.items() if start > original}
    return _cut_before(event, series, original), SeriesWithExceptions(
        following, _move_exceptions(following, later, series, move)
    )


def cancel_following(
    event: SeriesWithExceptions, original: StartKey
) -> SeriesWithExceptions | None:
    """
    Return the shortened series; None if nothing remains.

    :raises NoSuchInstance: if no instance starts at `original`
    """
    series = _find_series(event, original)
    return None if original <= to_start_key(series.start) else _cut_before(event, series, original)


def change_all_occurrences(
    event: SeriesWithExceptions,
    original: StartKey,
    edited: EventContent,
    *,
    lines: tuple[str, ...] | None = None,
) -> SeriesWithExceptions:
    """
    Move every instance as the one at `original` moves.

    Exceptions move along and keep their changes, except the one at `original`. Those without a
    new instance are dropped.

    :param edited: see `change_following`
    :param lines: see `change_following`
    :raises NoSuchInstance: if no instance starts at `original`
    :raises NewRecurrenceRuleNeeded: if the old rule does not define the result
    :raises BadEventTimes: if `edited` is invalid
    :raises BadSeries: if one of `lines` cannot be used
    """
    series = _find_series(event, original)
    move = _compute_move(series, original, edited)
    if lines is None:
        lines = series_split.move_recurrence_lines(series, move)
    start, end = _move_times(series, move, edited)
    content = replace(edited, start=start, end=end, recurrence=lines)
    others = {
        start_key: instance
        for start_key, instance in event.exceptions.items()
        if start_key != original
    }
    return SeriesWithExceptions(content, _move_exceptions(content, others, series, move))


def change_series(event: SeriesWithExceptions, edited: EventContent) -> SeriesWithExceptions:
    """
    Exceptions move as the first start does; those without a new instance are dropped.

    :raises BadEventTimes: if `edited` is invalid
    :raises BadSeries: if a recurrence line cannot be used
    """
    series = parse_series(event.content)
    move = _compute_move(series, to_start_key(series.start), edited)
    return SeriesWithExceptions(edited, _move_exceptions(edited, event.exceptions, series, move))


def _find_series(event: SeriesWithExceptions, original: StartKey) -> EventSeries:
    series = parse_series(event.content)
    # Days and times cannot be compared.
    if isinstance(original, datetime) == (series.zone is not None) and (
        original in event.exceptions
        or series.list_starts(original, original, RecurrenceWorkBudget(MAX_SERIES_WORK), most=1)
    ):
        return series
    raise NoSuchInstance


def _set_exception(
    event: SeriesWithExceptions, original: StartKey, instance: EventContent | None
) -> SeriesWithExceptions:
    return SeriesWithExceptions(event.content, {**event.exceptions, original: instance})


def _cut_before(
    event: SeriesWithExceptions, series: EventSeries, original: StartKey
) -> SeriesWithExceptions:
    earlier = {start: instance for start, instance in event.exceptions.items() if start < original}
    content = replace(event.content, recurrence=series_split.cut_recurrence_lines(series, original))
    return SeriesWithExceptions(content, earlier)


def _compute_move(series: EventSeries, original: StartKey, edited: EventContent) -> SeriesMove:
    start, _ = validate_times(edited)
    zone: ZoneInfo | None = None
    if edited.start.day is None:
        zone = timezones.get_zone(edited.start.zone or "UTC")
    nominal_time = get_nominal_time(series, original)
    if zone == series.zone and start == original:
        return SeriesMove(nominal_time - nominal_time, zone)
    return SeriesMove(parse_series(replace(edited, recurrence=())).first - nominal_time, zone)


def _move_times(series: EventSeries, move: SeriesMove, edited: EventContent) -> tuple[When, When]:
    start, end = validate_times(edited)
    first = to_start_key(series.start)
    if move.offset or move.zone != series.zone:
        first = move.move_start(series.first)
    return _to_when(first, edited.start), _to_when(first + (end - start), edited.end)


def _to_when(moment: StartKey, like: When) -> When:
    if isinstance(moment, datetime):
        return When(at=moment, zone=like.zone)
    return When(day=moment)


def _move_exceptions(
    content: EventContent,
    exceptions: Mapping[StartKey, EventContent | None],
    series: EventSeries,
    move: SeriesMove,
) -> dict[StartKey, EventContent | None]:
    new_series = parse_series(content)
    is_unmoved = not move.offset and move.zone == series.zone
    moved_exceptions: dict[StartKey, EventContent | None] = {}
    for start, instance in exceptions.items():
        moved_start = start if is_unmoved else move.move_start(get_nominal_time(series, start))
        if new_series.list_starts(
            moved_start, moved_start, RecurrenceWorkBudget(MAX_SERIES_WORK), most=1
        ):
            moved_exceptions[moved_start] = instance
    return moved_exceptions
