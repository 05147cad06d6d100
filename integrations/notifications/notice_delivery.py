"""
Deliver notices to the channels that people chose, at most once each.

The page shows every notice, so a mail that is lost loses nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from integrations.coordination.task_queue import enqueue
from integrations.models import ConnectionStatus, Integration, NoticeChannel, OwnerNotice
from limited_use.notifications import platform_mail

from . import notice_kinds, notice_preferences, notice_stop_links, notice_values
from .notice_kinds import NoticeKindSpec

#: Time for the task that the commit queued.
SWEEP_AFTER: Final = timedelta(minutes=1)
_BATCH: Final = 500


def deliver_notice(notice_id: UUID, *, at: datetime) -> bool:
    """Return whether this call sent a mail, or passed the notice to the person's mailbox."""
    notice = OwnerNotice.objects.filter(id=notice_id, routed_at=None).first()
    if notice is None:
        return False
    kind = notice_kinds.get_kind_of_message(notice.message)
    channel = choose_live_channel(
        kind, user_id=notice.user_id, organisation_id=notice.organisation_id
    )
    if channel == NoticeChannel.MAILBOX:
        # Its worker marks the notice in the transaction that stores the mail.
        return enqueue("integrations.mail_notice_to_mailbox", notice_id=notice.id)
    # Before the mail is sent: a crash in between loses the mail, rather than sending it twice.
    is_first = mark_routed(notice_id, at=at)
    if not is_first or channel != NoticeChannel.PLATFORM_MAIL:
        return False
    return platform_mail.send_platform_mail(
        notice.message,
        user_id=notice.user_id,
        values=notice_values.get_mail_values(notice),
        about=notice_values.find_linked_receipt(notice),
        stop_url=notice_stop_links.make_stop_url(
            kind, user_id=notice.user_id, organisation_id=notice.organisation_id
        ),
        at=at,
    )


def deliver_due_notices(*, at: datetime) -> int:
    """Deliver the notices that no task has delivered; return how many."""
    due = OwnerNotice.objects.filter(routed_at=None, created_at__lte=at - SWEEP_AFTER)
    ids = list(due.order_by("created_at").values_list("id", flat=True)[:_BATCH])
    return sum(deliver_notice(notice_id, at=at) for notice_id in ids)


def mark_routed(notice_id: UUID, *, at: datetime) -> bool:
    """Return False if another worker was first."""
    return bool(OwnerNotice.objects.filter(id=notice_id, routed_at=None).update(routed_at=at))


def choose_live_channel(
    kind: NoticeKindSpec, *, user_id: UUID, organisation_id: UUID
) -> NoticeChannel:
    """Return the chosen channel. If the chosen mailbox cannot send, return the default."""
    chosen = notice_preferences.get_channel(kind, user_id=user_id, organisation_id=organisation_id)
    if chosen.integration_id is not None and not _can_send(chosen.integration_id):
        return kind.default_channel
    return chosen.channel


def _can_send(integration_id: UUID) -> bool:
    live = Integration.objects.live().filter(
        id=integration_id, connection__status=ConnectionStatus.ACTIVE
    )
    return live.exists()
