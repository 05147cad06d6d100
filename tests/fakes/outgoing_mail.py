"""The sending part of a mailbox in memory. A draft's edits are made on `FakeMailbox.drafts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.formats.exact_pieces import WrongSize
from integrations.formats.mime import composer, rfc5322
from integrations.formats.mime.composer import MailHeaders
from integrations.formats.mime.outgoing_headers import InvalidOutgoingMail
from integrations.providers import errors
from integrations.providers.outgoing_mail import (
    DraftRef,
    OutgoingMail,
    SendAddress,
    SendLook,
    SentRef,
)

MAX_MESSAGE_BYTES = 36_700_160


@dataclass(slots=True)
class StoredDraft:
    tag: str
    message_id: str
    thread_id: str
    content: bytes


class FakeMailSender:
    """
    `mailbox.failing` refuses a call before it takes effect. `mailbox.lost_answers` names calls that
    take effect, and whose answer is lost.
    """

    __slots__ = ()
    mailbox: Any

    def create_draft(self, mail: OutgoingMail) -> DraftRef:
        self._record_call("create_draft")  # type: ignore[attr-defined]
        content = _compose(mail)
        box = self.mailbox
        draft_id = f"r{len(box.drafts) + len(box.history)}"
        message_id = box.deliver(content, thread=mail.thread_id or None, label_ids=("DRAFT",))
        thread_id = box.messages[message_id].ref.thread_id
        box.drafts[draft_id] = StoredDraft(mail.tag, message_id, thread_id, content)
        self._lose_answer("create_draft")
        return DraftRef(draft_id, message_id, str(box.clock))

    def delete_drafts(self, tag: str) -> int:
        self._record_call("delete_drafts")  # type: ignore[attr-defined]
        box = self.mailbox
        found = [draft_id for draft_id, draft in box.drafts.items() if draft.tag == tag]
        for draft_id in found:
            box.delete(box.drafts.pop(draft_id).message_id)
        return len(found)

    def send_draft(self, draft: DraftRef) -> None:
        self._record_call("send_draft")  # type: ignore[attr-defined]
        box = self.mailbox
        stored = box.drafts.pop(draft.draft_id, None)
        if stored is None:
            raise errors.Gone("no such draft", status=404)
        box.delete(stored.message_id)
        message_id = box.deliver(stored.content, thread=stored.thread_id, label_ids=("SENT",))
        box.sent.append((stored.tag, message_id))
        self._lose_answer("send_draft")

    def look_for_sent(self, draft: DraftRef, tag: str, since: datetime | None = None) -> SendLook:
        self._record_call("look_for_sent")  # type: ignore[attr-defined]
        box = self.mailbox
        stored = box.drafts.get(draft.draft_id)
        if stored is None:
            state = "missing"
        else:
            state = "intact" if stored.message_id == draft.message_id else "changed"
        for sent_tag, message_id in box.sent:
            if sent_tag == tag:
                message = box.messages[message_id]
                rfc822_id = rfc5322.parse_message(message.content).message_id
                return SendLook(SentRef(message_id, message.ref.thread_id, rfc822_id), state)
        return SendLook(None, state, is_complete=not box.is_busy)

    def get_send_addresses(self) -> tuple[SendAddress, ...]:
        self._record_call("send_addresses")  # type: ignore[attr-defined]
        return tuple(self.mailbox.send_addresses)

    def _lose_answer(self, call: str) -> None:
        if call in self.mailbox.lost_answers:
            self.mailbox.lost_answers.remove(call)
            raise errors.OutcomeUnknown("no answer")
        if late_errors := self.mailbox.failing_late.get(call):
            raise late_errors.pop(0)


def _compose(mail: OutgoingMail) -> bytes:
    headers = MailHeaders(
        sender=mail.sender,
        to=mail.to,
        cc=mail.cc,
        bcc=mail.bcc,
        subject=mail.subject,
        date=mail.sent_at,
        message_id=f"{mail.tag}@example.test",
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        extra=mail.headers,
    )
    try:
        message = composer.compose_message(headers, mail.text, mail.files)
        if message.size > MAX_MESSAGE_BYTES:
            raise errors.Rejected("too large", reason="too-large")
        return b"".join(message.iterate_pieces())
    except InvalidOutgoingMail as invalid:
        raise errors.Rejected("invalid", reason=invalid.reason) from None
    except WrongSize:
        raise errors.Rejected("another size", reason="file-size") from None
