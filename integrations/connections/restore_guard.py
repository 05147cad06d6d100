"""
A database that was restored from a copy: what had ended since the copy was made ends again.

What is published outside says which keys are dead. Whatever they belonged to is not
reconnected by a restore: integrations are purged with a receipt of their own, connections end,
and grants that had been replaced ask their owners to reconnect. May be run again at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations import purge
from integrations.grants import credentials
from integrations.models import Connection, ConnectionStatus, Integration, PurgeTrigger
from limited_use.rotation import resurrected_keys

from . import automatic_disconnect, connection_removal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """How many of each: keys destroyed again, integrations, connections, grants that are over."""

    key_count: int
    purge_count: int
    ended_count: int
    reconnect_count: int


def remove_resurrected(*, at: datetime) -> RestoreResult:
    """
    End again what had ended, before anything is served.

    :raises limited_use.ledger.publication.PublicationUnreadable: if what was published cannot be read
    """
    dead_holders = list(resurrected_keys.find_holders())
    # Their keys last: killed anywhere, the next run finds what is left to do.
    purge_count = _purge_integrations(Integration.objects.live().filter(id__in=dead_holders), at)
    ended_count = _end_connections(Connection.objects.live().filter(id__in=dead_holders), at)
    reconnect_count = _end_replaced_grants(Connection.objects.filter(grant_id__in=dead_holders), at)
    destroyed_keys = resurrected_keys.destroy_resurrected_keys(at=at)
    if dead_holders or destroyed_keys:
        counts = {"count": len(dead_holders), "job_count": purge_count}
        logger.warning("database.restored", extra=counts)
    return RestoreResult(
        purge_count + len(destroyed_keys), purge_count, ended_count, reconnect_count
    )


def is_pending() -> bool:
    """
    Return whether keys are here that are published as dead: nothing is served until they go.

    :raises limited_use.ledger.publication.PublicationUnreadable: if that cannot be told
    """
    return resurrected_keys.has_resurrected_keys()


def _purge_integrations(integrations: Iterable[Integration], at: datetime) -> int:
    count = 0
    for integration in integrations:
        with suppress(purge.AlreadyDisconnected), transaction.atomic(durable=True):
            automatic_disconnect.disconnect_in_transaction(
                integration=integration, trigger=PurgeTrigger.RESTORED, at=at
            )
            count += 1
    return count


def _end_connections(connections: QuerySet[Connection], at: datetime) -> int:
    count = 0
    for connection_id in connections.exclude(status=ConnectionStatus.ENDING).values_list(
        "id", flat=True
    ):
        # The sweep goes on with it: the provider is asked, and account and tokens go.
        with suppress(connection_removal.ConnectionNotEmpty):
            connection_removal.fence_connection(connection_id=connection_id, at=at)
            count += 1
    return count


def _end_replaced_grants(connections: QuerySet[Connection], at: datetime) -> int:
    """End grants whose refresh token will not open any more: a newer one had replaced it."""
    active = list(connections.filter(status=ConnectionStatus.ACTIVE).values_list("id", "epoch"))
    return sum(
        credentials.record_grant_ended(connection_id=connection_id, epoch=epoch, at=at)
        for connection_id, epoch in active
    )
