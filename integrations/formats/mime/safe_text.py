from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from .html_allowlist import PICTURE_TYPES
from .safe_bodies import SanitisedText

#: Part and content type.
Picture = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SafeText:
    """`pieces` are HTML, with a picture between each two; None if the message lacks that image."""

    pieces: Sequence[str]
    pictures: Sequence[Picture | None]
    text: str


def encode_safe_text(sanitised: SanitisedText, inline_parts: Mapping[str, Sequence[str]]) -> bytes:
    """:param inline_parts: part and content type by content id"""
    parts = [inline_parts.get(content_id) for content_id in sanitised.pictures]
    pictures = [part if part and part[1] in PICTURE_TYPES else None for part in parts]
    return orjson.dumps({"pieces": sanitised.pieces, "pictures": pictures, "text": sanitised.text})


def decode_safe_text(record: bytes) -> SafeText:
    fields = orjson.loads(record)
    pictures = [tuple(picture) if picture else None for picture in fields["pictures"]]
    return SafeText(fields["pieces"], pictures, fields["text"])
