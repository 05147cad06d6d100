"""Sending: answered at once, completed later, never idempotent."""

import re
from typing import Any

from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.mime_parser import parse_headers
from integrations.sandbox.microsoft.graph import problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import message_writes, mime_composer
from integrations.sandbox.microsoft.mail.outlook_mailbox import OutlookMailbox
from integrations.sandbox.state import SandboxState

ACCEPTED = 202
MINUTE = 60.0
MAX_RECIPIENTS = 500
_BCC = re.compile(rb"^bcc:(?:[^\r\n]|\r?\n[ \t])*\r?\n", re.IGNORECASE | re.MULTILINE)


def send_mail(request: GraphRequest) -> tuple[int, None]:
    if mime_composer.is_mime(request):
        entry = request.outlook.store.add_message(mime_composer.decode_mime(request), ["DRAFT"])
        return _send_message(request, entry, saves_copy=True)
    parameters = request.read_parameters()
    message = parameters.get("message")
    if not isinstance(message, dict):
        raise problems.bad_request("The message parameter is required.", "ErrorInvalidRequest")
    entry = message_writes.create_draft(request, mime_composer.read_message(message), [])
    return _send_message(
        request, entry, saves_copy=parameters.get("saveToSentItems", True) is not False
    )


def send_draft(request: GraphRequest) -> tuple[int, None]:
    entry = request.find_entry()
    if "DRAFT" not in entry.labels:
        raise problems.bad_request("Only drafts can be sent.", "ErrorInvalidOperation")
    return _send_message(request, entry, saves_copy=True)


def send_reply(request: GraphRequest) -> tuple[int, None]:
    return _send_message(
        request,
        message_writes.create_reply_draft(request, "reply", request.read_parameters()),
        saves_copy=True,
    )


def send_reply_to_all(request: GraphRequest) -> tuple[int, None]:
    return _send_message(
        request,
        message_writes.create_reply_draft(request, "replyAll", request.read_parameters()),
        saves_copy=True,
    )


def send_forward(request: GraphRequest) -> tuple[int, None]:
    return _send_message(
        request,
        message_writes.create_reply_draft(request, "forward", request.read_parameters()),
        saves_copy=True,
    )


def _get_recipients(raw: bytes) -> str:
    headers, _ = parse_headers(raw)
    return " ".join(v for name, v in headers if name.lower() in ("to", "cc", "bcc")).lower()


def _send_message(
    request: GraphRequest, entry: MailboxEntry, *, saves_copy: bool
) -> tuple[int, None]:
    recipients = _get_recipients(request.outlook.store.get_raw(entry))
    if "@" not in recipients or recipients.count("@") > MAX_RECIPIENTS:
        if not request.path:
            request.outlook.delete_message(entry)
        raise problems.bad_request("At least one recipient isn't valid.", "ErrorInvalidRecipients")
    minute = int(request.state.clock.now() // MINUTE)
    key = (request.account.oid, minute)
    if request.state.sent_counts[key] >= request.state.knobs.graph_sends_per_minute:
        raise problems.too_many_requests(request.state.knobs.graph_retry_after)
    request.state.sent_counts[key] += 1
    request.outlook.get_extras(entry).leaves_at = (
        request.state.clock.now() + request.state.knobs.graph_send_seconds
    )
    if not saves_copy:
        deliver_message(request.state, request.outlook, entry)
        request.outlook.delete_message(entry)
    else:
        complete_due_sends(request.state, request.outlook)
    return ACCEPTED, None


def complete_due_sends(state: SandboxState, outlook: OutlookMailbox) -> None:
    """A knob changes their ids."""
    now = state.clock.now()
    for number, extras in list(outlook.extras.items()):
        entry = outlook.store.entries.get(number)
        if not extras.leaves_at or extras.leaves_at > now or entry is None:
            continue
        extras.leaves_at = 0.0
        deliver_message(state, outlook, entry)
        if state.knobs.graph_sent_id_changes:
            raw, thread = outlook.store.get_raw(entry), entry.thread_id
            outlook.delete_message(entry)
            entry = outlook.store.add_message(raw, ["SENT"], thread_id=thread)
            outlook.extras[entry.id] = extras
        else:
            outlook.store.relabel(entry, add=["SENT"], remove=["DRAFT", "OUTBOX"])


def deliver_message(state: SandboxState, outlook: OutlookMailbox, entry: MailboxEntry) -> None:
    """At both providers, without Bcc."""
    raw = outlook.store.get_raw(entry)
    recipients = _get_recipients(raw)
    content = _BCC.sub(b"", raw)
    accounts: list[Any] = [*state.accounts.list_all(), *state.microsoft.accounts.list_all()]
    for account in accounts:
        if account.mailbox and account.email.lower() in recipients:
            account.mailbox.add_message(content, ["INBOX", "UNREAD", "CATEGORY_PERSONAL"])
