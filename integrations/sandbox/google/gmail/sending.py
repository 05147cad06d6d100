"""Sending and drafts. Nothing is idempotent, as at Google."""

import secrets
from typing import Any

import orjson

from integrations.sandbox.google import problems
from integrations.sandbox.google.gmail import message_lists
from integrations.sandbox.google.gmail.messages import describe_briefly
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.message_references import replace_message_id
from integrations.sandbox.mail.mime_parser import parse_headers

DAY = 86_400


def _count_sent_message(request: GmailRequest) -> None:
    key = (request.account.sub, int(request.state.clock.now() // DAY))
    if request.state.sent_counts[key] >= request.state.knobs.sends_per_day:
        raise problems.sending_limit()
    request.state.sent_counts[key] += 1


def _deliver_message(request: GmailRequest, raw: bytes, thread_id: int | None) -> MailboxEntry:
    """Sent mail gets Gmail's own Message-ID."""
    headers, _ = parse_headers(raw)
    recipients = " ".join(v for name, v in headers if name.lower() in ("to", "cc", "bcc"))
    if "@" not in recipients:
        raise problems.invalid_argument("Recipient address required")
    _count_sent_message(request)
    raw = replace_message_id(raw, f"<CA{secrets.token_urlsafe(32)}@mail.gmail.com>")
    sent = request.mailbox.add_message(raw, ["SENT"], thread_id=thread_id)
    for account in request.state.accounts.list_all():
        if account.mailbox and account.email.lower() in recipients.lower():
            if account is request.account:
                request.mailbox.relabel(sent, add=["INBOX", "UNREAD"])
            else:
                account.mailbox.add_message(raw, ["INBOX", "UNREAD", "CATEGORY_PERSONAL"])
    return sent


def _get_thread_id(request: GmailRequest, message: dict[str, Any]) -> int | None:
    thread_id = message.get("threadId")
    return request.find_thread(thread_id)[0].thread_id if thread_id else None


def send_message(request: GmailRequest) -> dict[str, Any]:
    body = request.read_json()
    return describe_briefly(
        _deliver_message(request, request.read_raw_message(body), _get_thread_id(request, body))
    )


def _find_draft(request: GmailRequest, draft_id: str) -> MailboxEntry:
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
        request.read_raw_message(message), ["DRAFT"], thread_id=_get_thread_id(request, message)
    )
    draft_id = request.mailbox.make_draft_id()
    request.mailbox.drafts[draft_id] = entry.id
    return {"id": draft_id, "message": describe_briefly(entry)}


def update_draft(request: GmailRequest) -> dict[str, Any]:
    """The draft keeps its id; its message is new."""
    draft_id = request.path["id"]
    old = _find_draft(request, draft_id)
    message = request.read_json().get("message") or {}
    thread = _get_thread_id(request, message) or old.thread_id
    new = request.mailbox.add_message(
        request.read_raw_message(message), ["DRAFT"], thread_id=thread
    )
    request.mailbox.delete_message(old)
    request.mailbox.drafts[draft_id] = new.id
    return {"id": draft_id, "message": describe_briefly(new)}


def get_draft(request: GmailRequest) -> dict[str, Any]:
    entry = _find_draft(request, request.path["id"])
    content = request.rendering_cache.render_json(entry, request.get_choice("format", "full"))
    return {"id": request.path["id"], "message": orjson.Fragment(content)}


def delete_draft(request: GmailRequest) -> None:
    request.mailbox.delete_message(_find_draft(request, request.path["id"]))


def send_draft(request: GmailRequest) -> dict[str, Any]:
    """A missing draft was already sent or deleted."""
    body = request.read_json()
    entry = _find_draft(request, str(body.get("id", "")))
    raw, thread_id = request.mailbox.get_raw(entry), entry.thread_id
    sent = _deliver_message(request, raw, thread_id)
    request.mailbox.delete_message(entry)
    return describe_briefly(sent)
