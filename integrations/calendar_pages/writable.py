"""Which calendars somebody may write in, as the pages offer it; the operation decides."""

from __future__ import annotations

from typing import Final

from integrations.calendars.visible import Visible
from integrations.calendars.writing import places
from integrations.models import CalendarRole

ROLES: Final = frozenset({CalendarRole.WRITER, CalendarRole.OWNER})


def is_open(one: Visible) -> bool:
    """Return whether it is their own, theirs to change, and its account allowed that."""
    calendar = one.calendar
    if one.share is not None or calendar.role not in ROLES:
        return False
    return calendar.is_local or places.may_write(calendar)
