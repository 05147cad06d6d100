"""Attachments: small in one request, large in upload sessions."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.http_messages import HttpAnswer
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.mime_parser import MimePart, decode_words, parse_message
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import (
    exchange_format,
    message_writes,
    mime_composer,
    rendering,
)
from integrations.sandbox.microsoft.mail.outlook_mailbox import AttachmentUpload

CREATED = 201
MAX_SIMPLE_BYTES, MAX_SESSION_BYTES = 3 * 2**20, 150 * 2**20
# Exchange takes sessions from about the size that one request can carry as base64.
MIN_SESSION_BYTES = 3_000_000
SESSION_SECONDS = 86_400


def _make_id(request: GraphRequest, entry: MailboxEntry, index: int) -> str:
    plain_id = f"{request.outlook.make_id(entry.id, immutable=True)[-20:]}:{index}"
    return "AAMkAT" + base64.urlsafe_b64encode(plain_id.encode()).decode()


def _format_attachment(
    request: GraphRequest, entry: MailboxEntry, index: int, part: MimePart, *, content: bool
) -> dict[str, Any]:
    data = part.decode_body()
    name = part.filename or ("calendar.ics" if part.mime_type == "text/calendar" else "attachment")
    fields: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "@odata.mediaContentType": part.mime_type,
        "id": _make_id(request, entry, index),
        "lastModifiedDateTime": rendering.format_time(entry.date),
        "name": name.encode("utf-8", "replace").decode(),
        "contentType": part.mime_type,
        "size": len(data),
        "isInline": rendering.is_inline(part),
        "contentId": part.get_header("content-id").strip("<> ") or None,
        "contentLocation": None,
    }
    if part.mime_type == "message/rfc822":
        return _format_item_attachment(fields, parse_message(data))
    if exchange_format.is_sealed(part):
        fields |= {"name": "smime.p7m", "isInline": False}
    if content:
        fields["contentBytes"] = base64.b64encode(data).decode()
    return fields


def _format_item_attachment(fields: dict[str, Any], root: MimePart) -> dict[str, Any]:
    """Named by its subject, without type and content id."""
    kept_fields = {field: fields[field] for field in ("id", "lastModifiedDateTime", "size")}
    subject = decode_words(" ".join(root.get_header("subject").split()))
    return kept_fields | {
        "@odata.type": "#microsoft.graph.itemAttachment",
        "name": subject.encode("utf-8", "replace").decode() or "Untitled",
        "contentType": None,
        "isInline": False,
    }


def _check_select(names: str) -> None:
    """:raises HttpProblem: contentId needs the file's type"""
    if "contentid" in {name.strip().lower() for name in names.split(",")}:
        raise problems.bad_request(
            "Could not find a property named 'contentId' on type 'microsoft.graph.attachment'.",
            "RequestBroker--ParseUri",
        )


def list_all(
    request: GraphRequest, entry: MailboxEntry, *, content: bool = True
) -> list[dict[str, Any]]:
    parts = rendering.list_attachments(parse_message(request.outlook.store.get_raw(entry)))
    return [
        _format_attachment(request, entry, index, part, content=content)
        for index, part in enumerate(parts)
    ]


def list_attachments(request: GraphRequest) -> dict[str, Any]:
    select = request.get_option("select")
    wants_content = not select or "contentbytes" in select.lower()
    _check_select(select)
    select = select.replace("microsoft.graph.fileAttachment/", "")
    attachment_list = [
        odata.select_properties(attachment, select)
        for attachment in list_all(request, request.find_entry(), content=wants_content)
    ]
    return request.make_context("messages/attachments") | {"value": attachment_list}


def get_attachment(request: GraphRequest) -> dict[str, Any]:
    for attachment in list_all(request, request.find_entry()):
        if attachment["id"] == request.path["attachment"]:
            return request.make_context("messages/attachments/$entity") | odata.select_properties(
                attachment, request.get_option("select")
            )
    raise problems.not_found()


def get_content(request: GraphRequest) -> HttpAnswer:
    parts = rendering.list_attachments(
        parse_message(request.outlook.store.get_raw(request.find_entry()))
    )
    for index, part in enumerate(parts):
        if _make_id(request, request.find_entry(), index) == request.path["attachment"]:
            return HttpAnswer(200, part.decode_body(), {}, part.mime_type)
    raise problems.not_found()


def _find_draft(request: GraphRequest) -> MailboxEntry:
    entry = request.find_entry()
    if "DRAFT" not in entry.labels:
        raise problems.bad_request(
            "Attachments can be added to drafts only.", "ErrorInvalidOperation"
        )
    return entry


def add_attachment(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    entry = _find_draft(request)
    attachment = mime_composer.read_attachment(request.read_json())
    if len(attachment["bytes"]) > MAX_SIMPLE_BYTES:
        raise problems.make_problem(
            413, "RequestEntityTooLarge", "Use an upload session above 3 MB."
        )
    return CREATED, attach_to_draft(request, entry, attachment)


def attach_to_draft(
    request: GraphRequest, entry: MailboxEntry, attachment: dict[str, Any]
) -> dict[str, Any]:
    request.outlook.get_extras(entry).attachments.append(attachment)
    message_writes.rewrite_draft(request, entry)
    return list_all(request, entry, content=False)[-1]


def remove_attachment(request: GraphRequest) -> None:
    entry = _find_draft(request)
    ids = [attachment["id"] for attachment in list_all(request, entry, content=False)]
    if request.path["attachment"] not in ids:
        raise problems.not_found()
    del request.outlook.get_extras(entry).attachments[ids.index(request.path["attachment"])]
    message_writes.rewrite_draft(request, entry)


def create_session(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    """Its address is a secret and needs no token."""
    entry = _find_draft(request)
    item = request.read_parameters().get("attachmentItem") or {}
    size = item.get("size")
    if item.get("attachmentType") != "file" or not item.get("name") or not isinstance(size, int):
        raise problems.bad_request(
            "AttachmentItem needs attachmentType, name and size.", "ErrorInvalidRequest"
        )
    if not MIN_SESSION_BYTES <= size <= MAX_SESSION_BYTES:
        raise problems.bad_request("Upload sessions are for 3 MB to 150 MB.", "ErrorInvalidRequest")
    expires_at = request.state.clock.now() + SESSION_SECONDS
    secret = secrets.token_urlsafe(48)
    request.state.microsoft.uploads[secret] = AttachmentUpload(
        request.outlook, entry.id, item, size, expires_at
    )
    return CREATED, {
        "@odata.context": f"{request.state.url}/v1.0/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": f"{request.root_url}/outlook-uploads/{secret}",
        "expirationDateTime": datetime.fromtimestamp(expires_at, tz=UTC).isoformat(),
        "nextExpectedRanges": ["0-"],
    }
