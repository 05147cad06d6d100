"""
Deliver notices to the channels that people chose, at most once each.

The page shows every notice, so a mail that is lost loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from integrations.coordination.task_queue import enqueue
from integrations.models import NoticeChannel, OutboxCommand, OwnerNotice
from limited_use.notifications import platform_mail

from . import (
    notice_kinds,
    notice_mailboxes,
    notice_preferences,
    notice_stop_links,
    notice_values,
)
from .notice_preferences import ChosenChannel

#: Time for the task that the commit queued.
SWEEP_AFTER: Final = timedelta(minutes=1)
_BATCH: Final = 500


def deliver_notice(notice_id: UUID, *, at: datetime) -> bool:
    """Return whether this call sent a mail, or passed the notice to the person's mailbox."""
    notice = OwnerNotice.objects.filter(id=notice_id, routed_at=None).first()
    if notice is None:
        return False
    if notice.resolved_at is not None:
        mark_routed(notice_id, at=at)
        return False
    kind = notice_kinds.get_kind_of_message(notice.message)
    channel = choose_live_channel(notice, at=at).channel
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
    due = OwnerNotice.objects.filter(
        routed_at=None,
        created_at__lte=at - SWEEP_AFTER,
        # An earlier version may have had other kinds.
        message__in=notice_kinds.list_message_keys(),
    )
    ids = list(due.order_by("created_at").values_list("id", flat=True)[:_BATCH])
    return sum(deliver_notice(notice_id, at=at) for notice_id in ids)


def mark_routed(notice_id: UUID, *, at: datetime) -> bool:
    """Return False if another worker was first."""
    return bool(OwnerNotice.objects.filter(id=notice_id, routed_at=None).update(routed_at=at))


def choose_live_channel(notice: OwnerNotice, *, at: datetime) -> ChosenChannel:
    """
    Return the chosen channel.

    If the chosen mailbox cannot receive the notice, or did not send it, return the default.
    """
    kind = notice_kinds.get_kind_of_message(notice.message)
    chosen = notice_preferences.get_channel(
        kind, user_id=notice.user_id, organisation_id=notice.organisation_id
    )
    if chosen.integration_id is None:
        return chosen
    if _was_passed_to_mailbox(notice) or not notice_mailboxes.can_receive_notices(
        chosen.integration_id, at=at
    ):
        return ChosenChannel(kind.default_channel)
    return chosen


def redeliver_owed_notices(notice_ids: Iterable[UUID | None]) -> int:
    """
    The mailbox sends these notices no more: the sweep delivers the owed ones elsewhere.

    Call in the transaction that settles their commands. Other kinds stay on the page alone.
    """
    messages = [
        message.key
        for kind in notice_kinds.list_notice_kinds()
        if kind.is_owed
        for message in kind.messages
    ]
    passed_ids = [notice_id for notice_id in notice_ids if notice_id is not None]
    passed = OwnerNotice.objects.filter(id__in=passed_ids, message__in=messages, resolved_at=None)
    return passed.update(routed_at=None)


def _was_passed_to_mailbox(notice: OwnerNotice) -> bool:
    return OutboxCommand.objects.filter(
        user_id=notice.user_id, organisation_id=notice.organisation_id, notice_id=notice.id
    ).exists()
