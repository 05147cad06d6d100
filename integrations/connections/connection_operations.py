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
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    PurgeJob,
    PurgeTrigger,
    SupportAct,
)
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
        integrations = _lock_live_integrations(connection)
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


def disconnect_for_support(
    *, act: SupportAct, connection_id: UUID, integration_id: UUID | None = None, at: datetime
) -> list[PurgeJob] | None:
    """
    Disconnect what was connected before `act`, in the caller's transaction; never local calendars.

    :param integration_id: None: all products of the connection
    :return: the purges, none for a connection without products, whose grant alone is revoked; None
        if nothing was left to do
    """
    connections = Connection.objects.live().filter(id=connection_id, user_id=act.user_id)
    connections = connections.exclude(provider=LOCAL.key)
    connection = connections.select_for_update(no_key=True).first()
    if connection is None:
        return None
    integrations = _lock_live_integrations(connection)
    if not integrations and integration_id is None:
        return _forget_empty_connection(connection, act=act, at=at)
    jobs = [
        automatic_disconnect.disconnect_in_transaction(
            integration=integration, trigger=PurgeTrigger.SUPPORT, support_act=act, at=at
        )
        for integration in integrations
        # The owner may have connected it again since then.
        if integration.switched_on_at <= act.asked_at and integration_id in {None, integration.id}
    ]
    for job in jobs:
        enqueue_on_commit("integrations.purge_integration", job_id=job.id)
    return jobs or None


def _forget_empty_connection(
    connection: Connection, *, act: SupportAct, at: datetime
) -> list[PurgeJob] | None:
    if connection.connected_at > act.asked_at or connection.status == ConnectionStatus.ENDING:
        return None
    try:
        connection_removal.fence_in_transaction(connection_id=connection.id, at=at)
    except connection_removal.ConnectionNotEmpty:
        return None
    enqueue_on_commit("integrations.forget_connection", connection_id=connection.id)
    return []


def _lock_live_integrations(connection: Connection) -> list[Integration]:
    """
    Lock all of them before the first one ends: see "Lock order" in the README.

    :param connection: locked
    """
    live = connection.integrations.live().select_for_update(no_key=True, of=("self",))
    return list(live.order_by("id"))


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
