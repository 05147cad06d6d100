"""The task of making descriptions of events safe to show, and what it is answered with."""

from __future__ import annotations

from typing import Final

import msgspec

from integrations.formats.mime.event_descriptions import SanitisedDescription

from .wire_frames import UnreadableItem


class SanitiseDescriptions(msgspec.Struct, frozen=True, tag=True):
    """Make descriptions of events safe to show: those of a page of events at once."""

    texts: list[str]


class SanitisedDescriptionReply(msgspec.Struct, frozen=True, tag=True):
    sanitised: SanitisedDescription


SanitisedDescriptions = list[SanitisedDescriptionReply | UnreadableItem]

DESCRIPTIONS_REPLY: Final = msgspec.msgpack.Decoder(SanitisedDescriptions | UnreadableItem)
