"""Descriptions of events made safe to show, before the events are sealed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from integrations.formats.mime import safe_bodies
from integrations.formats.mime.event_descriptions import ShownDescription
from integrations.parsers import parse_requests
from integrations.parsers.process_pool import Busy
from integrations.providers.calendars import RemoteEvent

logger = logging.getLogger(__name__)

#: Of a description that is still to be made safe: a view does it.
NOT_YET: Final = 0


@dataclass(frozen=True, slots=True)
class Descriptions:
    """
    What is shown of the descriptions of some events, by what their owners wrote.

    `version` made them. It is `NOT_YET` if no parser process was free: no event is late for that.
    """

    version: int = safe_bodies.VERSION
    by_text: Mapping[str, ShownDescription | None] = field(default_factory=dict)

    def of(self, event: RemoteEvent) -> ShownDescription | None:
        return self.by_text.get(event.content.description)


def show(events: Iterable[RemoteEvent]) -> Descriptions:
    """Return what is shown of the descriptions of these events: one task for all of them."""
    texts = {one.content.description for one in events if one.content.description.strip()}
    ordered = sorted(texts)
    if not ordered:
        return Descriptions()
    try:
        return Descriptions(
            by_text=dict(zip(ordered, parse_requests.show_descriptions(ordered), strict=True))
        )
    except Busy:
        logger.warning("descriptions.busy", extra={"count": len(ordered)})
        return Descriptions(NOT_YET)
