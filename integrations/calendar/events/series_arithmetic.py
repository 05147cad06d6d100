"""Edits of a whole series. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from integrations.calendar.messages import event_fields as messages
from integrations.formats import timezones
from integrations.formats.event_content import EventContent
from integrations.formats.recurrence import series_edits
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule_iter import TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes, StartKey
from integrations.formats.recurrence.series_edits import NoSuchInstance, SeriesWithExceptions
from integrations.formats.recurrence.series_split import NewRecurrenceRuleNeeded

from . import event_drafts
from .event_drafts import EventEdit
from .event_validation import BadEventDraft
from .write_errors import NoSuchOccurrence

_TIMES: Final = frozenset({"start", "end"})

T = TypeVar("T")


def changes_times(edit: EventEdit) -> bool:
    return bool(edit.keys() & _TIMES)


def without_times(edit: EventEdit) -> EventEdit:
    excluded = {*_TIMES, "recurrence"}
    return {name: value for name, value in edit.items() if name not in excluded}  # type: ignore[return-value]


def move_occurrences(
    series: SeriesWithExceptions, original_start: StartKey, edited: EventContent, edit: EventEdit
) -> SeriesWithExceptions:
    """
    Move every occurrence by as much as the one at `original_start`.

    :param edited: that occurrence after the edit
    :raises NoSuchOccurrence, BadEventDraft:
    """
    moved = map_series_errors(
        lambda: series_edits.change_all_occurrences(
            series, original_start, edited, lines=edit.get("recurrence")
        )
    )
    content = replace(
        event_drafts.apply_event_edit(series.content, without_times(edit)),
        start=moved.content.start,
        end=moved.content.end,
        recurrence=moved.content.recurrence,
    )
    return SeriesWithExceptions(content, moved.exceptions)


def map_series_errors(compute: Callable[[], T]) -> T:
    """
    Raise errors of the recurrence engine as errors of this package.

    :raises NoSuchOccurrence, BadEventDraft:
    """
    try:
        return compute()
    except NoSuchInstance:
        raise NoSuchOccurrence from None
    except NewRecurrenceRuleNeeded:
        raise BadEventDraft({"recurrence": messages.RECURRENCE_NEEDS_RULE}) from None
    except (BadEventTimes, BadSeries, TooManyOccurrences, timezones.UnknownZone, OverflowError):
        raise BadEventDraft({"recurrence": messages.RECURRENCE_NEEDS_TIMES}) from None
