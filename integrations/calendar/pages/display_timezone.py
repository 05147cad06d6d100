"""On whose clocks a page shows times. Called inside the sink: a calendar's zone is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from integrations.calendar.calendar_access import Visible
from integrations.formats import timezones


def of(
    chosen: str | None, found: Sequence[Visible], about: Sequence[Mapping[str, Any]]
) -> ZoneInfo:
    """Return the zone to show times in: chosen, or of the first own calendar that has one."""
    own = (
        words.get("zone", "") for one, words in zip(found, about, strict=True) if one.share is None
    )
    for name in (chosen, *own):
        try:
            if name:
                return timezones.zone(timezones.iana(name))
        except timezones.UnknownZone:
            continue
    return timezones.zone("UTC")
