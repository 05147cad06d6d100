"""Graph's attachments of a message, as it lists them, to `AttachmentPart`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from . import filenames, headers
from .message import MAX_PARTS, AttachmentPart, Poison, bounded_size
from .part_tree import CALENDAR_TYPES

#: Before Graph's id of an attachment, where others have a path of indexes.
BY_ID: Final = "graph:"
_ITEM: Final = "#microsoft.graph.itemattachment"
# A link to a file that lies elsewhere: nothing of it is in the message.
_REFERENCE: Final = "#microsoft.graph.referenceattachment"
_ITEM_TYPE: Final = "message/rfc822"
_UNKNOWN_TYPE: Final = "application/octet-stream"


def read_attachments(listed: Sequence[Mapping[str, Any]]) -> tuple[AttachmentPart, ...]:
    """
    Return the attachments whose bytes are in the message, in Graph's order.

    :raises Poison: if there are too many
    """
    if len(listed) > MAX_PARTS:
        raise Poison("too-many-parts")
    kept = [one for one in listed if _kind(one) != _REFERENCE]
    return tuple(_attachment(one, position) for position, one in enumerate(kept))


def _kind(listed: Mapping[str, Any]) -> str:
    return str(listed.get("@odata.type") or "").lower()


def _attachment(listed: Mapping[str, Any], position: int) -> AttachmentPart:
    content_type = _content_type(listed)
    is_calendar = content_type in CALENDAR_TYPES
    content_id = headers.printable(str(listed.get("contentId") or "")).strip("<> ")[:500]
    is_shown_inline = listed.get("isInline") is True
    disposition: Literal["attachment", "inline"] = "inline" if is_shown_inline else "attachment"
    name = headers.printable(str(listed.get("name") or ""))
    if content_type == _ITEM_TYPE and name and not name.lower().endswith(".eml"):
        name += ".eml"
    return AttachmentPart(
        position=position,
        part=BY_ID + str(listed["id"]),
        filename=filenames.safe(name, content_type=content_type, position=position),
        content_type=content_type,
        size=bounded_size(listed.get("size")),
        content_id=content_id,
        disposition=disposition,
        is_inline=is_shown_inline and bool(content_id) and not is_calendar,
        is_calendar=is_calendar,
    )


def _content_type(listed: Mapping[str, Any]) -> str:
    """Return its type without parameters; that of a message for an item of Outlook's."""
    if _kind(listed) == _ITEM:
        return _ITEM_TYPE
    said = str(listed.get("contentType") or "").partition(";")[0]
    return headers.printable(said).lower()[:255] or _UNKNOWN_TYPE
