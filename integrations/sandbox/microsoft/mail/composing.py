"""A message that a client wrote as JSON, as the MIME that is stored and sent."""

import base64
import secrets
from email.utils import formatdate
from typing import Any

from integrations.sandbox.mail import mime
from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.splitting import split
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail import rendering

FIELDS = {"toRecipients": "To", "ccRecipients": "Cc", "bccRecipients": "Bcc", "replyTo": "Reply-To"}


def new_message_id() -> str:
    return f"<{secrets.token_hex(16).upper()}@SANDBOX.PROD.OUTLOOK.COM>"


def addresses(people: list[dict[str, Any]]) -> str:
    try:
        pairs = [one["emailAddress"] for one in people]
        return ", ".join(mime.address(one.get("name") or "", one["address"]) for one in pairs)
    except (KeyError, TypeError, AttributeError) as error:
        raise problems.bad_request(
            "At least one recipient isn't valid.", "ErrorInvalidRecipients"
        ) from error


def raw(ask: Ask, draft: dict[str, Any], attached: list[dict[str, Any]],
        headers: list[tuple[str, str]]) -> bytes:  # fmt: skip
    """`headers` are Exchange's own (threading) and the message's `x-` ones."""
    now = ask.world.clock.now()
    fields = [("From", mime.address(ask.account.name, ask.account.email))]
    fields += [
        (header, addresses(draft[name])) for name, header in FIELDS.items() if draft.get(name)
    ]
    fields += [("Subject", mime.word(draft.get("subject") or "")), ("Date", formatdate(now))]
    if draft.get("importance") in ("low", "high"):
        fields.append(("Importance", draft["importance"]))
    fields += headers
    body = draft.get("body") or {}
    subtype = "html" if str(body.get("contentType", "text")).lower() == "html" else "plain"
    content = mime.text(body.get("content") or "", subtype)
    if attached:
        files = [_attached(one) for one in attached]
        content = mime.multipart("mixed", f"_mix_{secrets.token_hex(8)}", [content, *files])
    return mime.message(fields, content)


def _attached(one: dict[str, Any]) -> bytes:
    kind = one.get("contentType") or "application/octet-stream"
    word = "inline" if one.get("isInline") else "attachment"
    more = [f"Content-Disposition: {word}; {mime.filename(one.get('name') or 'attachment')}"]
    if one.get("contentId"):
        more.append(f"Content-ID: <{one['contentId']}>")
    return mime.part(kind, one["bytes"], "base64", *more)


def read_attachment(one: dict[str, Any]) -> dict[str, Any]:
    """:raises Problem: not a file, without a name, or not base64"""
    kind = str(one.get("@odata.type", "")).lower()
    if kind != "#microsoft.graph.fileattachment" or not one.get("name"):
        raise problems.bad_request(
            "The attachment is not a file attachment with a name.", "ErrorInvalidRequest"
        )
    try:
        content = base64.b64decode(one.get("contentBytes") or "", validate=True)
    except ValueError as error:
        raise problems.bad_request("contentBytes is not base64.", "ErrorInvalidRequest") from error
    return {name: one.get(name) for name in ("name", "contentType", "isInline", "contentId")} | {
        "bytes": content
    }


def read(body: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]:
    """
    (the message, its attachments, its extended properties).

    :raises Problem: a header that is not the sender's to set, a body that is no object
    """
    draft = {name: value for name, value in body.items() if not name.startswith("@")}
    if draft.get("body") is not None and not isinstance(draft["body"], dict):
        raise problems.bad_request("body is an itemBody.", "ErrorInvalidRequest")
    attached = [read_attachment(one) for one in draft.pop("attachments", [])]
    for one in draft.get("internetMessageHeaders") or []:
        if not str(one.get("name", "")).lower().startswith("x-"):
            raise problems.bad_request(
                f"The internet message header name '{one.get('name')}' should start with 'x-' or "
                "'X-'.", "InvalidInternetMessageHeader",
            )  # fmt: skip
    tags = {
        str(one["id"]).lower(): str(one["value"])
        for one in draft.pop("singleValueExtendedProperties", [])
    }
    return draft, attached, tags


def custom_headers(draft: dict[str, Any]) -> list[tuple[str, str]]:
    return [(str(o["name"]), str(o["value"])) for o in draft.get("internetMessageHeaders") or []]


def decoded(ask: Ask) -> bytes:
    """The MIME form of create and send: base64 as text/plain."""
    try:
        return base64.b64decode(ask.call.body, validate=True)
    except ValueError as error:
        raise problems.bad_request(
            "Invalid base64 string for MIME content.", "ErrorMimeContentInvalidBase64String"
        ) from error


def is_mime(ask: Ask) -> bool:
    return ask.call.headers.get("content-type", "").lower().startswith("text/plain")


def threading_headers(ask: Ask, original: Entry) -> list[tuple[str, str]]:
    """What Exchange puts on replies, and lets nobody else put."""
    root = split(ask.outlook.box.raw(original))
    message_id = root.header("message-id").strip()
    if not message_id:
        return []
    before = " ".join(root.header("references").split())
    return [("In-Reply-To", message_id), ("References", f"{before} {message_id}".strip())]


def reply(ask: Ask, original: Entry, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The draft of a reply (`reply`, `replyAll`) or of a forward."""
    found = rendering.message(ask.outlook, original, immutable=True)
    message, comment = dict(given.get("message") or {}), given.get("comment")
    if comment and (message.get("body") or {}).get("content"):
        raise problems.bad_request(
            "Specify either comment or body of the message.", "ErrorInvalidRequest"
        )
    prefix = "FW: " if kind == "forward" else "RE: "
    subject = found["subject"]
    if not subject.upper().startswith(prefix.strip()):
        subject = prefix + subject
    quoted = f"<hr>{found['body']['content']}"
    draft: dict[str, Any] = {
        "subject": subject,
        "body": {"contentType": "html", "content": f"<div>{comment or ''}</div>{quoted}"},
    }
    if kind == "forward":
        draft["toRecipients"] = given.get("toRecipients") or []
    else:
        draft["toRecipients"] = found["replyTo"] or [found["from"]] if found["from"] else []
    if kind == "replyAll":
        mine = ask.account.email.lower()
        others = found["toRecipients"] + found["ccRecipients"]
        draft["ccRecipients"] = [o for o in others if o["emailAddress"]["address"].lower() != mine]
    return draft | message
