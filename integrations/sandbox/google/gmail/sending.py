"""users.messages.send and users.drafts: nothing here is idempotent, as with Google."""

import secrets
from typing import Any

import orjson

from integrations.sandbox.google import problems
from integrations.sandbox.google.gmail import listing
from integrations.sandbox.google.gmail.ask import Ask
from integrations.sandbox.google.gmail.messages import brief
from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.splitting import parse_headers
from integrations.sandbox.mail.threading import with_message_id

DAY = 86_400


def _charge(ask: Ask) -> None:
    key = (ask.person.sub, int(ask.world.clock.now() // DAY))
    if ask.world.sent[key] >= ask.world.dials.sends_per_day:
        raise problems.sending_limit()
    ask.world.sent[key] += 1


def _deliver(ask: Ask, raw: bytes, thread_id: int | None) -> Entry:
    """Into SENT under Gmail's own Message-ID, and into the mailboxes of people we know."""
    headers, _ = parse_headers(raw)
    recipients = " ".join(v for name, v in headers if name.lower() in ("to", "cc", "bcc"))
    if "@" not in recipients:
        raise problems.invalid_argument("Recipient address required")
    _charge(ask)
    raw = with_message_id(raw, f"<CA{secrets.token_urlsafe(32)}@mail.gmail.com>")
    sent = ask.box.add(raw, ["SENT"], thread_id=thread_id)
    for person in ask.world.people.all():
        if person.mailbox and person.email.lower() in recipients.lower():
            if person is ask.person:
                ask.box.relabel(sent, add=["INBOX", "UNREAD"])
            else:
                person.mailbox.add(raw, ["INBOX", "UNREAD", "CATEGORY_PERSONAL"])
    return sent


def _thread(ask: Ask, message: dict[str, Any]) -> int | None:
    shown = message.get("threadId")
    return ask.thread(shown)[0].thread_id if shown else None


def send(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    return brief(_deliver(ask, ask.raw_of(body), _thread(ask, body)))


def _draft(ask: Ask, draft_id: str) -> Entry:
    message_id = ask.box.drafts.get(draft_id)
    if message_id is None:
        raise problems.not_found()
    return ask.box.entries[message_id]


def list_(ask: Ask) -> dict[str, Any]:
    shown = listing.filter_of(ask)
    ids = {message_id: draft_id for draft_id, message_id in ask.box.drafts.items()}
    matching = (e for e in ask.box.newest_first(listing.start(ask)) if e.id in ids and shown(e))
    return listing.page(
        ask,
        matching,
        "drafts",
        lambda entry: {"id": ids[entry.id], "message": listing.reference(entry)},
    )


def create(ask: Ask) -> dict[str, Any]:
    message = ask.json().get("message") or {}
    entry = ask.box.add(ask.raw_of(message), ["DRAFT"], thread_id=_thread(ask, message))
    draft_id = ask.box.new_draft_id()
    ask.box.drafts[draft_id] = entry.id
    return {"id": draft_id, "message": brief(entry)}


def update(ask: Ask) -> dict[str, Any]:
    """The draft keeps its id; the message in it is a new one."""
    draft_id = ask.path["id"]
    old = _draft(ask, draft_id)
    message = ask.json().get("message") or {}
    thread = _thread(ask, message) or old.thread_id
    new = ask.box.add(ask.raw_of(message), ["DRAFT"], thread_id=thread)
    ask.box.delete(old)
    ask.box.drafts[draft_id] = new.id
    return {"id": draft_id, "message": brief(new)}


def get(ask: Ask) -> dict[str, Any]:
    entry = _draft(ask, ask.path["id"])
    shown = ask.gallery.message(entry, ask.choice("format", "full"))
    return {"id": ask.path["id"], "message": orjson.Fragment(shown)}


def delete(ask: Ask) -> None:
    ask.box.delete(_draft(ask, ask.path["id"]))


def send_draft(ask: Ask) -> dict[str, Any]:
    """The draft is consumed: one that is not there any more was sent, or deleted by its owner."""
    body = ask.json()
    entry = _draft(ask, str(body.get("id", "")))
    raw, thread_id = ask.box.raw(entry), entry.thread_id
    sent = _deliver(ask, raw, thread_id)
    ask.box.delete(entry)
    return brief(sent)
