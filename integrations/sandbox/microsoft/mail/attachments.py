"""Attachments of messages, small ones in one request, large ones in pieces."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.splitting import Part, split, unworded
from integrations.sandbox.messages import Answer
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail import composing, exchange, rendering, writing
from integrations.sandbox.microsoft.mail.outlook import Upload

CREATED = 201
SMALL, LARGEST = 3 * 2**20, 150 * 2**20
SESSION_SECONDS = 86_400


def _id(ask: Ask, entry: Entry, place: int) -> str:
    inside = f"{ask.outlook.id_of(entry.id, immutable=True)[-20:]}:{place}"
    return "AAMkAT" + base64.urlsafe_b64encode(inside.encode()).decode()


def _shown(ask: Ask, entry: Entry, place: int, part: Part, *, content: bool) -> dict[str, Any]:
    data = part.decoded()
    name = part.filename or ("calendar.ics" if part.mime_type == "text/calendar" else "attachment")
    made: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "@odata.mediaContentType": part.mime_type,
        "id": _id(ask, entry, place),
        "lastModifiedDateTime": rendering.moment(entry.date),
        "name": name.encode("utf-8", "replace").decode(),
        "contentType": part.mime_type,
        "size": len(data),
        "isInline": rendering.is_inline(part),
        "contentId": part.header("content-id").strip("<> ") or None,
        "contentLocation": None,
    }
    if part.mime_type == "message/rfc822":
        return _item(made, split(data))
    if exchange.is_sealed(part):
        made |= {"name": "smime.p7m", "isInline": False}
    if content:
        made["contentBytes"] = base64.b64encode(data).decode()
    return made


def _item(made: dict[str, Any], root: Part) -> dict[str, Any]:
    """A message within the message: by its subject, without type and content id."""
    kept = {one: made[one] for one in ("id", "lastModifiedDateTime", "size")}
    subject = unworded(" ".join(root.header("subject").split()))
    return kept | {
        "@odata.type": "#microsoft.graph.itemAttachment",
        "name": subject.encode("utf-8", "replace").decode() or "Untitled",
        "contentType": None,
        "isInline": False,
    }


def _check_select(wanted: str) -> None:
    """:raises Problem: only a file has it, so it is selected by the file's type"""
    if "contentid" in {one.strip().lower() for one in wanted.split(",")}:
        raise problems.bad_request(
            "Could not find a property named 'contentId' on type 'microsoft.graph.attachment'.",
            "RequestBroker--ParseUri",
        )


def all_of(ask: Ask, entry: Entry, *, content: bool = True) -> list[dict[str, Any]]:
    parts = rendering.attachments(split(ask.outlook.box.raw(entry)))
    return [_shown(ask, entry, at, part, content=content) for at, part in enumerate(parts)]


def list_(ask: Ask) -> dict[str, Any]:
    select = ask.option("select")
    wants = not select or "contentbytes" in select.lower()
    _check_select(select)
    select = select.replace("microsoft.graph.fileAttachment/", "")
    found = [odata.select(one, select) for one in all_of(ask, ask.entry(), content=wants)]
    return ask.context("messages/attachments") | {"value": found}


def get(ask: Ask) -> dict[str, Any]:
    for one in all_of(ask, ask.entry()):
        if one["id"] == ask.path["attachment"]:
            return ask.context("messages/attachments/$entity") | odata.select(
                one, ask.option("select")
            )
    raise problems.not_found()


def content(ask: Ask) -> Answer:
    parts = rendering.attachments(split(ask.outlook.box.raw(ask.entry())))
    for place, part in enumerate(parts):
        if _id(ask, ask.entry(), place) == ask.path["attachment"]:
            return Answer(200, part.decoded(), {}, part.mime_type)
    raise problems.not_found()


def _draft(ask: Ask) -> Entry:
    entry = ask.entry()
    if "DRAFT" not in entry.labels:
        raise problems.bad_request(
            "Attachments can be added to drafts only.", "ErrorInvalidOperation"
        )
    return entry


def add(ask: Ask) -> tuple[int, dict[str, Any]]:
    entry = _draft(ask)
    made = composing.read_attachment(ask.json())
    if len(made["bytes"]) > SMALL:
        raise problems.error(413, "RequestEntityTooLarge", "Use an upload session above 3 MB.")
    return CREATED, attach(ask, entry, made)


def attach(ask: Ask, entry: Entry, made: dict[str, Any]) -> dict[str, Any]:
    ask.outlook.about(entry).attachments.append(made)
    writing.rewrite(ask, entry)
    return all_of(ask, entry, content=False)[-1]


def remove(ask: Ask) -> None:
    entry = _draft(ask)
    ids = [one["id"] for one in all_of(ask, entry, content=False)]
    if ask.path["attachment"] not in ids:
        raise problems.not_found()
    del ask.outlook.about(entry).attachments[ids.index(ask.path["attachment"])]
    writing.rewrite(ask, entry)


def create_session(ask: Ask) -> tuple[int, dict[str, Any]]:
    """The address is a secret: whoever has it needs no token."""
    entry = _draft(ask)
    item = ask.parameters().get("attachmentItem") or {}
    size = item.get("size")
    if item.get("attachmentType") != "file" or not item.get("name") or not isinstance(size, int):
        raise problems.bad_request(
            "AttachmentItem needs attachmentType, name and size.", "ErrorInvalidRequest"
        )
    if not SMALL <= size <= LARGEST:
        raise problems.bad_request("Upload sessions are for 3 MB to 150 MB.", "ErrorInvalidRequest")
    until = ask.world.clock.now() + SESSION_SECONDS
    secret = secrets.token_urlsafe(48)
    ask.world.microsoft.uploads[secret] = Upload(ask.outlook, entry.id, item, size, until)
    return CREATED, {
        "@odata.context": f"{ask.world.url}/v1.0/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": f"{ask.world.url}/outlook-uploads/{secret}",
        "expirationDateTime": datetime.fromtimestamp(until, tz=UTC).isoformat(),
        "nextExpectedRanges": ["0-"],
    }
