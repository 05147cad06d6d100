from __future__ import annotations

from typing import Final

import msgspec

from integrations.formats.mime.event_descriptions import SanitisedDescription

from .parser_frames import UnreadableItem


class SanitiseDescriptions(msgspec.Struct, frozen=True, tag=True):
    texts: list[str]


class SanitisedDescriptionReply(msgspec.Struct, frozen=True, tag=True):
    sanitised: SanitisedDescription


SanitisedDescriptions = list[SanitisedDescriptionReply | UnreadableItem]

DESCRIPTIONS_REPLY: Final = msgspec.msgpack.Decoder(SanitisedDescriptions | UnreadableItem)
