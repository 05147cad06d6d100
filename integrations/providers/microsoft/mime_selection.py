"""
Selects the messages that are read from MIME, because Graph's JSON is incomplete.

README.md lists them and the reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from integrations.providers import unexpected_responses

_SEALED_TYPES: Final = frozenset(
    {"multipart/signed", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_MEETING: Final = "#microsoft.graph.eventmessage"
# By the Content-Type header of arrival.
_MIME_ONLY_TYPES: Final = re.compile(
    r"multipart/report|application/(?:x-)?pkcs7-mime|multipart/signed\b.*pkcs7",
    re.IGNORECASE | re.DOTALL,
)
_MAX_TYPE_LENGTH: Final = 4_096


def is_shown_whole(item: Mapping[str, Any]) -> bool:
    try:
        if str(item.get("@odata.type") or "").lower().startswith(_MEETING):
            return False
        if not isinstance(item["body"]["content"], str):
            return False
        return not _MIME_ONLY_TYPES.match(_get_content_type(item))
    except unexpected_responses.UNREADABLE_ERRORS:
        return False


def _get_content_type(item: Mapping[str, Any]) -> str:
    for header in item.get("internetMessageHeaders") or ():
        if header["name"].lower() == "content-type":
            return str(header["value"])[:_MAX_TYPE_LENGTH].strip()
    return ""


def may_have_attachments(item: Mapping[str, Any]) -> bool:
    """Count inline attachments, which Graph does not."""
    return bool(item.get("hasAttachments")) or "cid:" in item["body"]["content"]


def are_attachments_shown(listed: Sequence[Any]) -> bool:
    """Return whether JSON shows the message completely."""
    return all(
        isinstance(entry, dict)
        and isinstance(entry.get("id"), str)
        and not _is_sealed_message(entry)
        for entry in listed
    )


def _is_sealed_message(attachment: Mapping[str, Any]) -> bool:
    content_type = str(attachment.get("contentType") or "").partition(";")[0]
    return content_type.strip().lower() in _SEALED_TYPES
