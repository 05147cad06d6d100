"""Drafts, changes, moves and deletions."""

from typing import Any

from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.mime_parser import MimePart, parse_message
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import message_queries, mime_composer, rendering

# A message, its attachments, its extended properties.
MessageInput = tuple[dict[str, Any], list[dict[str, Any]], dict[str, str]]
CREATED = 201
# On any message; other properties only on drafts.
ALWAYS_WRITABLE = frozenset(
    {
        "categories", "flag", "importance", "inferenceClassification", "isRead",
        "isDeliveryReceiptRequested", "isReadReceiptRequested", "singleValueExtendedProperties",
    }
)  # fmt: skip
FLAGS = ("notFlagged", "flagged", "complete")


def _make_created_answer(request: GraphRequest, entry: MailboxEntry) -> tuple[int, dict[str, Any]]:
    return CREATED, request.make_context("messages/$entity") | message_queries.format_message(
        request, entry, ""
    )


def create_message(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    if mime_composer.is_mime(request):
        entry = request.outlook.store.add_message(mime_composer.decode_mime(request), ["DRAFT"])
        return _make_created_answer(request, entry)
    entry = create_draft(request, mime_composer.read_message(request.read_json()), [])
    if "folder" in request.path:
        request.outlook.move_message(entry, request.find_folder())
    return _make_created_answer(request, entry)


def create_draft(
    request: GraphRequest,
    written: MessageInput,
    headers: list[tuple[str, str]],
    thread_id: int | None = None,
) -> MailboxEntry:
    draft, attachments, tags = written
    own_headers = [("Message-ID", mime_composer.make_message_id()), *headers]
    own_headers += mime_composer.get_custom_headers(draft)
    own_headers += mime_composer.get_threading_headers(tags)
    raw = mime_composer.make_raw(request, draft, attachments, own_headers)
    entry = request.outlook.store.add_message(raw, ["DRAFT"], thread_id=thread_id)
    extras = request.outlook.get_extras(entry)
    extras.draft, extras.attachments, extras.tags, extras.headers = (
        draft,
        attachments,
        tags,
        own_headers,
    )
    if draft.get("categories") is not None:
        extras.categories = list(draft["categories"])
    return entry


def rewrite_draft(request: GraphRequest, entry: MailboxEntry) -> None:
    extras = request.outlook.get_extras(entry)
    raw = mime_composer.make_raw(request, extras.draft, extras.attachments, extras.headers)
    request.outlook.store.mark_changed(entry, raw)


def create_reply_draft(
    request: GraphRequest, kind: str, parameters: dict[str, Any]
) -> MailboxEntry:
    original = request.find_entry()
    draft, attachments, tags = mime_composer.read_message(
        mime_composer.make_reply(request, original, kind, parameters)
    )
    headers = mime_composer.make_threading_headers(request, original)
    thread = original.thread_id
    if kind == "forward":
        root = parse_message(request.outlook.store.get_raw(original))
        attachments += [_copy_attachment(part) for part in rendering.list_attachments(root)]
    return create_draft(request, (draft, attachments, tags), headers, thread)


def _copy_attachment(part: MimePart) -> dict[str, Any]:
    return {
        "name": part.filename or "attachment",
        "contentType": part.mime_type,
        "isInline": rendering.is_inline(part),
        "contentId": part.get_header("content-id").strip("<> ") or None,
        "bytes": part.decode_body(),
    }


def create_reply(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    return _make_created_answer(
        request, create_reply_draft(request, "reply", request.read_parameters())
    )


def create_reply_all(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    return _make_created_answer(
        request, create_reply_draft(request, "replyAll", request.read_parameters())
    )


def create_forward(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    return _make_created_answer(
        request, create_reply_draft(request, "forward", request.read_parameters())
    )


def check_if_match(request: GraphRequest, entry: MailboxEntry) -> None:
    """:raises HttpProblem: `If-Match` differs"""
    etag = request.call.headers.get("if-match", "")
    if etag not in ("", "*", f'W/"{rendering.make_etag(request.outlook, entry)}"'):
        raise problems.conflict(request.state.knobs.graph_conflict_status)


def patch_message(request: GraphRequest) -> dict[str, Any]:
    entry, body = request.find_entry(), request.read_json()
    check_if_match(request, entry)
    draft, _, tags = mime_composer.read_message(body)
    extras = request.outlook.get_extras(entry)
    written = {name: value for name, value in draft.items() if name not in ALWAYS_WRITABLE}
    if written and "DRAFT" not in entry.labels:
        raise problems.bad_request(
            f"{sorted(written)} can be changed on drafts only.", "ErrorInvalidPropertySet"
        )
    if (flag := (draft.get("flag") or {}).get("flagStatus")) and flag not in FLAGS:
        raise problems.bad_request(f"flagStatus is one of {FLAGS}.", "ErrorInvalidRequest")
    if draft.get("categories") is not None:
        extras.categories = [str(category) for category in draft["categories"]]
    extras.importance = draft.get("importance") or extras.importance
    extras.tags |= tags
    if written or "importance" in draft:
        if not extras.draft:
            extras.draft, extras.headers = _read_mime_draft(request, entry)
        extras.draft |= written
    if written:
        rewrite_draft(request, entry)
    elif set(draft) - {"isRead", "flag"} or tags or flag == "complete":
        request.outlook.store.mark_changed(entry)
        extras.changed[request.outlook.store.history_id] = frozenset(draft)
    _apply_labels(request, entry, draft, flag)
    extras.modified_at = request.state.clock.now_ms()
    return request.make_context("messages/$entity") | message_queries.format_message(
        request, entry, ""
    )


def _apply_labels(
    request: GraphRequest, entry: MailboxEntry, draft: dict[str, Any], flag: str | None
) -> None:
    if flag:
        request.outlook.get_extras(entry).flag = flag if flag == "complete" else ""
        change = {"add" if flag == "flagged" else "remove": ["STARRED"]}
        request.outlook.store.relabel(entry, **change)
    if draft.get("isRead") is not None:
        change = {"remove" if draft["isRead"] else "add": ["UNREAD"]}
        request.outlook.store.relabel(entry, **change)


def _read_mime_draft(
    request: GraphRequest, entry: MailboxEntry
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    item = rendering.render_message(request.outlook, entry, immutable=True)
    field_names = ("subject", "body", "toRecipients", "ccRecipients", "bccRecipients", "replyTo")
    root = parse_message(request.outlook.store.get_raw(entry))
    names = ("message-id", "in-reply-to", "references")
    return {name: item[name] for name in field_names}, [
        (name, value) for name, value in root.headers if name.lower() in names
    ]


def move_message(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    entry = request.find_entry()
    folder = request.outlook.find_folder(str(request.read_parameters().get("destinationId", "")))
    if folder is None:
        raise problems.not_found()
    request.outlook.move_message(entry, folder)
    return _make_created_answer(request, entry)


def delete_message(request: GraphRequest) -> None:
    entry = request.find_entry()
    check_if_match(request, entry)
    trash = request.outlook.find_folder("deleteditems")
    if trash is None or request.outlook.get_folder(entry) is trash:
        request.outlook.delete_message(entry)
    else:
        request.outlook.move_message(entry, trash)


def delete_message_for_good(request: GraphRequest) -> None:
    request.outlook.delete_message(request.find_entry())
