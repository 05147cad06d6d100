"""
Series of a file that are changed from one occurrence on (RANGE=THISANDFUTURE). Pure.

What follows becomes a series of its own. Its name says which part of its series it is, so that the
same file read again, or a newer one, replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.formats import timezones
from integrations.formats.event import EventContent
from integrations.formats.recurrence import series_edits
from integrations.formats.recurrence.parser import BadSeries
from integrations.formats.recurrence.rrule_iter import TooManyOccurrences, WorkBudget
from integrations.formats.recurrence.series import BadEvent, StartKey
from integrations.formats.recurrence.series_edits import NoSuchInstance, SeriesWithExceptions
from integrations.formats.recurrence.series_split import NeedsRule

#: Changes from one occurrence on, of one series.
MAX_CHANGES: Final = 5
# Steps that a file pays for each.
_WORK: Final = 20_000
_NO_OCCURRENCE: Final = "this changes a series from an occurrence on that the series does not have"
_NO_RULE: Final = (
    "the rule of the series does not say how it goes on from here: save what follows as an event of"
    " its own"
)


class BadRange(Exception):
    """What follows cannot be found; the text says why, in our words."""

    def __init__(self, start: StartKey, why: str) -> None:
        super().__init__(why)
        self.start = start
        self.why = why


def split_series(
    event: SeriesWithExceptions, ranges: Mapping[StartKey, EventContent | None], work: WorkBudget
) -> list[SeriesWithExceptions | None]:
    """
    Return what is left of a series before the first change, and what follows each of them.

    None stands for a part in which nothing happens.

    :param ranges: what the series is like from each of these starts on; None: it ends there
    :raises BadRange: if one of them makes no sense
    :raises TooMany: if the work of the file runs out
    """
    rest: SeriesWithExceptions | None = event
    parts: list[SeriesWithExceptions | None] = []
    if len(ranges) > MAX_CHANGES:
        raise BadRange(
            max(ranges), f"a series is changed from here on more than {MAX_CHANGES} times"
        )
    # The last one first: each is a change of the series as it stands in the file.
    for start in sorted(ranges, reverse=True):
        work.spend(_WORK)
        rest, following = _split_at(rest or event, start, ranges[start])
        parts.append(following)
    return [rest, *reversed(parts)]


def name_part(uid: str, number: int) -> str:
    """Return what a part of a series is called that follows its change of that number, from 1."""
    return f"{uid}/following/{number}"


def _split_at(
    event: SeriesWithExceptions, start: StartKey, content: EventContent | None
) -> tuple[SeriesWithExceptions | None, SeriesWithExceptions | None]:
    """Return what is before a start, and what follows."""
    reason = _NO_OCCURRENCE
    try:
        if content is None:
            return series_edits.cancel_following(event, start), None
        *earlier, following = series_edits.change_following(event, start, content)
    except NoSuchInstance:
        pass
    except NeedsRule:
        reason = _NO_RULE
    except (BadEvent, BadSeries, TooManyOccurrences, timezones.UnknownZone, OverflowError):
        reason = "from here on the times of this series make no sense"
    else:
        return (earlier[0] if earlier else None), following
    raise BadRange(start, reason)
