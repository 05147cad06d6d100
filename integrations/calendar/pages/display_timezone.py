"""The time zone of a page. Called inside sinks: calendars' zones are sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from integrations.calendar.calendar_access import VisibleCalendar
from integrations.formats import timezones


def choose_timezone(
    chosen: str | None,
    visible_calendars: Sequence[VisibleCalendar],
    calendar_properties: Sequence[Mapping[str, Any]],
) -> ZoneInfo:
    """Return the chosen zone, else that of the first own calendar with one, else UTC."""
    own = (
        properties.get("zone", "")
        for visible, properties in zip(visible_calendars, calendar_properties, strict=True)
        if visible.share is None
    )
    for name in (chosen, *own):
        try:
            if name:
                return timezones.get_zone(timezones.get_iana_name(name))
        except timezones.UnknownZone:
            continue
    return timezones.get_zone("UTC")
