"""A message as Graph shows it, out of its MIME."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape
from typing import Any

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.rendering import in_utf8, is_attachment
from integrations.sandbox.mail.splitting import Part, split, unworded
from integrations.sandbox.microsoft.mail import exchange
from integrations.sandbox.microsoft.mail.outlook import Outlook

PREVIEW = 255
_TAGS = re.compile(r"<(style|script|head|title)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
# What Graph takes out of HTML unless the client asks for it as it is.
_UNSAFE = re.compile(
    r"<(script|object|iframe|form)\b.*?(?:</\1>|$)|<(?:meta|link|base)\b[^>]*>|\son\w+=(?:\"[^\"]*\"|'[^']*'|[^\s>]+)",
    re.IGNORECASE | re.DOTALL,
)
# A header with a single entry, whose name may contain another address.
_ONE = re.compile(r"(?P<name>[^<>,\"]*|\"[^\"]*\"\s*)<(?P<address>[^<>\s]+)>")
_METHOD = re.compile(r"method=\"?(\w+)", re.IGNORECASE)
MEETINGS = {"REQUEST": "meetingRequest", "CANCEL": "meetingCancelled"}
RECIPIENTS = {
    "toRecipients": "to",
    "ccRecipients": "cc",
    "bccRecipients": "bcc",
    "replyTo": "reply-to",
}


def moment(millis: float) -> str:
    return datetime.fromtimestamp(millis / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def etag(outlook: Outlook, entry: Entry) -> str:
    mark = f"{outlook.oid}{entry.id}:{entry.history_id}".encode()
    return "CQAAAB" + base64.b64encode(hashlib.sha256(mark).digest()[:18]).decode()


def people(value: str) -> list[dict[str, Any]]:
    pairs = _split(" ".join(value.split()))
    return [
        {"emailAddress": {"name": _clean(unworded(name)) or address, "address": _clean(address)}}
        for name, address in pairs
        if address
    ]


def _split(value: str) -> list[tuple[str, str]]:
    """Return names and addresses; of one entry with angle brackets, the address is in these."""
    if one := _ONE.fullmatch(value):
        return [(one["name"].strip(' "'), one["address"])]
    return getaddresses([value])


def _clean(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


def attachments(root: Part) -> list[Part]:
    """Of what is sealed, the whole; of an invitation, none of the files that are the event."""
    if exchange.is_sealed(root):
        return [root]
    is_meeting = bool(_meeting(root))
    return [
        one for one in root.walk() if is_attachment(one) and not (is_meeting and _is_event(one))
    ]


def _is_event(part: Part) -> bool:
    return part.mime_type in ("text/calendar", "application/ics")


def is_inline(part: Part) -> bool:
    disposition = part.header("content-disposition").lower()
    return disposition.startswith("inline") or (
        bool(part.header("content-id")) and not disposition.startswith("attachment")
    )


def _body(root: Part) -> tuple[str, str]:
    """(text or html, content): the HTML where there is one."""
    for kind in ("text/html", "text/plain"):
        for part in root.walk():
            if part.is_leaf and part.mime_type == kind and not is_attachment(part):
                content = in_utf8(part.decoded(), part.charset).decode("utf-8", "replace")
                return kind.removeprefix("text/").replace("plain", "text"), _clean(content)
    return "text", ""


def as_text(kind: str, content: str) -> str:
    return content if kind == "text" else unescape(_TAGS.sub(" ", content)).strip()


def as_html(kind: str, content: str, *, unsafe: bool) -> str:
    if kind == "text":
        return exchange.html_of_text(content)
    return content if unsafe else _UNSAFE.sub("", content)


def _sent(root: Part, entry: Entry) -> str:
    try:
        found = parsedate_to_datetime(root.header("date"))
        return moment(found.timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return moment(entry.date)


def _meeting(root: Part) -> str:
    for part in root.walk():
        if part.mime_type == "text/calendar" and not part.parts:
            found = _METHOD.search(part.header("content-type"))
            return MEETINGS.get(found[1].upper() if found else "", "none")
    return ""


def _before(outlook: Outlook, entry: Entry) -> list[int]:
    """The messages of its conversation up to this one, each an answer to the one before."""
    thread = [one.id for one in outlook.box.thread(entry.thread_id)]
    return thread[: thread.index(entry.id) + 1]


def message(  # noqa: PLR0913 - what `Prefer` and `$select` can say
    outlook: Outlook,
    entry: Entry,
    *,
    immutable: bool,
    text: bool = False,
    unsafe: bool = False,
    headers: bool = False,
    properties: list[str] | None = None,
) -> dict[str, Any]:
    """
    The default properties; `internetMessageHeaders` and `uniqueBody` only when `headers`.

    `properties` are ids of extended properties that are wanted as well.
    """
    raw = outlook.box.raw(entry)
    root = split(raw)
    kind, content = ("text", "") if exchange.is_sealed(root) else _body(root)
    beside = outlook.beside.get(entry.id)
    thread = hashlib.sha256(f"{outlook.oid}{entry.thread_id}".encode()).digest()
    body = {
        "contentType": "text" if text else "html",
        "content": as_text(kind, content) if text else as_html(kind, content, unsafe=unsafe),
    }
    sender = people(root.header("from"))[:1]
    key = etag(outlook, entry)
    item_id = outlook.id_of(entry.id, immutable=immutable)
    starred = "STARRED" in entry.labels
    importance = root.header("importance").lower()
    made: dict[str, Any] = {
        "@odata.etag": f'W/"{key}"',
        "id": item_id,
        "createdDateTime": moment(entry.date),
        "lastModifiedDateTime": moment(max(entry.date, beside.modified_at if beside else 0)),
        "changeKey": key,
        "categories": outlook.categories(entry),
        "receivedDateTime": moment(entry.date),
        "sentDateTime": _sent(root, entry),
        "hasAttachments": any(not is_inline(one) for one in attachments(root)),
        "internetMessageId": _clean(root.header("message-id").strip()),
        "subject": _clean(unworded(" ".join(root.header("subject").split()))),
        "bodyPreview": " ".join(as_text(kind, content).split())[:PREVIEW],
        "importance": (beside.importance if beside else "")
        or (importance if importance in ("low", "high") else "")
        or ("high" if "IMPORTANT" in entry.labels else "normal"),
        "parentFolderId": outlook.folder_of(entry).id,
        "conversationId": "AAQkAD" + base64.urlsafe_b64encode(thread).decode(),
        "conversationIndex": exchange.conversation_index(thread, _before(outlook, entry)),
        "isDeliveryReceiptRequested": None,
        "isReadReceiptRequested": False,
        "isRead": "UNREAD" not in entry.labels,
        "isDraft": "DRAFT" in entry.labels,
        "webLink": f"https://outlook.office365.com/owa/?ItemID={item_id}&viewmodel=ReadMessageItem",
        "inferenceClassification": "other" if "CATEGORY_PROMOTIONS" in entry.labels else "focused",
        "body": body,
        "sender": sender[0] if sender else None,
        "from": sender[0] if sender else None,
        **{name: people(root.header(field)) for name, field in RECIPIENTS.items()},
        "flag": {
            "flagStatus": (beside.flag if beside else "")
            or ("flagged" if starred else "notFlagged")
        },
    }
    if meeting := _meeting(root):
        made = {"@odata.type": "#microsoft.graph.eventMessageRequest"} | made
        made["meetingMessageType"] = meeting
    if headers:
        if "DRAFT" not in entry.labels:
            made["internetMessageHeaders"] = [
                {"name": name, "value": _clean(value)} for name, value in root.headers
            ]
        made["uniqueBody"] = body
    if properties:
        made |= exchange.properties(properties, root, raw, beside.tags if beside else {})
    return made
