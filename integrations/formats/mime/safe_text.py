"""The text of a message, safe to show, as it is stored and as views take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from .html_allowlist import PICTURE_TYPES
from .safe_bodies import ShownText

#: Part and content type.
Picture = tuple[str, str]


@dataclass(frozen=True, slots=True)
class SafeText:
    """
    The text of a message, safe to show.

    `pieces` are HTML. Between each two stands a picture; None where the message has none there.
    `text` is plain.
    """

    pieces: Sequence[str]
    pictures: Sequence[Picture | None]
    text: str


def encode(made: ShownText, inline: Mapping[str, Sequence[str]]) -> bytes:
    """
    Return the text as JSON.

    :param inline: part and content type of what the text may name, by content id
    """
    found = [inline.get(content_id) for content_id in made.pictures]
    pictures = [part if part and part[1] in PICTURE_TYPES else None for part in found]
    return orjson.dumps({"pieces": made.pieces, "pictures": pictures, "text": made.text})


def decode(record: bytes) -> SafeText:
    """Return the text that `encode` wrote."""
    found = orjson.loads(record)
    pictures = [tuple(picture) if picture else None for picture in found["pictures"]]
    return SafeText(found["pieces"], pictures, found["text"])
