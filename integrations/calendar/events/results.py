"""The result of a write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from integrations.calendar.calendar_access import VisibleCalendar

#: Which occurrences of a series: one, one and all that follow, or all.
SeriesScope = Literal["this", "following", "all"]


@dataclass(frozen=True, slots=True)
class EventWriteResult:
    """
    Where the event is after the write.

    :param id: as `event_lookup.event_id` reads it; None: the event was written, and lies outside of
        the window that the cache covers, so that Antares does not show it
    :param reset: how many singly changed occurrences are as the series says again
    :param has_new_link: whether the part that follows has another online meeting than the series
    :param seen: the calendar after the write, for reading the event; None: its cache ended
        meanwhile, and the calendar must be looked up again
    """

    calendar_id: UUID
    event_id: str | None
    reset_count: int = 0
    has_new_link: bool = False
    visible: VisibleCalendar | None = None
