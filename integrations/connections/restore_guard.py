"""
Repeat removals after the database was restored from a backup. Can run any number of times.

If holders of published destroyed keys came back, integrations are purged with receipts of their
own, connections end, and owners of replaced grants are asked to reconnect.
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
from integrations.grants import provider_credentials
from integrations.models import Connection, ConnectionStatus, Integration, PurgeTrigger
from integrations.outbox import command_outcomes
from limited_use.rotation import resurrected_keys

from . import automatic_disconnect, connection_removal

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestoreResult:
    key_count: int
    purge_count: int
    ended_count: int
    reconnect_count: int
    distrusted_count: int


def remove_resurrected(*, at: datetime, is_restored: bool = False) -> RestoreResult:
    """
    Call it before anything is served.

    :param is_restored: whether the caller knows that the database came back from a backup; False:
        only destroyed keys that came back show it
    :raises limited_use.ledger.ledger_publication.LedgerPublicationUnreadable:
    """
    dead_holders = list(resurrected_keys.find_holders())
    # Keys last: after a crash the next run finds the rest.
    purge_count = _purge_integrations(Integration.objects.live().filter(id__in=dead_holders), at)
    ended_count = _end_connections(Connection.objects.live().filter(id__in=dead_holders), at)
    reconnect_count = _end_replaced_grants(Connection.objects.filter(grant_id__in=dead_holders), at)
    destroyed_keys = resurrected_keys.destroy_resurrected_keys(at=at)
    distrusted_count = 0
    if is_restored or dead_holders or destroyed_keys:
        # The mailboxes may be ahead of these rows.
        distrusted_count = command_outcomes.distrust_restored_commands(at=at)
    if dead_holders or destroyed_keys:
        logger.warning("database.restored", extra={"count": len(dead_holders)})
    return RestoreResult(
        purge_count + len(destroyed_keys),
        purge_count,
        ended_count,
        reconnect_count,
        distrusted_count,
    )


def is_pending() -> bool:
    """
    Return whether destroyed keys are back: nothing may be served.

    :raises limited_use.ledger.ledger_publication.LedgerPublicationUnreadable:
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
        # The sweep continues: it asks the provider, and deletes account and tokens.
        with suppress(connection_removal.ConnectionNotEmpty):
            connection_removal.fence_connection(connection_id=connection_id, at=at)
            count += 1
    return count


def _end_replaced_grants(connections: QuerySet[Connection], at: datetime) -> int:
    """Their refresh token no longer opens."""
    active = list(connections.filter(status=ConnectionStatus.ACTIVE).values_list("id", "epoch"))
    return sum(
        provider_credentials.record_grant_ended(connection_id=connection_id, epoch=epoch, at=at)
        for connection_id, epoch in active
    )
