"""A message in Graph's format."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape
from typing import Any

from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.mime_parser import MimePart, decode_words, parse_message
from integrations.sandbox.mail.rendering import convert_to_utf8, is_attachment
from integrations.sandbox.microsoft.mail import exchange_format
from integrations.sandbox.microsoft.mail.outlook_mailbox import OutlookMailbox

PREVIEW_LENGTH = 255
_TAGS = re.compile(r"<(style|script|head|title)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
# Removed unless the client requests unsafe HTML.
_UNSAFE = re.compile(
    r"<(script|object|iframe|form)\b.*?(?:</\1>|$)|<(?:meta|link|base)\b[^>]*>|\son\w+=(?:\"[^\"]*\"|'[^']*'|[^\s>]+)",
    re.IGNORECASE | re.DOTALL,
)
# A single address, whose name may contain another.
_SINGLE_ADDRESS = re.compile(r"(?P<name>[^<>,\"]*|\"[^\"]*\"\s*)<(?P<address>[^<>\s]+)>")
_METHOD = re.compile(r"method=\"?(\w+)", re.IGNORECASE)
MEETINGS = {"REQUEST": "meetingRequest", "CANCEL": "meetingCancelled"}
RECIPIENTS = {
    "toRecipients": "to",
    "ccRecipients": "cc",
    "bccRecipients": "bcc",
    "replyTo": "reply-to",
}


def format_time(millis: float) -> str:
    return datetime.fromtimestamp(millis / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def make_etag(outlook: OutlookMailbox, entry: MailboxEntry) -> str:
    digest_input = f"{outlook.oid}{entry.id}:{entry.history_id}".encode()
    return "CQAAAB" + base64.b64encode(hashlib.sha256(digest_input).digest()[:18]).decode()


def parse_recipients(value: str) -> list[dict[str, Any]]:
    pairs = _split_addresses(" ".join(value.split()))
    return [
        {
            "emailAddress": {
                "name": _clean_text(decode_words(name)) or address,
                "address": _clean_text(address),
            }
        }
        for name, address in pairs
        if address
    ]


def _split_addresses(value: str) -> list[tuple[str, str]]:
    """In a single entry, angle brackets mark the address."""
    if single_match := _SINGLE_ADDRESS.fullmatch(value):
        return [(single_match["name"].strip(' "'), single_match["address"])]
    return getaddresses([value])


def _clean_text(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


def list_attachments(root: MimePart) -> list[MimePart]:
    """S/MIME is one attachment; an invitation's files are none."""
    if exchange_format.is_sealed(root):
        return [root]
    is_meeting = bool(_get_meeting_type(root))
    return [
        part
        for part in root.list_parts()
        if is_attachment(part) and not (is_meeting and _is_event(part))
    ]


def _is_event(part: MimePart) -> bool:
    return part.mime_type in ("text/calendar", "application/ics")


def is_inline(part: MimePart) -> bool:
    disposition = part.get_header("content-disposition").lower()
    return disposition.startswith("inline") or (
        bool(part.get_header("content-id")) and not disposition.startswith("attachment")
    )


def _get_body(root: MimePart) -> tuple[str, str]:
    for kind in ("text/html", "text/plain"):
        for part in root.list_parts():
            if part.is_leaf and part.mime_type == kind and not is_attachment(part):
                content = convert_to_utf8(part.decode_body(), part.charset).decode(
                    "utf-8", "replace"
                )
                return kind.removeprefix("text/").replace("plain", "text"), _clean_text(content)
    return "text", ""


def to_text(kind: str, content: str) -> str:
    return content if kind == "text" else unescape(_TAGS.sub(" ", content)).strip()


def to_html(kind: str, content: str, *, unsafe: bool) -> str:
    if kind == "text":
        return exchange_format.convert_text_to_html(content)
    return content if unsafe else _UNSAFE.sub("", content)


