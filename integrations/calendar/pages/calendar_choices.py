"""The calendars that a page offers for writing. Called only inside sinks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.messages import pages as messages


def list_calendar_choices(
    visible_calendars: Sequence[VisibleCalendar],
    calendar_properties: Sequence[Mapping[str, Any]],
    *,
    offered_ids: Collection[UUID],
    chosen_id: UUID | None = None,
) -> list[Mapping[str, Any]]:
    """:param calendar_properties: of each calendar, in the same order"""
    return [
        {
            "id": visible.calendar.id,
            "name": properties.get("name") or str(messages.UNNAMED_CALENDAR),
            "is_chosen": visible.calendar.id == chosen_id,
        }
        for visible, properties in zip(visible_calendars, calendar_properties, strict=True)
        if visible.calendar.id in offered_ids
    ]
