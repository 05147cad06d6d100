"""Delivers sent mail to the sandbox's accounts at both providers, and bounces."""

from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.mail import bounces
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.sent_mail import (
    TAG_HEADER,
    AcceptedMail,
    read_header,
    read_recipients,
    remove_bcc,
)
from integrations.sandbox.state import SandboxState

RECEIVED = ("INBOX", "UNREAD", "CATEGORY_PERSONAL")


def record_acceptance(  # noqa: PLR0913 - the facts of one acceptance
    state: SandboxState,
    account: SandboxAccount,
    raw: bytes,
    *,
    provider: str,
    item_id: str,
    tag: str = "",
) -> None:
    state.accepted_mail.append(
        AcceptedMail(
            provider=provider,
            email=account.email,
            tag=tag or read_header(raw, TAG_HEADER),
            recipients=read_recipients(raw),
            subject=read_header(raw, "Subject"),
            at=state.clock.now(),
            id=item_id,
        )
    )


def deliver_sent_mail(
    state: SandboxState,
    sender: SandboxAccount,
    raw: bytes,
    *,
    provider: str,
    sent: MailboxEntry | None = None,
) -> None:
    """
    Without Bcc, except to the sender.

    :param sent: at Gmail mail to oneself is one message, sent and received
    """
    recipients = read_recipients(raw)
    content = remove_bcc(raw)
    accounts: list[Any] = [*state.accounts.list_all(), *state.microsoft.accounts.list_all()]
    for account in accounts:
        if account.mailbox is None or account.email.lower() not in recipients:
            continue
        if account is sender and sent is not None:
            account.mailbox.relabel(sent, add=["INBOX", "UNREAD"])
        else:
            account.mailbox.add_message(content, RECEIVED)
    if sender.mailbox is None:
        return
    for recipient in filter(bounces.is_bouncing, recipients):
        bounce = bounces.make_bounce(provider, sender.email, recipient, raw, state.clock.now())
        sender.mailbox.add_message(bounce, ["INBOX", "UNREAD"])
