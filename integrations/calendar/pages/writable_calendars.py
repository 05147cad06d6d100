"""Which calendars somebody may write in, as the pages offer it; the operation decides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from integrations.calendar.calendar_access import Visible
from integrations.calendar.events import access
from integrations.models import CalendarRole

ROLES: Final = frozenset({CalendarRole.WRITER, CalendarRole.OWNER})


def is_open(one: Visible) -> bool:
    """Return whether it is their own, theirs to change, and its account allowed that."""
    calendar = one.calendar
    if one.share is not None or calendar.role not in ROLES:
        return False
    return calendar.is_local or access.allows_writing(calendar)


def others(seen: Visible, found: Iterable[Visible]) -> list[Visible]:
    """Return where an event of `seen` may be moved to: none, if it may not leave."""
    if not is_open(seen):
        return []
    home = seen.calendar
    return [
        one
        for one in found
        if one.calendar.integration_id == home.integration_id
        and one.calendar.id != home.id
        and is_open(one)
    ]
