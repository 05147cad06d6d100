"""The task of making descriptions of events safe to show, and what it is answered with."""

from __future__ import annotations

from typing import Final

import msgspec

from integrations.formats.mime.event_descriptions import ShownDescription

from .wire_frames import Unreadable


class ShowDescriptions(msgspec.Struct, frozen=True, tag=True):
    """Make descriptions of events safe to show: those of a page of events at once."""

    texts: list[str]


class DescriptionShown(msgspec.Struct, frozen=True, tag=True):
    shown: ShownDescription


DescriptionsShown = list[DescriptionShown | Unreadable]

DESCRIPTIONS_SHOWN: Final = msgspec.msgpack.Decoder(DescriptionsShown | Unreadable)
