"""
Split series at THISANDFUTURE changes. Pure.

Each part's UID contains its number, so that a repeated import replaces the part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.formats import timezones
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence import series_edits
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget, TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes, StartKey
from integrations.formats.recurrence.series_edits import NoSuchInstance, SeriesWithExceptions
from integrations.formats.recurrence.series_split import NewRecurrenceRuleNeeded

#: THISANDFUTURE changes of one series.
MAX_CHANGES: Final = 5
# The cost of each, in steps of the file's work budget.
_WORK: Final = 20_000
_NO_OCCURRENCE: Final = "this changes a series from an occurrence on that the series does not have"
_NO_RULE: Final = (
    "the rule of the series does not say how it goes on from here: save what follows as an event of"
    " its own"
)


class BadThisAndFutureRange(Exception):
    """The change cannot be applied. `why` is safe to show."""

    def __init__(self, start: StartKey, why: str) -> None:
        super().__init__(why)
        self.start = start
        self.why = why


def split_series(
    event: SeriesWithExceptions,
    ranges: Mapping[StartKey, EventContent | None],
    work: RecurrenceWorkBudget,
) -> list[SeriesWithExceptions | None]:
    """
    Return the part before the first change and after each; None for a part without occurrences.

    :param ranges: new content by the start from which it applies; None ends the series
    :raises BadThisAndFutureRange: if a change cannot be applied
    :raises TooManyOccurrences: if `work` runs out
    """
    rest: SeriesWithExceptions | None = event
    parts: list[SeriesWithExceptions | None] = []
    if len(ranges) > MAX_CHANGES:
        raise BadThisAndFutureRange(
            max(ranges), f"a series is changed from here on more than {MAX_CHANGES} times"
        )
    # Last first: each changes the original series.
    for start in sorted(ranges, reverse=True):
        work.spend(_WORK)
        rest, following = _split_at(rest or event, start, ranges[start])
        parts.append(following)
    return [rest, *reversed(parts)]


def name_series_part(uid: str, number: int) -> str:
    """:param number: of the change, counted from 1"""
    return f"{uid}/following/{number}"


def _split_at(
    event: SeriesWithExceptions, start: StartKey, content: EventContent | None
) -> tuple[SeriesWithExceptions | None, SeriesWithExceptions | None]:
    reason = _NO_OCCURRENCE
    try:
        if content is None:
            return series_edits.cancel_following(event, start), None
        *earlier, following = series_edits.change_following(event, start, content)
    except NoSuchInstance:
        pass
    except NewRecurrenceRuleNeeded:
        reason = _NO_RULE
    except (BadEventTimes, BadSeries, TooManyOccurrences, timezones.UnknownZone, OverflowError):
        reason = "from here on the times of this series make no sense"
    else:
        return (earlier[0] if earlier else None), following
    raise BadThisAndFutureRange(start, reason)
