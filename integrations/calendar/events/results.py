"""The result of a write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from integrations.calendar.calendar_access import VisibleCalendar

#: The occurrences of a write: one, one and all that follow, or all.
SeriesScope = Literal["this", "following", "all"]


@dataclass(frozen=True, slots=True)
class EventWriteResult:
    """
    The event after the write.

    :param event_id: for `event_lookup.parse_event_id`; None: the event was written, but lies
        outside of the window of the copy, so Antares does not show it
    :param reset_count: how many changed occurrences lost their changes
    :param has_new_link: whether the part that follows has another online meeting than the series
    :param visible: the calendar after the write, for reading the event; None: its copy ended, and
        the calendar must be looked up again
    """

    calendar_id: UUID
    event_id: str | None
    reset_count: int = 0
    has_new_link: bool = False
    visible: VisibleCalendar | None = None
