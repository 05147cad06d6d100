"""Notices to the person whom support looked up, or for whom it did something."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.models import Membership
from integrations.models import (
    Connection,
    Integration,
    PurgeJob,
    SupportAct,
    SupportActKind,
    SupportLookup,
)
from integrations.notifications import notify
from integrations.notifications.notice_details import NoticeDetails

logger = logging.getLogger(__name__)

_BATCH: Final = 500
#: Messages about acts that disconnect nothing.
_CHANGES: Final[Mapping[str, str]] = {
    SupportActKind.SYNC_NOW: "support_synced",
    SupportActKind.RETRY_QUARANTINED: "support_retried",
    SupportActKind.RENEW_PUSH: "support_push_renewed",
    SupportActKind.SEND_RECEIPT_LINK: "support_receipt_sent",
}


def notify_of_lookup(lookup_id: UUID, *, at: datetime) -> bool:
    """
    Notify the person of the look-up, once, in each of their organisations.

    Return whether this call did.
    """
    with transaction.atomic(durable=True):
        waiting = SupportLookup.objects.filter(
            id=lookup_id, user__isnull=False, notified_at=None
        ).select_for_update(no_key=True, of=("self",))
        lookup = waiting.first()
        if lookup is None or lookup.user_id is None:
            return False
        # The page of notices shows those of one organisation.
        memberships = Membership.objects.live().filter(user_id=lookup.user_id)
        for organisation_id in memberships.order_by("id").values_list("organisation_id", flat=True):
            notify.notify(
                "support_looked_up",
                user_id=lookup.user_id,
                organisation_id=organisation_id,
                about=lookup.id,
                episode_at=lookup.opened_at,
                details=NoticeDetails(reason=lookup.reason),
                at=at,
            )
        SupportLookup.objects.filter(id=lookup.id).update(notified_at=at)
    return True


def notify_of_due_lookups(*, at: datetime) -> int:
    """Notify of look-ups that lost their task; return their number."""
    due = SupportLookup.objects.filter(user__isnull=False, notified_at=None)
    ids = list(due.order_by("opened_at").values_list("id", flat=True)[:_BATCH])
    notified_count = 0
    for lookup_id in ids:
        try:
            notified_count += notify_of_lookup(lookup_id, at=at)
        except Exception:
            # A bug with one person must not keep the notices of others.
            logger.exception("support.lookup_not_told", extra={"about": lookup_id})
    return notified_count


def notify_of_disconnect(
    act: SupportAct, connection: Connection, jobs: Sequence[PurgeJob], *, at: datetime
) -> None:
    """
    Call it in the transaction of the disconnect.

    :param jobs: the purges of this connection; none for an account without products
    """
    product = ""
    match jobs:
        case []:
            message = "support_disconnected_empty"
        case [job]:
            message, product = "support_disconnected", job.integration.product
        case _:
            message = "support_disconnected_all"
    notify.notify(
        message,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        about=connection.id,
        episode_at=act.asked_at,
        details=NoticeDetails(provider=connection.provider, product=product, reason=act.reason),
        at=at,
    )


def notify_of_change(act: SupportAct, integration: Integration, *, at: datetime) -> None:
    """Call it in the transaction of the change."""
    notify.notify(
        _CHANGES[act.kind],
        user_id=act.user_id,
        organisation_id=integration.connection.organisation_id,
        about=act.id,
        episode_at=act.asked_at,
        details=NoticeDetails(
            provider=integration.connection.provider,
            product=integration.product,
            reason=act.reason,
        ),
        at=at,
    )
