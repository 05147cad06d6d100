"""The owner's controls of a mailbox's sync."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from integrations.access import fences
from integrations.access.request_context import InvalidChoice
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import OWNER_ONLY, Integration, SyncWork
from integrations.sync import work_leases

from .sync import mail_quarantine

#: Days of mail that an owner may keep; the other choice is all mail.
HORIZONS: Final = (30, 90, 365)


def set_horizon(*, integration_id: UUID, days: int | None, at: datetime) -> Integration:
    """
    Mail newly within the horizon is fetched.

    :param days: None: all mail
    :raises fences.NotConnectedError:
    :raises InvalidChoice: if `days` is not one of `HORIZONS`
    """
    if days is not None and days not in HORIZONS:
        raise InvalidChoice
    with transaction.atomic(durable=True):
        integration = fences.lock_live_integration(integration_id)
        integration.horizon_days = days
        integration.save(update_fields=["horizon_days"])
        # The next turn lists the mailbox again: it fetches what is missing, nothing twice, and
        # deletes mail beyond the horizon. A turn under the old horizon loses its lease.
        work_leases.restart_listing(integration_id=integration_id, at=at)
        for work in SyncWork.objects.filter(integration=integration):
            enqueue_on_commit("integrations.sync_mail", work_id=work.id)
        # Mail beyond the horizon is deleted now, even if the provider refuses to list.
        enqueue_on_commit("integrations.keep_horizon", integration_id=integration.id)
    return integration


def sync_now(*, integration_id: UUID, at: datetime) -> Integration:
    """:raises fences.NotConnectedError: also if it has to be reconnected"""
    with transaction.atomic(durable=True):
        integration = fences.lock_live_integration(integration_id)
        if integration.status in OWNER_ONLY:
            raise fences.NotConnectedError
        _make_work_due(integration, at=at)
        # The owner views the mailbox, so it is polled at the usual interval from now on.
        SyncWork.objects.filter(integration=integration).update(looked_at=at)
    return integration


def sync_for_support(*, integration_id: UUID, at: datetime) -> int:
    """
    As `sync_now`, in the caller's transaction. An agent views nothing, so the usual interval stays.

    Return how much work is due: of a calendar account, its list and each calendar.

    :raises fences.NotConnectedError: also if it has to be reconnected
    """
    integration = fences.lock_live_integration(integration_id)
    if integration.status in OWNER_ONLY:
        raise fences.NotConnectedError
    return _make_work_due(integration, at=at)


def _make_work_due(integration: Integration, *, at: datetime) -> int:
    rows = SyncWork.objects.filter(integration=integration).select_for_update(no_key=True)
    works = list(rows.order_by("id"))
    for work in works:
        work.next_sync_at = at
        work.save(update_fields=["next_sync_at"])
        enqueue_on_commit("integrations.sync_mail", work_id=work.id)
    return len(works)


def retry_quarantined(*, integration_id: UUID, at: datetime) -> int:
    """
    Retry in the next turn; return how many.

    :raises fences.NotConnectedError:
    """
    with transaction.atomic(durable=True):
        return retry_quarantined_in_transaction(integration_id=integration_id, at=at)


def retry_quarantined_in_transaction(*, integration_id: UUID, at: datetime) -> int:
    """:raises fences.NotConnectedError:"""
    fences.lock_live_integration(integration_id)
    return mail_quarantine.retry_all_quarantined(integration_id=integration_id, at=at)
