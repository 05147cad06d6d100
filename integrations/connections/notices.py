"""Notices of an administrator's answer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from integrations.models import Approval, ApprovalState, NoticeChannel
from integrations.notifications.notice_details import NoticeDetails
from integrations.notifications.notice_kinds import NoticeKindSpec, NoticeMessage
from integrations.notifications.notify import notify

ADMINISTRATOR_ANSWERED: Final = NoticeKindSpec(
    key="administrator_answered",
    title=_("Your administrator answered"),
    says=_("When your administrator approves Antares for an account, or does not."),
    why="The person asked their administrator and waits for the answer.",
    is_owed=False,
    default_channel=NoticeChannel.PAGE,
    messages=(
        NoticeMessage(
            key="administrator_approved",
            text=_(
                "Your administrator reported that they approved Antares for %(product)s. You can"
                " connect it now."
            ),
            link_text=_("Connect"),
            route_name="settings-integrations",
        ),
        NoticeMessage(
            key="administrator_refused",
            text=_(
                "Your administrator reported that they did not approve Antares for %(product)s."
            ),
            link_text=_("See the request"),
            route_name="settings-integrations",
        ),
    ),
)


def notify_of_answer(approval: Approval, *, at: datetime) -> None:
    """Call this in the transaction of the answer, for the owner of `approval`."""
    is_given = approval.state == ApprovalState.GIVEN
    notify(
        "administrator_approved" if is_given else "administrator_refused",
        user_id=approval.user_id,
        organisation_id=approval.organisation_id,
        about=approval.id,
        episode_at=approval.asked_at,
        details=NoticeDetails(provider=approval.provider, product=approval.product),
        at=at,
    )
