"""Control functions for mailboxes and messages."""

import base64
from dataclasses import fields
from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.control.errors import Misuse, require_text
from integrations.sandbox.google.gmail.message_lists import HIDDEN
from integrations.sandbox.mail import mime
from integrations.sandbox.mail.entry import MailboxEntry, format_id
from integrations.sandbox.mail.generator import MailboxRecipe, MailGenerator
from integrations.sandbox.mail.mailbox import SandboxMailbox
from integrations.sandbox.state import SandboxState

Values = dict[str, Any]
GET_UNITS, THREAD_UNITS = 20, 40
RECIPE_FIELDS = {field.name for field in fields(MailboxRecipe)}
DEFAULT_LABELS = ["INBOX", "UNREAD", "CATEGORY_PERSONAL"]


def make_mailbox(state: SandboxState, account: SandboxAccount, values: Values) -> SandboxMailbox:
    """
    {size?: 0, seed?: 0, days?, until?, canary?, malformed?, hostile?, nested_parts?, labels?,
    label_share?, kinds?, people?, messages?: [deliveries]}
    """
    seed = int(values.get("seed", 0))
    mailbox = SandboxMailbox(account.email, state.clock, seed=seed)
    recipe_fields = {
        n: v for n, v in values.items() if n in RECIPE_FIELDS - {"email", "name", "size", "seed"}
    }
    recipe_fields.setdefault("until", state.clock.now_ms())
    if "labels" in recipe_fields:
        recipe_fields["labels"] = tuple(recipe_fields["labels"])
    size = int(values.get("size", 0))
    mailbox.add_generated(
        MailGenerator(
            MailboxRecipe(
                email=account.email, name=account.name, size=size, seed=seed, **recipe_fields
            )
        )
    )
    for message in values.get("messages", []):
        _add_message(mailbox, message)
    mailbox.on_change = lambda: state.pushes.notify_mailbox_changed(account)
    return mailbox


def find_account(state: SandboxState, values: Values) -> SandboxAccount:
    is_microsoft = values.get("provider") == "microsoft"
    accounts = state.microsoft.accounts if is_microsoft else state.accounts
    account = accounts.find(require_text(values, "email"))
    if account is None:
        raise Misuse("no such account")
    return account


def find_mailbox(state: SandboxState, values: Values) -> SandboxMailbox:
    mailbox = find_account(state, values).mailbox
    if mailbox is None:
        raise Misuse("this account has no Gmail")
    return mailbox


def _find_entry(mailbox: SandboxMailbox, values: Values) -> MailboxEntry:
    entry = mailbox.entries.get(int(require_text(values, "id"), 16))
    if entry is None:
        raise Misuse("no such message")
    return entry


def deliver_message(state: SandboxState, values: Values) -> Values:
    """{email, raw? (base64url) | text fields, labels?, date? (ms), thread_id?, history?: true}"""
    return _describe_message(_add_message(find_mailbox(state, values), values))


def _add_message(mailbox: SandboxMailbox, values: Values) -> MailboxEntry:
    raw = values.get("raw")
    content = (
        base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
        if raw
        else _write_message(mailbox, values)
    )
    labels = values.get("labels", DEFAULT_LABELS)
    if unknown := set(labels) - set(mailbox.labels):
        raise Misuse(f"no such labels: {sorted(unknown)}")
    thread = values.get("thread_id")
    return mailbox.add_message(
        content,
        labels,
        date=values.get("date"),
        thread_id=int(thread, 16) if thread else None,
    )


