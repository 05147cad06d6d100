from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from . import attachment_filenames, headers
from .message import MAX_PARTS, AttachmentPart, UnreadableMailMessage, clamp_size
from .part_tree import CALENDAR_TYPES

#: Prefix of Graph's attachment id, used in place of a path of indexes.
GRAPH_ID_PREFIX: Final = "graph:"
_ITEM: Final = "#microsoft.graph.itemattachment"
# A link to a file outside the message.
_REFERENCE: Final = "#microsoft.graph.referenceattachment"
_ITEM_TYPE: Final = "message/rfc822"
_UNKNOWN_TYPE: Final = "application/octet-stream"


def read_attachments(attachments: Sequence[Mapping[str, Any]]) -> tuple[AttachmentPart, ...]:
    """
    Return the attachments with bytes in the message, in Graph's order.

    :raises UnreadableMailMessage: if there are too many
    """
    if len(attachments) > MAX_PARTS:
        raise UnreadableMailMessage("too-many-parts")
    embedded = [attachment for attachment in attachments if _get_kind(attachment) != _REFERENCE]
    return tuple(
        _read_attachment(attachment, position) for position, attachment in enumerate(embedded)
    )


def _get_kind(attachment: Mapping[str, Any]) -> str:
    return str(attachment.get("@odata.type") or "").lower()


def _read_attachment(attachment: Mapping[str, Any], position: int) -> AttachmentPart:
    content_type = _get_content_type(attachment)
    is_calendar = content_type in CALENDAR_TYPES
    content_id = headers.make_printable(str(attachment.get("contentId") or "")).strip("<> ")[:500]
    is_shown_inline = attachment.get("isInline") is True
    disposition: Literal["attachment", "inline"] = "inline" if is_shown_inline else "attachment"
    name = headers.make_printable(str(attachment.get("name") or ""))
    if content_type == _ITEM_TYPE and name and not name.lower().endswith(".eml"):
        name += ".eml"
    return AttachmentPart(
        position=position,
        part=GRAPH_ID_PREFIX + str(attachment["id"]),
        filename=attachment_filenames.make_safe_filename(
            name, content_type=content_type, position=position
        ),
        content_type=content_type,
        size=clamp_size(attachment.get("size")),
        content_id=content_id,
        disposition=disposition,
        is_inline=is_shown_inline and bool(content_id) and not is_calendar,
        is_calendar=is_calendar,
    )


def _get_content_type(attachment: Mapping[str, Any]) -> str:
    """An Outlook item has the type of a message."""
    if _get_kind(attachment) == _ITEM:
        return _ITEM_TYPE
    value = str(attachment.get("contentType") or "").partition(";")[0]
    return headers.make_printable(value).lower()[:255] or _UNKNOWN_TYPE
