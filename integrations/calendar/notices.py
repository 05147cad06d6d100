"""
Notices to a colleague with whom a calendar is shared.

Sharing takes the same time for every address, so the request queues a task in each case, and only
the task learns whether a registered colleague has the address.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from integrations.models import NoticeChannel, OwnerNotice
from integrations.notifications import notify
from integrations.notifications.notice_kinds import NoticeKindSpec, NoticeMessage
from limited_use.models.shares import Share

CALENDAR_SHARED: Final = NoticeKindSpec(
    key="calendar_shared",
    title=_("A colleague shares a calendar with you"),
    says=_("When a colleague shares a calendar with you, and when they stop sharing it."),
    why="A shared calendar appears in the person's own calendar, or disappears.",
    is_owed=False,
    default_channel=NoticeChannel.PAGE,
    messages=(
        NoticeMessage(
            key="calendar_shared",
            text=_("A colleague shared a calendar with you."),
            link_text=_("See shared calendars"),
            route_name="settings-access",
        ),
        NoticeMessage(
            key="calendar_share_ended",
            text=_("A calendar is no longer shared with you."),
            link_text=_("See shared calendars"),
            route_name="settings-access",
        ),
    ),
)


def notify_of_share(share_id: UUID, *, at: datetime) -> bool:
    """
    Notify the viewer of the share's beginning or end; return whether there is one to notify.

    A share without a registered viewer, or with one who left, notifies nobody. A share that is
    taken back before its beginning was told has no notice of its end. Notices of a beginning are
    deleted with age, so the end of an older share is always told.
    """
    share = Share.objects.filter(id=share_id).first()
    if share is None:
        return False
    viewer = Membership.objects.live().filter(id=share.viewer_membership, user_id=share.viewer_id)
    if not viewer.exists():
        return False
    has_ended = share.withdrawn_at is not None
    if has_ended and not (share.given_at <= at - notify.KEPT_FOR or _has_notice(share)):
        return False
    return notify.notify(
        "calendar_share_ended" if has_ended else "calendar_shared",
        user_id=share.viewer_id,
        organisation_id=share.organisation_id,
        about=share.id,
        episode_at=share.given_at,
        at=at,
    )


def _has_notice(share: Share) -> bool:
    notices = OwnerNotice.objects.filter(
        user_id=share.viewer_id, organisation_id=share.organisation_id, about=share.id
    )
    return notices.exists()
