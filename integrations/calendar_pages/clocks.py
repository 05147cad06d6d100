"""On whose clocks a page shows times. Called inside the sink: a calendar's zone is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from integrations import zones
from integrations.calendars.visible import Visible


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
                return zones.zone(zones.iana(name))
        except zones.UnknownZone:
            continue
    return zones.zone("UTC")
