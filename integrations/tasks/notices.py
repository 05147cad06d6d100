"""Delivery of notices, and their age."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.access.fences import DisconnectedError
from integrations.calendar import notices as calendar_notices
from integrations.notifications import notice_delivery, notify
from integrations.outbox import notice_mail


@shared_task(name="integrations.deliver_notice")  # type: ignore[untyped-decorator]
def deliver_notice(*, notice_id: str, **_: object) -> None:
    notice_delivery.deliver_notice(UUID(notice_id), at=timezone.now())


@shared_task(name="integrations.mail_notice_to_mailbox")  # type: ignore[untyped-decorator]
def mail_notice_to_mailbox(*, notice_id: str, **_: object) -> None:
    # The mailbox was disconnected: the sweep mails the notice to the sign-in address, or nowhere.
    with suppress(DisconnectedError):
        notice_mail.store_mailbox_notice(UUID(notice_id), at=timezone.now())


@shared_task(name="integrations.notify_of_share")  # type: ignore[untyped-decorator]
def notify_of_share(*, share_id: str, **_: object) -> None:
    calendar_notices.notify_of_share(UUID(share_id), at=timezone.now())


@shared_task(name="integrations.sweep_notices")  # type: ignore[untyped-decorator]
def sweep_notices(**_: object) -> None:
    """Deliver notices whose task was lost, and delete those of ninety days."""
    at = timezone.now()
    notice_delivery.deliver_due_notices(at=at)
    notify.delete_old_notices(at=at)
