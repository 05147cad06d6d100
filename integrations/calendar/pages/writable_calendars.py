"""The calendars that pages offer for writing. The operation decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.events import event_access
from integrations.models import CalendarRole, Connection

WRITER_ROLES: Final = frozenset({CalendarRole.WRITER, CalendarRole.OWNER})


def is_writable(visible: VisibleCalendar) -> bool:
    """Role and account must allow writing."""
    calendar = visible.calendar
    if visible.share is not None or calendar.role not in WRITER_ROLES:
        return False
    return calendar.is_local or event_access.allows_calendar_writing(calendar)


def find_connection_without_permission(visible: VisibleCalendar) -> Connection | None:
    """Return the connection of an own calendar that lacks only the permission to write."""
    calendar = visible.calendar
    if visible.share is not None or calendar.is_local or is_writable(visible):
        return None
    return calendar.integration.connection if calendar.role in WRITER_ROLES else None


def list_move_targets(
    visible: VisibleCalendar, visible_calendars: Iterable[VisibleCalendar]
) -> list[VisibleCalendar]:
    """Return none if an event of `visible` may not be moved."""
    if not is_writable(visible):
        return []
    current = visible.calendar
    return [
        other
        for other in visible_calendars
        if other.calendar.integration_id == current.integration_id
        and other.calendar.id != current.id
        and is_writable(other)
    ]
