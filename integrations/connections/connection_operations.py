"""
Disconnect an integration or an account.

Each query filters by owner; no code checks the owner afterwards.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from integrations.access.fences import NotConnectedError
from integrations.coordination.task_queue import enqueue, enqueue_on_commit
from integrations.models import Connection, Integration, PurgeJob, PurgeTrigger
from integrations.providers.local import LOCAL
from integrations.purge import AlreadyDisconnected

from . import automatic_disconnect, connection_removal

logger = logging.getLogger(__name__)


def disconnect_integration(
    *,
    integration_id: UUID,
    user_id: UUID,
    organisation_id: UUID,
    at: datetime,
    trigger: PurgeTrigger = PurgeTrigger.OWNER,
) -> PurgeJob:
    """
    After the commit the data cannot be opened, and running tasks cannot write. Only PostgreSQL is
    needed.

    :raises NotConnectedError:
    """
    with transaction.atomic(durable=True):
        own_integrations = Integration.objects.owned_by(user_id, organisation_id)
        integration = own_integrations.filter(id=integration_id).first()
        if integration is None:
            raise NotConnectedError
        try:
            job = automatic_disconnect.disconnect_in_transaction(
                integration=integration, trigger=trigger, at=at
            )
        except AlreadyDisconnected:
            raise NotConnectedError from None
        enqueue_on_commit("integrations.purge_integration", job_id=job.id)
    logger.info(
        "integration.disconnected", extra={"integration_id": integration_id, "trigger": trigger}
    )
    return job


def disconnect_account(
    *, connection_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime
) -> list[PurgeJob]:
    """
    Disconnect all live integrations in one transaction, except local calendars: only their own
    page removes them.

    The purges revoke the grant, unless another connection of the account needs it.

    :raises NotConnectedError:
    """
    with transaction.atomic(durable=True):
        own_connections = Connection.objects.live().owned_by(user_id, organisation_id)
        own_connections = own_connections.exclude(provider=LOCAL.key)
        connection = own_connections.filter(id=connection_id).select_for_update(no_key=True).first()
        if connection is None:
            raise NotConnectedError
        # Lock all of them before the first one ends: see "Lock order" in the README.
        live = connection.integrations.live().select_for_update(no_key=True, of=("self",))
        integrations = list(live.order_by("id"))
        if not integrations:
            raise NotConnectedError
        jobs = [
            automatic_disconnect.disconnect_in_transaction(
                integration=integration, trigger=PurgeTrigger.OWNER, at=at
            )
            for integration in integrations
        ]
        for job in jobs:
            enqueue_on_commit("integrations.purge_integration", job_id=job.id)
    logger.info("connection.disconnected", extra={"connection_id": connection_id})
    return jobs


def remove_empty_connection(
    *, connection_id: UUID, user_id: UUID, organisation_id: UUID, at: datetime
) -> None:
    """
    Fence it; a worker, which may open its token, revokes the grant.

    :raises NotConnectedError: also if it has an integration
    """
    own_connections = Connection.objects.live().owned_by(user_id, organisation_id)
    if not own_connections.filter(id=connection_id).exists():
        raise NotConnectedError
    try:
        connection_removal.fence_connection(connection_id=connection_id, at=at)
    except connection_removal.ConnectionNotEmpty:
        raise NotConnectedError from None
    enqueue("integrations.forget_connection", connection_id=connection_id)
