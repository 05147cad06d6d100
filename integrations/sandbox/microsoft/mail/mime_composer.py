"""Builds MIME from a client's JSON."""

import base64
import secrets
from email.utils import formatdate
from typing import Any

from integrations.sandbox.mail import mime
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.mime_parser import parse_message
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import rendering

RECIPIENT_FIELDS = {
    "toRecipients": "To",
    "ccRecipients": "Cc",
    "bccRecipients": "Bcc",
    "replyTo": "Reply-To",
}

# PidTagInReplyToId and PidTagInternetReferences.
THREADING_TAGS = {"string 0x1042": "In-Reply-To", "string 0x1039": "References"}

#: PS_INTERNET_HEADERS. Its properties are kept in lower case.
HEADER_TAG = "string {00020386-0000-0000-c000-000000000046} name "


def make_message_id() -> str:
    return f"<{secrets.token_hex(16).upper()}@SANDBOX.PROD.OUTLOOK.COM>"


def format_addresses(recipients: list[dict[str, Any]]) -> str:
    try:
        pairs = [recipient["emailAddress"] for recipient in recipients]
        return ", ".join(
            mime.format_address(address.get("name") or "", address["address"]) for address in pairs
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise problems.bad_request(
            "At least one recipient isn't valid.", "ErrorInvalidRecipients"
        ) from error


def make_raw(request: GraphRequest, draft: dict[str, Any], attached: list[dict[str, Any]],
        headers: list[tuple[str, str]]) -> bytes:  # fmt: skip
    """`headers`: Exchange's threading, and `x-` headers."""
    now = request.state.clock.now()
    fields = [("From", mime.format_address(request.account.name, request.account.email))]
    fields += [
        (header, format_addresses(draft[name]))
        for name, header in RECIPIENT_FIELDS.items()
        if draft.get(name)
    ]
    fields += [("Subject", mime.encode_word(draft.get("subject") or "")), ("Date", formatdate(now))]
    if draft.get("importance") in ("low", "high"):
        fields.append(("Importance", draft["importance"]))
    fields += headers
    body = draft.get("body") or {}
    subtype = "html" if str(body.get("contentType", "text")).lower() == "html" else "plain"
    content = mime.make_text(body.get("content") or "", subtype)
    if attached:
        files = [_make_part(attachment) for attachment in attached]
        content = mime.make_multipart("mixed", f"_mix_{secrets.token_hex(8)}", [content, *files])
    return mime.make_message(fields, content)


def _make_part(attachment: dict[str, Any]) -> bytes:
    content_type = attachment.get("contentType") or "application/octet-stream"
    disposition = "inline" if attachment.get("isInline") else "attachment"
    filename = mime.format_filename(attachment.get("name") or "attachment")
    headers = [f"Content-Disposition: {disposition}; {filename}"]
    if attachment.get("contentId"):
        headers.append(f"Content-ID: <{attachment['contentId']}>")
    return mime.make_part(content_type, attachment["bytes"], "base64", *headers)


def read_attachment(attachment: dict[str, Any]) -> dict[str, Any]:
    """:raises HttpProblem: not a file, without a name, or not base64"""
    content_type = str(attachment.get("@odata.type", "")).lower()
    if content_type != "#microsoft.graph.fileattachment" or not attachment.get("name"):
        raise problems.bad_request(
            "The attachment is not a file attachment with a name.", "ErrorInvalidRequest"
        )
    try:
        content = base64.b64decode(attachment.get("contentBytes") or "", validate=True)
    except ValueError as error:
        raise problems.bad_request("contentBytes is not base64.", "ErrorInvalidRequest") from error
    return {
        name: attachment.get(name) for name in ("name", "contentType", "isInline", "contentId")
    } | {"bytes": content}


def read_message(
    body: dict[str, Any],
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]:
    """
    Return (message, attachments, extended properties).

    :raises HttpProblem: a header that senders may not set, or a body that is no object
    """
    draft = {name: value for name, value in body.items() if not name.startswith("@")}
    if draft.get("body") is not None and not isinstance(draft["body"], dict):
        raise problems.bad_request("body is an itemBody.", "ErrorInvalidRequest")
    attached = [read_attachment(attachment) for attachment in draft.pop("attachments", [])]
    for header in draft.get("internetMessageHeaders") or []:
        if not str(header.get("name", "")).lower().startswith("x-"):
            raise problems.bad_request(
                f"The internet message header name '{header.get('name')}' should start with 'x-' "
                "or 'X-'.",
                "InvalidInternetMessageHeader",
            )
    tags = {
        str(tag["id"]).lower(): str(tag["value"])
        for tag in draft.pop("singleValueExtendedProperties", [])
    }
    return draft, attached, tags


def get_custom_headers(draft: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (str(header["name"]), str(header["value"]))
        for header in draft.get("internetMessageHeaders") or []
    ]


def get_threading_headers(tags: dict[str, str]) -> list[tuple[str, str]]:
    """Exchange writes these extended properties as headers."""
    threading = [(header, tags[name]) for name, header in THREADING_TAGS.items() if tags.get(name)]
    return threading + [
        (name.removeprefix(HEADER_TAG).title(), value)
        for name, value in tags.items()
        if name.startswith(HEADER_TAG)
    ]


def decode_mime(request: GraphRequest) -> bytes:
    """base64 as text/plain."""
    try:
        return base64.b64decode(request.call.body, validate=True)
    except ValueError as error:
        raise problems.bad_request(
            "Invalid base64 string for MIME content.", "ErrorMimeContentInvalidBase64String"
        ) from error


def is_mime(request: GraphRequest) -> bool:
    return request.call.headers.get("content-type", "").lower().startswith("text/plain")


def make_threading_headers(request: GraphRequest, original: MailboxEntry) -> list[tuple[str, str]]:
    """Only Exchange may set them."""
    root = parse_message(request.outlook.store.get_raw(original))
    message_id = root.get_header("message-id").strip()
    if not message_id:
        return []
    earlier_references = " ".join(root.get_header("references").split())
    return [
        ("In-Reply-To", message_id),
        ("References", f"{earlier_references} {message_id}".strip()),
    ]


def make_reply(
    request: GraphRequest, original: MailboxEntry, kind: str, parameters: dict[str, Any]
) -> dict[str, Any]:
    """`kind` is reply, replyAll or forward."""
    original_fields = rendering.render_message(request.outlook, original, immutable=True)
    message, comment = dict(parameters.get("message") or {}), parameters.get("comment")
    if comment and (message.get("body") or {}).get("content"):
        raise problems.bad_request(
            "Specify either comment or body of the message.", "ErrorInvalidRequest"
        )
    prefix = "FW: " if kind == "forward" else "RE: "
    subject = original_fields["subject"]
    if not subject.upper().startswith(prefix.strip()):
        subject = prefix + subject
    quoted = f"<hr>{original_fields['body']['content']}"
    draft: dict[str, Any] = {
        "subject": subject,
        "body": {"contentType": "html", "content": f"<div>{comment or ''}</div>{quoted}"},
    }
    if kind == "forward":
        draft["toRecipients"] = parameters.get("toRecipients") or []
    else:
        draft["toRecipients"] = (
            original_fields["replyTo"] or [original_fields["from"]]
            if original_fields["from"]
            else []
        )
    if kind == "replyAll":
        own_email = request.account.email.lower()
        other_recipients = original_fields["toRecipients"] + original_fields["ccRecipients"]
        draft["ccRecipients"] = [
            recipient
            for recipient in other_recipients
            if recipient["emailAddress"]["address"].lower() != own_email
        ]
    return draft | message
