"""Sending. Nothing is idempotent, as at Google."""

import secrets
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.gmail import drafts, problems
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.mail.entry import format_id
from integrations.sandbox.mail.message_references import replace_message_id
from integrations.sandbox.mail.sent_mail import read_recipients
from integrations.sandbox.mail_delivery import deliver_sent_mail, record_acceptance
from integrations.sandbox.state import SandboxState

DAY, MINUTE = 86_400, 60


@dataclass(frozen=True)
class LeavingMail:
    """Accepted mail that is not yet in SENT. `leaves_at` in seconds of the sandbox's clock."""

    account: SandboxAccount
    message_id: int
    thread_id: int | None
    raw: bytes
    leaves_at: float


def _count_sent_message(request: GmailRequest) -> None:
    knobs, now = request.state.knobs, request.state.clock.now()
    limits = ((DAY, knobs.sends_per_day), (MINUTE, knobs.gmail_sends_per_minute))
    keys = [(f"{request.account.sub} {window}", int(now // window)) for window, _ in limits]
    for key, (_, limit) in zip(keys, limits, strict=True):
        if limit and request.state.sent_counts[key] >= limit:
            raise problems.sending_limit()
    request.state.sent_counts.update(keys)


def _send_message(request: GmailRequest, raw: bytes, thread_id: int | None) -> dict[str, Any]:
    """Sent mail gets Gmail's own Message-ID."""
    if not read_recipients(raw):
        raise api_problems.invalid_argument("Recipient address required")
    _count_sent_message(request)
    raw = replace_message_id(raw, f"<CA{secrets.token_urlsafe(32)}@mail.gmail.com>")
    message_id = request.mailbox.reserve_id()
    item_id = format_id(message_id)
    record_acceptance(request.state, request.account, raw, provider="google", item_id=item_id)
    request.state.leaving_mail.append(
        LeavingMail(
            account=request.account,
            message_id=message_id,
            thread_id=thread_id,
            raw=raw,
            leaves_at=request.state.clock.now() + request.state.knobs.gmail_send_seconds,
        )
    )
    complete_due_sends(request.state)
    thread = message_id if thread_id is None else thread_id
    entry = request.mailbox.entries.get(message_id)
    return {
        "id": item_id,
        "threadId": format_id(entry.thread_id if entry else thread),
        "labelIds": sorted(entry.labels) if entry else ["SENT"],
    }


def complete_due_sends(state: SandboxState) -> None:
    now = state.clock.now()
    due = [mail for mail in state.leaving_mail if mail.leaves_at <= now]
    state.leaving_mail = [mail for mail in state.leaving_mail if mail.leaves_at > now]
    for mail in due:
        if mail.account.mailbox is None:
            continue
        sent = mail.account.mailbox.add_message(
            mail.raw, ["SENT"], thread_id=mail.thread_id, entry_id=mail.message_id
        )
        deliver_sent_mail(state, mail.account, mail.raw, provider="google", sent=sent)


def send_message(request: GmailRequest) -> dict[str, Any]:
    body = request.read_json()
    return _send_message(
        request, request.read_raw_message(body), drafts.get_thread_id(request, body)
    )


def send_draft(request: GmailRequest) -> dict[str, Any]:
    """A missing draft was already sent or deleted."""
    body = request.read_json()
    entry = drafts.find_draft(request, str(body.get("id", "")))
    answer = _send_message(request, request.mailbox.get_raw(entry), entry.thread_id)
    request.mailbox.delete_message(entry)
    return answer