def _write_message(mailbox: SandboxMailbox, values: Values) -> bytes:
    """
    {sender?, sender_email?, to?, subject?, text?, html?, headers?, attachments?: [{filename,
    content_type?, text | data (base64)}]}
    """
    sender = (values.get("sender", "Bob Builder"), values.get("sender_email", "bob@example.org"))
    headers = [
        ("From", mime.format_address(*sender)),
        ("To", values.get("to", mailbox.email)),
        ("Subject", mime.encode_word(values.get("subject", "Hello"))),
    ]
    custom_headers = dict(values.get("headers", {}))
    custom_headers.setdefault("Message-ID", f"<{mailbox.make_draft_id()}@example.org>")
    headers += [(name, str(value)) for name, value in custom_headers.items()]
    body = mime.make_text(values.get("text", "Hello."), "plain")
    if html := values.get("html"):
        body = mime.make_multipart("alternative", "=_alt", [body, mime.make_text(html, "html")])
    if attachments := values.get("attachments"):
        body = mime.make_multipart(
            "mixed", "=_mix", [body, *(_write_attachment(attachment) for attachment in attachments)]
        )
    return mime.make_message(headers, body)


def _write_attachment(values: Values) -> bytes:
    data = values.get("text", "").encode() or base64.b64decode(values.get("data", ""))
    kind = values.get("content_type", "application/octet-stream")
    return mime.make_attachment(kind, require_text(values, "filename"), data)


def delete_message(state: SandboxState, values: Values) -> Values:
    """{email, id}: permanently, as another client."""
    mailbox = find_mailbox(state, values)
    mailbox.delete_message(_find_entry(mailbox, values))
    return {}


def trash_message(state: SandboxState, values: Values) -> Values:
    mailbox = find_mailbox(state, values)
    entry = _find_entry(mailbox, values)
    mailbox.trash_message(entry)
    return _describe_message(entry)


def relabel_message(state: SandboxState, values: Values) -> Values:
    """{email, id, add?, remove?}"""
    mailbox = find_mailbox(state, values)
    entry = _find_entry(mailbox, values)
    mailbox.relabel(entry, add=values.get("add", []), remove=values.get("remove", []))
    return _describe_message(entry)


def expire_history(state: SandboxState, values: Values) -> Values:
    mailbox = find_mailbox(state, values)
    mailbox.expire_history()
    return {"historyId": str(mailbox.history_id)}


def show_mailbox(state: SandboxState, values: Values) -> Values:
    """{email, limit?}: the newest messages and the summary."""
    mailbox = find_mailbox(state, values)
    entries = list(mailbox.iterate_newest_first())[: int(values.get("limit", len(mailbox.order)))]
    return summarize_mailbox(find_account(state, values)) | {
        "messages": [_describe_message(entry) for entry in entries]
    }


def _describe_message(entry: MailboxEntry) -> Values:
    return {
        "id": format_id(entry.id),
        "threadId": format_id(entry.thread_id),
        "date": entry.date,
        "labelIds": sorted(entry.labels),
        "historyId": str(entry.history_id),
    }


def summarize_mailbox(account: SandboxAccount) -> Values:
    """
    `leastUnits` fetches all: 20 a message, 40 a thread.

    `listed…` excludes spam and trash, as lists do.
    """
    mailbox = account.mailbox
    if mailbox is None:
        raise Misuse("this account has no Gmail")
    sizes: dict[int, int] = {}
    for ids in mailbox.threads.values():
        sizes[len(ids)] = sizes.get(len(ids), 0) + 1
    listed: dict[int, int] = {}
    for entry in mailbox.entries.values():
        if not entry.labels & HIDDEN:
            listed[entry.thread_id] = listed.get(entry.thread_id, 0) + 1
    return {
        "email": account.email,
        "sub": account.sub,
        "messagesTotal": len(mailbox.entries),
        "threadsTotal": len(mailbox.threads),
        "historyId": str(mailbox.history_id),
        "threadSizes": {str(size): sizes[size] for size in sorted(sizes)},
        "leastUnits": sum(min(THREAD_UNITS, GET_UNITS * size) * n for size, n in sizes.items()),
        "listedTotal": sum(listed.values()),
        "listedLeastUnits": sum(min(THREAD_UNITS, GET_UNITS * size) for size in listed.values()),
    }