def _get_sent_time(root: MimePart, entry: MailboxEntry) -> str:
    try:
        sent_at = parsedate_to_datetime(root.get_header("date"))
        return format_time(sent_at.timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return format_time(entry.date)


def _get_meeting_type(root: MimePart) -> str:
    for part in root.list_parts():
        if part.mime_type == "text/calendar" and not part.parts:
            method_match = _METHOD.search(part.get_header("content-type"))
            return MEETINGS.get(method_match[1].upper() if method_match else "", "none")
    return ""


def _list_earlier_messages(outlook: OutlookMailbox, entry: MailboxEntry) -> list[int]:
    """Each answers the previous one."""
    thread = [message.id for message in outlook.store.get_thread(entry.thread_id)]
    return thread[: thread.index(entry.id) + 1]


def render_message(  # noqa: PLR0913 - what `Prefer` and `$select` can say
    outlook: OutlookMailbox,
    entry: MailboxEntry,
    *,
    immutable: bool,
    text: bool = False,
    unsafe: bool = False,
    headers: bool = False,
    properties: list[str] | None = None,
) -> dict[str, Any]:
    """
    `internetMessageHeaders` and `uniqueBody` only with `headers`; `properties` are ids of extended
    properties.
    """
    raw = outlook.store.get_raw(entry)
    root = parse_message(raw)
    kind, content = ("text", "") if exchange_format.is_sealed(root) else _get_body(root)
    extras = outlook.extras.get(entry.id)
    thread = hashlib.sha256(f"{outlook.oid}{entry.thread_id}".encode()).digest()
    body = {
        "contentType": "text" if text else "html",
        "content": to_text(kind, content) if text else to_html(kind, content, unsafe=unsafe),
    }
    sender = parse_recipients(root.get_header("from"))[:1]
    change_key = make_etag(outlook, entry)
    item_id = outlook.make_id(entry.id, immutable=immutable)
    is_starred = "STARRED" in entry.labels
    importance = root.get_header("importance").lower()
    item: dict[str, Any] = {
        "@odata.etag": f'W/"{change_key}"',
        "id": item_id,
        "createdDateTime": format_time(entry.date),
        "lastModifiedDateTime": format_time(max(entry.date, extras.modified_at if extras else 0)),
        "changeKey": change_key,
        "categories": outlook.get_categories(entry),
        "receivedDateTime": format_time(entry.date),
        "sentDateTime": _get_sent_time(root, entry),
        "hasAttachments": any(not is_inline(part) for part in list_attachments(root)),
        "internetMessageId": _clean_text(root.get_header("message-id").strip()),
        "subject": _clean_text(decode_words(" ".join(root.get_header("subject").split()))),
        "bodyPreview": " ".join(to_text(kind, content).split())[:PREVIEW_LENGTH],
        "importance": (extras.importance if extras else "")
        or (importance if importance in ("low", "high") else "")
        or ("high" if "IMPORTANT" in entry.labels else "normal"),
        "parentFolderId": outlook.get_folder(entry).id,
        "conversationId": "AAQkAD" + base64.urlsafe_b64encode(thread).decode(),
        "conversationIndex": exchange_format.make_conversation_index(
            thread, _list_earlier_messages(outlook, entry)
        ),
        "isDeliveryReceiptRequested": None,
        "isReadReceiptRequested": False,
        "isRead": "UNREAD" not in entry.labels,
        "isDraft": "DRAFT" in entry.labels,
        "webLink": f"https://outlook.office365.com/owa/?ItemID={item_id}&viewmodel=ReadMessageItem",
        "inferenceClassification": "other" if "CATEGORY_PROMOTIONS" in entry.labels else "focused",
        "body": body,
        "sender": sender[0] if sender else None,
        "from": sender[0] if sender else None,
        **{name: parse_recipients(root.get_header(field)) for name, field in RECIPIENTS.items()},
        "flag": {
            "flagStatus": (extras.flag if extras else "")
            or ("flagged" if is_starred else "notFlagged")
        },
    }
    if meeting := _get_meeting_type(root):
        item = {"@odata.type": "#microsoft.graph.eventMessageRequest"} | item
        item["meetingMessageType"] = meeting
    if headers:
        if "DRAFT" not in entry.labels:
            item["internetMessageHeaders"] = [
                {"name": name, "value": _clean_text(value)} for name, value in root.headers
            ]
        item["uniqueBody"] = body
    if properties:
        item |= exchange_format.get_extended_properties(
            properties, root, raw, extras.tags if extras else {}
        )
    return item
