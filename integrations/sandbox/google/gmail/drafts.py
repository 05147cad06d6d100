"""users.drafts, without sending."""

from typing import Any

import orjson

from integrations.sandbox.google.gmail import message_lists, problems
from integrations.sandbox.google.gmail.messages import describe_briefly
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.mail.entry import MailboxEntry


def get_thread_id(request: GmailRequest, message: dict[str, Any]) -> int | None:
    thread_id = message.get("threadId")
    return request.find_thread(thread_id)[0].thread_id if thread_id else None


def find_draft(request: GmailRequest, draft_id: str) -> MailboxEntry:
    message_id = request.mailbox.drafts.get(draft_id)
    if message_id is None:
        raise problems.not_found()
    return request.mailbox.entries[message_id]


def list_drafts(request: GmailRequest) -> dict[str, Any]:
    is_listed = message_lists.make_filter(request)
    ids = {message_id: draft_id for draft_id, message_id in request.mailbox.drafts.items()}
    matching = (
        entry
        for entry in request.mailbox.iterate_newest_first(message_lists.read_page_token(request))
        if entry.id in ids and is_listed(entry)
    )
    return message_lists.make_page(
        request,
        matching,
        "drafts",
        lambda entry: {"id": ids[entry.id], "message": message_lists.get_reference(entry)},
    )


def create_draft(request: GmailRequest) -> dict[str, Any]:
    message = request.read_json().get("message") or {}
    entry = request.mailbox.add_message(
        request.read_raw_message(message), ["DRAFT"], thread_id=get_thread_id(request, message)
    )
    draft_id = request.mailbox.make_draft_id()
    request.mailbox.drafts[draft_id] = entry.id
    return {"id": draft_id, "message": describe_briefly(entry)}


def update_draft(request: GmailRequest) -> dict[str, Any]:
    """The draft keeps its id; its message is new."""
    draft_id = request.path["id"]
    old = find_draft(request, draft_id)
    message = request.read_json().get("message") or {}
    thread = get_thread_id(request, message) or old.thread_id
    new = request.mailbox.add_message(
        request.read_raw_message(message), ["DRAFT"], thread_id=thread
    )
    request.mailbox.delete_message(old)
    request.mailbox.drafts[draft_id] = new.id
    return {"id": draft_id, "message": describe_briefly(new)}


def get_draft(request: GmailRequest) -> dict[str, Any]:
    entry = find_draft(request, request.path["id"])
    content = request.rendering_cache.render_json(entry, request.get_choice("format", "full"))
    return {"id": request.path["id"], "message": orjson.Fragment(content)}


def delete_draft(request: GmailRequest) -> None:
    request.mailbox.delete_message(find_draft(request, request.path["id"]))
