from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from integrations.formats.mime.headers import make_printable
from integrations.formats.mime.message import clamp_size
from integrations.parsers import parse_requests
from integrations.parsers.mail_tasks import ParsedMail
from integrations.parsers.parser_frames import UnreadableItem
from integrations.providers import errors
from integrations.providers.mail import MessageFiling, RemoteMessage, parse_provider_id

HIDDEN: Final = frozenset({"SPAM", "TRASH"})
_FOLDERS: Final = {"DRAFT": "drafts"}
_FLAGS: Final = frozenset({"UNREAD", "STARRED"})
# The user's own labels are `Label_…`; Gmail's are in capitals.
_SYSTEM: Final = re.compile(r"[A-Z][A-Z_]{1,31}")
_MAIN_FOLDERS: Final = frozenset({"inbox", "sent", "drafts", "spam", "trash"})
MAX_SNIPPET: Final = 300


def map_filing(label_ids: Iterable[str]) -> MessageFiling:
    """A message without a main folder is archived."""
    ids = list(dict.fromkeys(label_ids))
    folders = [
        _FOLDERS.get(label, label.lower())
        for label in ids
        if _SYSTEM.fullmatch(label) and label not in _FLAGS
    ]
    if not _MAIN_FOLDERS.intersection(folders):
        folders.append("archive")
    return MessageFiling(
        folders=tuple(folders),
        labels=tuple(label for label in ids if not _SYSTEM.fullmatch(label)),
        is_unread="UNREAD" in ids,
        is_starred="STARRED" in ids,
    )


def is_hidden(message: Mapping[str, Any]) -> bool:
    return not HIDDEN.isdisjoint(message.get("labelIds") or ())


def map_messages(
    resources: Sequence[Mapping[str, Any]],
) -> list[RemoteMessage | errors.Rejected]:
    """:param resources: of `format=full`"""
    payloads = [_encode_payload(resource) for resource in resources]
    parsed_mails = iter(
        parse_requests.read_gmail([encoded for encoded in payloads if encoded is not None])
    )
    return [
        _map_message(resource, next(parsed_mails))
        if payload is not None
        else _build_rejection("undecodable")
        for resource, payload in zip(resources, payloads, strict=True)
    ]


def _encode_payload(resource: Mapping[str, Any]) -> bytes | None:
    payload = resource.get("payload")
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        pass
    try:
        # Accepts lone surrogates, which a mail may contain and which parsing repairs.
        return json.dumps(payload).encode()
    except (ValueError, RecursionError):
        return None


def _map_message(
    resource: Mapping[str, Any], read: ParsedMail | UnreadableItem
) -> RemoteMessage | errors.Rejected:
    if isinstance(read, UnreadableItem):
        return _build_rejection(read.reason)
    try:
        return RemoteMessage(
            message_id=parse_provider_id(resource["id"]),
            thread_id=parse_provider_id(resource["threadId"]),
            # Gmail's clock, in ms; the sender's Date header is not reliable.
            received_at=datetime.fromtimestamp(int(resource["internalDate"]) / 1000, tz=UTC),
            size=clamp_size(resource.get("sizeEstimate")),
            # Snippets are HTML-escaped.
            snippet=make_printable(html.unescape(str(resource.get("snippet") or "")))[:MAX_SNIPPET],
            filing=map_filing(resource.get("labelIds") or ()),
            mail=read.mail,
            shown=read.sanitised,
        )
    except (LookupError, ValueError, TypeError, OverflowError, OSError):
        return _build_rejection("undecodable")


def _build_rejection(reason: str) -> errors.Rejected:
    return errors.Rejected("the message cannot be read", reason=reason)
