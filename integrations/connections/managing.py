"""What an owner does with what is connected. Owned is selected, never checked afterwards."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from integrations import endings, forgetting
from integrations.asking import NotAChoice
from integrations.models import (
    OWNER_ONLY,
    Connection,
    Integration,
    PurgeJob,
    PurgeTrigger,
    SyncWork,
)
from integrations.providers.offline import OFFLINE
from integrations.purge import AlreadyDisconnected
from integrations.sync import aside, claims
from integrations.tasks import connections as tasks
from integrations.tasks import grants as grant_tasks
from integrations.tasks import purge as purges
from integrations.tasks import sync as syncs

from .storing import HORIZONS

logger = logging.getLogger(__name__)


class NotConnected(Exception):
    """Nothing live of this person's is here. Show what is connected."""


def disconnect(
    *,
    integration_id: UUID,
    user_id: UUID,
    organisation_id: UUID,
    at: datetime,
    trigger: PurgeTrigger = PurgeTrigger.OWNER,
) -> PurgeJob:
    """
    Switch an integration off now, and promise the purge of all that it brought in.

    From the commit on nothing of it opens, and work in flight cannot write. It
    needs PostgreSQL and nothing else.

    :raises NotConnected: if it is not live, or not theirs
    """
    with transaction.atomic(durable=True):
        theirs = Integration.objects.owned_by(user_id, organisation_id)
        integration = theirs.filter(id=integration_id).first()
        if integration is None:
            raise NotConnected
        try:
            job = endings.end(integration=integration, trigger=trigger, at=at)
        except AlreadyDisconnected:
            raise NotConnected from None
        # A hint, not a promise: the sweep finds the row if the broker is down.
        transaction.on_commit(partial(purges.queue, job.id), robust=True)
    logger.info(
        "integration.disconnected", extra={"integration_id": integration_id, "trigger": trigger}
    )
    return job


def disconnect_account(
    *, connection_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime
) -> list[PurgeJob]:
    """
    Disconnect every live integration of a connection in one transaction; return their purges.

    The purges revoke the grant, unless another connection of the account needs it. Calendars that
    are stored only in Antares are no account: only their own page removes them.

    :raises NotConnected: if the connection has no live integration, or another owner
    """
    with transaction.atomic(durable=True):
        own = Connection.objects.live().owned_by(user_id, organisation_id)
        own = own.exclude(provider=OFFLINE.key)
        connection = own.filter(id=connection_id).select_for_update(no_key=True).first()
        if connection is None:
            raise NotConnected
        # All of them are locked before the first one ends: see "Lock order" in the README.
        live = connection.integrations.live().select_for_update(no_key=True, of=("self",))
        integrations = list(live.order_by("id"))
        if not integrations:
            raise NotConnected
        jobs = [
            endings.end(integration=integration, trigger=PurgeTrigger.OWNER, at=at)
            for integration in integrations
        ]
        for job in jobs:
            transaction.on_commit(partial(purges.queue, job.id), robust=True)
    logger.info("connection.disconnected", extra={"connection_id": connection_id})
    return jobs


def forget(*, connection_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime) -> None:
    """
    End a connection that brought nothing in: there is no integration, and so no purge.

    Fenced at once; a worker, which may open its token, gives the grant back.

    :raises NotConnected: if it is not theirs, is over, or has an integration to disconnect
    """
    theirs = Connection.objects.live().owned_by(user_id, organisation_id)
    if not theirs.filter(id=connection_id).exists():
        raise NotConnected
    try:
        forgetting.fence(connection_id=connection_id, at=at)
    except forgetting.NotEmpty:
        raise NotConnected from None
    # A hint, not a promise: the sweep finds the row if the broker is down.
    grant_tasks.queue_forget(connection_id)


def set_horizon(*, integration_id: UUID, days: int | None, at: datetime) -> Integration:
    """
    Keep mail of the last `days` here; None keeps all. What is newly within is fetched.

    :raises NotConnected: if it is not live
    :raises NotAChoice: if that is not a choice
    """
    if days is not None and days not in HORIZONS:
        raise NotAChoice
    with transaction.atomic(durable=True):
        integration = _live(integration_id)
        integration.horizon_days = days
        integration.save(update_fields=["horizon_days"])
        # The listing fetches missing messages and deletes those beyond the horizon. Stored messages
        # are not fetched again. A turn with the old horizon loses its lease.
        claims.restart_listing(integration_id=integration_id, at=at)
        for work in SyncWork.objects.filter(integration=integration):
            transaction.on_commit(partial(tasks.queue_sync, work.id), robust=True)
        # What lies outside goes now, even if the provider lets nothing be listed.
        transaction.on_commit(partial(syncs.queue_horizon, integration.id), robust=True)
    return integration


def sync_now(*, integration_id: UUID, at: datetime) -> Integration:
    """
    Look for news at once, instead of at the next interval.

    :raises NotConnected: if it is not live, or waits for a reconnect
    """
    with transaction.atomic(durable=True):
        integration = _live(integration_id)
        if integration.status in OWNER_ONLY:
            raise NotConnected
        works = SyncWork.objects.filter(integration=integration).select_for_update(no_key=True)
        for work in works.order_by("id"):
            # This counts as a look: from now on the mailbox is checked at the usual interval.
            work.next_sync_at = work.looked_at = at
            work.save(update_fields=["next_sync_at", "looked_at"])
            transaction.on_commit(partial(tasks.queue_sync, work.id), robust=True)
    return integration


def retry_set_aside(*, integration_id: UUID, at: datetime) -> int:
    """
    Ask for everything that was set aside again; return how many items that is.

    :raises NotConnected: if it is not live
    """
    with transaction.atomic(durable=True):
        _live(integration_id)
        return aside.retry(integration_id=integration_id, at=at)


def _live(integration_id: UUID) -> Integration:
    live = Integration.objects.live().select_for_update(no_key=True, of=("self",))
    integration = live.filter(id=integration_id).first()
    if integration is None:
        raise NotConnected
    return integration
