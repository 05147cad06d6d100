"""
The port to a provider's sending.

Neither provider sends idempotently. So a mail is first stored as a draft, then the draft is sent
once, and only the mailbox tells whether it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.outgoing_file import OutgoingFile

DraftState = Literal["intact", "changed", "missing"]


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """
    `tag` is a UUID of ours, which finds the mail in the mailbox. `text` is complete, with signature
    and quoted text. `in_reply_to` and `references` are Message-IDs without angle brackets.

    :param thread_id: the provider's id of the thread; "" for a new one
    :param replied_message_id: the provider's id of the answered message; "" if there is none
    :param sent_at: for the header Date
    :param headers: further headers, such as List-Unsubscribe
    """

    tag: str
    sender: MailAddress
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    bcc: tuple[MailAddress, ...]
    subject: str
    text: str
    in_reply_to: str
    references: tuple[str, ...]
    thread_id: str
    replied_message_id: str
    sent_at: datetime
    files: tuple[OutgoingFile, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DraftRef:
    """
    A draft as it was stored; `look_for_sent` compares it with the mailbox.

    :param message_id: the provider's id of the draft's message
    :param checkpoint: at Gmail a historyId of before the sending, at Graph the draft's change key
    """

    draft_id: str
    message_id: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class SentRef:
    """`rfc822_id` is the Message-ID that recipients see, without angle brackets."""

    message_id: str
    thread_id: str
    rfc822_id: str


@dataclass(frozen=True, slots=True)
class SendLook:
    """
    What the mailbox shows of a mail.

    Only `sent` proves that the mail was sent. An intact draft does not prove the contrary: the
    mail may still be on its way.

    :param is_leaving: the provider has accepted the mail and has not yet sent it
    :param is_complete: all sent mail that could be the mail was examined. If it was not, a mail
        that was not found may have been sent
    """

    sent: SentRef | None
    draft: DraftState
    is_leaving: bool = False
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class SendAddress:
    """
    An address from which the account may send.

    `signature` is plain text; "" if there is none, or if the provider's API does not return it.
    """

    address: MailAddress
    signature: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class OutgoingMailLimits:
    """
    :param max_message_bytes: of a complete message with encoded attachments
        (`composer.measure_message`)
    :param has_signatures: whether `get_send_addresses` returns the account's signatures
    :param settle_time: after a request to send without an answer, until an intact draft shows that
        the request was not accepted
    """

    max_message_bytes: int
    has_signatures: bool
    settle_time: timedelta


class MailSender(Protocol):
    """
    The sending part of `MailAdapter`, with the same errors.

    None of the methods repeats a call. Writes raise `OutcomeUnknown` if they may have been applied,
    and `Rejected` if the provider will never accept the mail.
    """

    def create_draft(self, mail: OutgoingMail) -> DraftRef:
        """
        Store the mail as a draft. After any error a draft may exist: call `delete_drafts` first.

        :raises OutcomeUnknown: if the provider did not answer
        :raises Gone: if the thread or the answered message no longer exists
        :raises Rejected: if the mail is too large ("too-large"), an address is invalid
            ("address"), or a file differs from its stated size ("file-size")
        """

    def delete_drafts(self, tag: str) -> int:
        """Delete unsent drafts of the mail and return their number."""

    def send_draft(self, draft: DraftRef) -> None:
        """
        Send the draft with one request, and never repeat it.

        :raises OutcomeUnknown: if the request may have been accepted: call `look_for_sent`
        :raises Gone: if there is no such draft. It may have been sent: call `look_for_sent`
        :raises RateLimited: if the provider is busy. This request sent nothing
        :raises Rejected: if the provider refused the mail. This request sent nothing
        """

    def look_for_sent(self, draft: DraftRef, tag: str, since: datetime | None = None) -> SendLook:
        """
        Look for the mail among sent mail, mail that is leaving, and drafts.

        :param since: the mail was not sent before. Where the provider cannot search for the tag, a
            time keeps the look complete
        """

    def get_send_addresses(self) -> tuple[SendAddress, ...]:
        """Return verified addresses; () if the provider's API does not list them."""
