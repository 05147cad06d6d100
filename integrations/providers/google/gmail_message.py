"""Gmail's message resource and label ids, in our words."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from integrations.formats.mime.headers import printable
from integrations.formats.mime.message import bounded_size
from integrations.parsers import parse_requests as parsers
from integrations.parsers.mail_tasks import ReadMail
from integrations.parsers.wire_frames import Unreadable
from integrations.providers import errors
from integrations.providers.mail import Labels, RemoteMessage, provider_id

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


def messages(
    resources: Sequence[Mapping[str, Any]],
) -> list[RemoteMessage | errors.Rejected]:
    """Return messages of `format=full`, in order; what cannot be read is rejected by itself."""
    payloads = [_payload(resource) for resource in resources]
    found = iter(parsers.read_gmail([one for one in payloads if one is not None]))
    return [
        _message(resource, next(found)) if payload is not None else _rejected("undecodable")
        for resource, payload in zip(resources, payloads, strict=True)
    ]


def _payload(resource: Mapping[str, Any]) -> bytes | None:
    """Return the payload as JSON; None where it can be none."""
    payload = resource.get("payload")
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        pass
    try:
        # Takes halves of characters, which a mail may hold and which are mended when it is read.
        return json.dumps(payload).encode()
    except (ValueError, RecursionError):
        return None


def _message(
    resource: Mapping[str, Any], read: ReadMail | Unreadable
) -> RemoteMessage | errors.Rejected:
    if isinstance(read, Unreadable):
        return _rejected(read.reason)
    try:
        return RemoteMessage(
            message_id=provider_id(resource["id"]),
            thread_id=provider_id(resource["threadId"]),
            # The sender's Date may claim anything; this is Gmail's own clock, in ms.
            received_at=datetime.fromtimestamp(int(resource["internalDate"]) / 1000, tz=UTC),
            size=bounded_size(resource.get("sizeEstimate")),
            # Snippets come HTML-escaped.
            snippet=printable(html.unescape(str(resource.get("snippet") or "")))[:MAX_SNIPPET],
            filing=filing(resource.get("labelIds") or ()),
            mail=read.mail,
            shown=read.shown,
        )
    except (LookupError, ValueError, TypeError, OverflowError, OSError):
        return _rejected("undecodable")


def _rejected(reason: str) -> errors.Rejected:
    return errors.Rejected("the message cannot be read", reason=reason)
