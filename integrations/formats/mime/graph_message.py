"""
Parse Graph's message resource to `ParsedMessage`.

Graph returns decoded properties and one body, HTML or text. The README of
`integrations/providers/microsoft` lists the differences to MIME.
https://learn.microsoft.com/en-us/graph/api/resources/message
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import orjson

from . import charsets, headers
from .address_reader import MAX_ADDRESSES
from .addresses import MailAddress
from .converted_text import restore_plain_text, was_plain_text
from .graph_attachments import read_attachments
from .message import MAX_TEXT, ParsedMessage, PoisonReason, UnreadableMailMessage
from .part_tree import tidy_headers

# Tags of extended properties: PR_INTERNET_REFERENCES and PR_IN_REPLY_TO_ID.
# https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxprops
REFERENCES: Final = 0x1039
IN_REPLY_TO: Final = 0x1042
# Exchange's year for an unknown time.
_NO_YEAR: Final = 1601


def parse_record(record: bytes) -> ParsedMessage:
    """
    :param record: JSON with Graph's `message`, `attachments` and `parent`: Message-ID and
        references of the answered message, if known
    :raises UnreadableMailMessage: if the message is unreadable or exceeds a bound
    """
    reason: PoisonReason = "undecodable"
    try:
        decoded = decode_json(record)
        message = decoded["message"]
        return _build_message(message, decoded.get("attachments") or (), decoded.get("parent"))
    except RecursionError:
        reason = "too-deep"
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        pass
    raise UnreadableMailMessage(reason)


def decode_json(content: bytes) -> Any:
    """
    Accept lone surrogates in strings.

    :raises ValueError: if `content` is not JSON
    :raises RecursionError: if it nests too deeply
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


def _build_message(
    message: Mapping[str, Any], attachments: Sequence[Mapping[str, Any]], parent: Any
) -> ParsedMessage:
    pairs = tidy_headers(
        (_read_text(header["name"]), _read_text(header["value"]))
        for header in _get_headers(message)
    )
    in_reply_to, references = _read_threading(message, pairs, parent)
    text, markup, defects = _read_body(message.get("body") or {})
    return ParsedMessage(
        from_=_read_addresses([message.get("from")]),
        to=_read_addresses(message.get("toRecipients")),
        cc=_read_addresses(message.get("ccRecipients")),
        bcc=_read_addresses(message.get("bccRecipients")),
        reply_to=_read_addresses(message.get("replyTo")),
        subject=headers.make_printable(_read_text(message.get("subject"))),
        date=_read_date(message.get("sentDateTime")),
        message_id=next(
            iter(headers.parse_message_ids(_read_text(message.get("internetMessageId")))), ""
        ),
        in_reply_to=in_reply_to,
        references=references,
        text=text,
        html=markup,
        headers=tuple(pairs),
        attachments=read_attachments(attachments),
        defects=tuple(defects),
    )


def _get_headers(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Drafts and sent messages have none."""
    return message.get("internetMessageHeaders") or ()


def _read_text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return charsets.mend_header_text(value)


def _read_addresses(values: Sequence[Any] | None) -> tuple[MailAddress, ...]:
    addresses = (
        _read_address(recipient) for recipient in islice(values or (), MAX_ADDRESSES) if recipient
    )
    return tuple(address for address in addresses if address.name or address.address)


def _read_address(recipient: Mapping[str, Any]) -> MailAddress:
    person = recipient.get("emailAddress") or {}
    name = headers.make_printable(_read_text(person.get("name")))
    address = headers.make_printable(_read_text(person.get("address")))
    # Exchange repeats the address as the name if there is no name.
    return MailAddress("" if name.lower() == address.lower() else name, address)


def _read_date(value: object) -> datetime | None:
    text = _read_text(value)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if at.year > _NO_YEAR else None


def _read_threading(
    message: Mapping[str, Any], pairs: Sequence[tuple[str, str]], parent: Any
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return In-Reply-To and References."""
    named = {name.lower(): value for name, value in reversed(pairs)}
    properties = {**read_extended_properties(message)}
    in_reply_to = named.get("in-reply-to") or properties.get(IN_REPLY_TO, "")
    references = named.get("references") or properties.get(REFERENCES, "")
    if in_reply_to or references or pairs or not parent:
        return headers.parse_message_ids(in_reply_to), headers.parse_message_ids(references)
    parent_id, parent_references = _read_text(parent[0]), _read_text(parent[1])
    return headers.parse_message_ids(parent_id), headers.parse_message_ids(
        f"{parent_references} {parent_id}"
    )


def read_extended_properties(message: Mapping[str, Any]) -> dict[int, str]:
    """Return values by tag, such as 0x1039 for `String 0x1039`."""
    values: dict[int, str] = {}
    for prop in message.get("singleValueExtendedProperties") or ():
        tag = _read_text(prop["id"]).rpartition(" ")[2]
        if tag.lower().startswith("0x"):
            values[int(tag, 16)] = _read_text(prop.get("value"))
    return values


def _read_body(body: Mapping[str, Any]) -> tuple[str, str, list[str]]:
    content = _read_text(body.get("content"))
    defects = ["text-cut"] if len(content) > MAX_TEXT else []
    content = content[:MAX_TEXT].replace("\x00", "").replace("\r\n", "\n")
    if _read_text(body.get("contentType")).lower() == "text":
        return content, "", defects
    if was_plain_text(content):
        return restore_plain_text(content), "", defects
    return "", content, defects
