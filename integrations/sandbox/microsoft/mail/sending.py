"""Sending: answered at once with nothing, done a little later, never idempotent."""

import re
from typing import Any

from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.splitting import parse_headers
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail import composing, writing
from integrations.sandbox.microsoft.mail.outlook import Outlook
from integrations.sandbox.world import World

ACCEPTED = 202
MINUTE = 60.0
MOST_RECIPIENTS = 500
_BCC = re.compile(rb"^bcc:(?:[^\r\n]|\r?\n[ \t])*\r?\n", re.IGNORECASE | re.MULTILINE)


def send_mail(ask: Ask) -> tuple[int, None]:
    """sendMail, as JSON or as MIME."""
    if composing.is_mime(ask):
        entry = ask.outlook.box.add(composing.decoded(ask), ["DRAFT"])
        return _sent(ask, entry, keep=True)
    given = ask.parameters()
    message = given.get("message")
    if not isinstance(message, dict):
        raise problems.bad_request("The message parameter is required.", "ErrorInvalidRequest")
    entry = writing.draft_of(ask, composing.read(message), [])
    return _sent(ask, entry, keep=given.get("saveToSentItems", True) is not False)


def send_draft(ask: Ask) -> tuple[int, None]:
    entry = ask.entry()
    if "DRAFT" not in entry.labels:
        raise problems.bad_request("Only drafts can be sent.", "ErrorInvalidOperation")
    return _sent(ask, entry, keep=True)


def reply(ask: Ask) -> tuple[int, None]:
    return _sent(ask, writing.reply_draft(ask, "reply", ask.parameters()), keep=True)


def reply_all(ask: Ask) -> tuple[int, None]:
    return _sent(ask, writing.reply_draft(ask, "replyAll", ask.parameters()), keep=True)


def forward(ask: Ask) -> tuple[int, None]:
    return _sent(ask, writing.reply_draft(ask, "forward", ask.parameters()), keep=True)


def _recipients(raw: bytes) -> str:
    headers, _ = parse_headers(raw)
    return " ".join(v for name, v in headers if name.lower() in ("to", "cc", "bcc")).lower()


def _sent(ask: Ask, entry: Entry, *, keep: bool) -> tuple[int, None]:
    recipients = _recipients(ask.outlook.box.raw(entry))
    if "@" not in recipients or recipients.count("@") > MOST_RECIPIENTS:
        if not ask.path:
            ask.outlook.delete(entry)
        raise problems.bad_request("At least one recipient isn't valid.", "ErrorInvalidRecipients")
    minute = int(ask.world.clock.now() // MINUTE)
    key = (ask.account.oid, minute)
    if ask.world.sent[key] >= ask.world.dials.graph_sends_per_minute:
        raise problems.too_many_requests(ask.world.dials.graph_retry_after)
    ask.world.sent[key] += 1
    ask.outlook.about(entry).leaves_at = ask.world.clock.now() + ask.world.dials.graph_send_seconds
    if not keep:
        deliver(ask.world, ask.outlook, entry)
        ask.outlook.delete(entry)
    else:
        settle(ask.world, ask.outlook)
    return ACCEPTED, None


def settle(world: World, outlook: Outlook) -> None:
    """What is due by now leaves Drafts for Sent Items, perhaps under another id."""
    now = world.clock.now()
    for number, beside in list(outlook.beside.items()):
        entry = outlook.box.entries.get(number)
        if not beside.leaves_at or beside.leaves_at > now or entry is None:
            continue
        beside.leaves_at = 0.0
        deliver(world, outlook, entry)
        if world.dials.graph_sent_id_changes:
            raw, thread = outlook.box.raw(entry), entry.thread_id
            outlook.delete(entry)
            entry = outlook.box.add(raw, ["SENT"], thread_id=thread)
            outlook.beside[entry.id] = beside
        else:
            outlook.box.relabel(entry, add=["SENT"], remove=["DRAFT", "OUTBOX"])


def deliver(world: World, outlook: Outlook, entry: Entry) -> None:
    """Into the mailboxes of whoever we know, at either provider; without Bcc."""
    raw = outlook.box.raw(entry)
    recipients = _recipients(raw)
    clean = _BCC.sub(b"", raw)
    people: list[Any] = [*world.people.all(), *world.microsoft.people.all()]
    for person in people:
        if person.mailbox and person.email.lower() in recipients:
            person.mailbox.add(clean, ["INBOX", "UNREAD", "CATEGORY_PERSONAL"])
