"""Sanitise descriptions before events are sealed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from integrations.formats.mime import safe_bodies
from integrations.formats.mime.event_descriptions import SanitisedDescription
from integrations.parsers import parse_requests
from integrations.parsers.parser_pool import ParsersBusy
from integrations.providers.calendars import RemoteEvent

logger = logging.getLogger(__name__)

#: Version of a description that is not sanitised yet: a view does it.
NOT_SANITIZED: Final = 0


@dataclass(frozen=True, slots=True)
class SafeDescriptions:
    """
    Sanitised descriptions, by the original text.

    `version` is `NOT_SANITIZED` if no parser process was free: events do not wait.
    """

    version: int = safe_bodies.VERSION
    by_text: Mapping[str, SanitisedDescription | None] = field(default_factory=dict)

    def get_description(self, event: RemoteEvent) -> SanitisedDescription | None:
        return self.by_text.get(event.content.description)


def sanitize_descriptions(events: Iterable[RemoteEvent]) -> SafeDescriptions:
    """Make one parser request."""
    texts = {event.content.description for event in events if event.content.description.strip()}
    sorted_texts = sorted(texts)
    if not sorted_texts:
        return SafeDescriptions()
    try:
        return SafeDescriptions(
            by_text=dict(
                zip(sorted_texts, parse_requests.sanitise_descriptions(sorted_texts), strict=True)
            )
        )
    except ParsersBusy:
        logger.warning("descriptions.busy", extra={"count": len(sorted_texts)})
        return SafeDescriptions(NOT_SANITIZED)
