"""What a receipt says of mail that was sent with Antares. English: the signature covers it."""

from __future__ import annotations

from typing import Final

from integrations.models import PurgeJob
from limited_use.policy.claims import claim

_OUTBOX: Final = "integrations.OutboxCommand"

_STAYS: Final = claim(
    "receipt.sent-mail-stays",
    "Your mail at the provider, with what you sent with Antares; its recipients have it, too.",
)
_SENT: Final = claim("receipt.sent-count", "Messages that Antares sent for you: {count}.")
_NOTICES: Final = claim(
    "receipt.sent-notices",
    "Notices that Antares sent to this mailbox, as you chose: {count}.",
)
_UNKNOWN: Final = claim(
    "receipt.sent-unknown",
    "Messages that may have been sent: {count}. Look in your sent mail.",
)
_STOPPED: Final = claim(
    "receipt.sent-stopped",
    "Messages that waited and were not sent: {count}. Drafts of them may be left in your mailbox.",
)


def build_sending_part(job: PurgeJob) -> dict[str, int]:
    """
    Return counts of messages: sent, and stopped by the disconnect; of notices that were sent to the
    own mailbox; and of both that were perhaps sent.
    """
    return {
        "sent": job.sent_count,
        "notices": job.sent_notice_count,
        "unknown": job.unknown_send_count,
        "stopped": job.stopped_send_count,
    }


def has_used_outbox(job: PurgeJob) -> bool:
    counts = build_sending_part(job)
    return any(counts.values()) or job.counts_before.get(_OUTBOX, 0) > 0


def describe_sent_mail(job: PurgeJob) -> str:
    sentences = [_STAYS, _SENT.format(count=job.sent_count)]
    if job.unknown_send_count:
        sentences.append(_UNKNOWN.format(count=job.unknown_send_count))
    if job.stopped_send_count:
        sentences.append(_STOPPED.format(count=job.stopped_send_count))
    if job.sent_notice_count:
        sentences.append(_NOTICES.format(count=job.sent_notice_count))
    return " ".join(sentences)
