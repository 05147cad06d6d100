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
    :param event_id: None: the event lies outside of the copy's window, so Antares does not show it
    :param reset_count: how many changed occurrences lost their changes
    :param has_new_link: whether the part that follows has another online meeting
    :param visible: None: the copy ended; look the calendar up again
    """

    calendar_id: UUID
    event_id: str | None
    reset_count: int = 0
    has_new_link: bool = False
    visible: VisibleCalendar | None = None
