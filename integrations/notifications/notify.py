"""
Emit a notice: a row of the person's page, and then the channel that the person chose.

The row is written in the caller's transaction. A task delivers it after the commit, and a sweep
delivers rows whose task was lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import NoticeChannel, OwnerNotice

from . import notice_preferences
from .notice_details import NoticeDetails
from .notice_kinds import NoticeKindSpec, get_kind_of_message

KEPT_FOR: Final = timedelta(days=90)
_NO_DETAILS: Final = NoticeDetails()


def notify(  # noqa: PLR0913 - what, to whom, and about what
    message: str,
    *,
    user_id: UUID,
    organisation_id: UUID,
    about: UUID,
    episode_at: datetime,
    at: datetime,
    details: NoticeDetails = _NO_DETAILS,
) -> bool:
    """
    Return whether the person is notified; repeating does nothing.

    Call this in the transaction of the event. In a web process, the person has to be the row owner.

    :param message: key of a `NoticeMessage`
    :param about: the subject, an id of ours
    :param episode_at: a later episode of the same subject is another notice
    :raises UnknownNotice:
    """
    notice = record_notice(
        message,
        user_id=user_id,
        organisation_id=organisation_id,
        about=about,
        episode_at=episode_at,
        details=details,
        at=at,
    )
    if notice is None:
        return False
    enqueue_on_commit("integrations.deliver_notice", notice_id=notice.id)
    return True


def record_notice(  # noqa: PLR0913 - as `notify`
    message: str,
    *,
    user_id: UUID,
    organisation_id: UUID,
    about: UUID,
    episode_at: datetime,
    at: datetime,
    details: NoticeDetails = _NO_DETAILS,
) -> OwnerNotice | None:
    """
    Write the row only; return None if it exists, or if the kind is switched off.

    The caller delivers it (`notice_delivery.deliver_notice`), or the sweep does.

    :raises UnknownNotice:
    """
    kind = get_kind_of_message(message)
    chosen = notice_preferences.get_channel(kind, user_id=user_id, organisation_id=organisation_id)
    if chosen.channel == NoticeChannel.OFF:
        return None
    try:
        with transaction.atomic():
            return OwnerNotice.objects.create(
                user_id=user_id,
                organisation_id=organisation_id,
                message=message,
                about=about,
                episode_at=episode_at,
                provider=details.provider,
                product=details.product,
                until=details.until,
                reason=details.reason,
                created_at=at,
            )
    except IntegrityError:
        return None


def resolve_notices(
    kind: NoticeKindSpec, *, about: UUID, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    """
    The cause has ended: show its notices as done, and mail none that was not mailed yet.

    Call this in the transaction that ends the cause.
    """
    OwnerNotice.objects.filter(
        user_id=user_id,
        organisation_id=organisation_id,
        message__in=[message.key for message in kind.messages],
        about=about,
        resolved_at=None,
    ).update(resolved_at=at)


def delete_old_notices(*, at: datetime) -> int:
    count, _ = OwnerNotice.objects.filter(created_at__lte=at - KEPT_FOR).delete()
    return count
