"""Gmail's message resource and label ids, in our words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from integrations.mime import gmail_payload
from integrations.mime.headers import printable
from integrations.mime.message import Poison
from integrations.providers import errors
from integrations.providers.base import Labels, RemoteMessage

HIDDEN: Final = frozenset({"SPAM", "TRASH"})
_FOLDERS: Final = {"DRAFT": "drafts"}
_FLAGS: Final = frozenset({"UNREAD", "STARRED"})
# The user's own are `Label_…`; Gmail's are capitals.
_SYSTEM: Final = re.compile(r"[A-Z][A-Z_]{1,31}")
_PLACES: Final = frozenset({"inbox", "sent", "drafts", "spam", "trash"})
MAX_SNIPPET: Final = 300


def filing(label_ids: Iterable[str]) -> Labels:
    """Return where a message with `label_ids` is filed; what is nowhere else is archived."""
    ids = list(dict.fromkeys(label_ids))
    folders = [
        _FOLDERS.get(label, label.lower())
        for label in ids
        if _SYSTEM.fullmatch(label) and label not in _FLAGS
    ]
    if not _PLACES.intersection(folders):
        folders.append("archive")
    return Labels(
        folders=tuple(folders),
        labels=tuple(label for label in ids if not _SYSTEM.fullmatch(label)),
        is_unread="UNREAD" in ids,
        is_starred="STARRED" in ids,
    )


def is_hidden(message: Mapping[str, Any]) -> bool:
    return not HIDDEN.isdisjoint(message.get("labelIds") or ())


def message(resource: Mapping[str, Any]) -> RemoteMessage:
    """
    Return one message of `format=full`.

    :raises Rejected: if it cannot be read
    """
    try:
        mail = gmail_payload.parse(resource["payload"])
        return RemoteMessage(
            message_id=str(resource["id"]),
            thread_id=str(resource["threadId"]),
            # The sender's Date may claim anything; this is Gmail's own clock, in ms.
            received_at=datetime.fromtimestamp(int(resource["internalDate"]) / 1000, tz=UTC),
            size=max(int(resource.get("sizeEstimate") or 0), 0),
            # Snippets come HTML-escaped.
            snippet=printable(html.unescape(str(resource.get("snippet") or "")))[:MAX_SNIPPET],
            filing=filing(resource.get("labelIds") or ()),
            mail=mail,
        )
    except Poison as poison:
        reason = str(poison.reason)
    except (LookupError, ValueError, TypeError, OverflowError, OSError):
        reason = "undecodable"
    raise errors.Rejected("the message cannot be read", reason=reason)
