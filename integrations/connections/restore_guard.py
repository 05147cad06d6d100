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
class Applied:
    """How many of each: keys destroyed again, integrations, connections, grants that are over."""

    key_count: int
    purge_count: int
    ended_count: int
    reconnect_count: int


def apply(*, at: datetime) -> Applied:
    """
    End again what had ended, before anything is served.

    :raises limited_use.ledger.publication.Unreadable: if what was published cannot be read
    """
    dead = list(resurrected_keys.holders())
    # Their keys last: killed anywhere, the next run finds what is left to do.
    purges = _purge(Integration.objects.live().filter(id__in=dead), at)
    ended = _end(Connection.objects.live().filter(id__in=dead), at)
    reconnect = _ask_to_reconnect(Connection.objects.filter(grant_id__in=dead), at)
    destroyed = resurrected_keys.destroy(at=at)
    if dead or destroyed:
        counts = {"count": len(dead), "job_count": purges}
        logger.warning("database.restored", extra=counts)
    return Applied(purges + len(destroyed), purges, ended, reconnect)


def is_pending() -> bool:
    """
    Return whether keys are here that are published as dead: nothing is served until they go.

    :raises limited_use.ledger.publication.Unreadable: if that cannot be told
    """
    return resurrected_keys.are_here()


def _purge(integrations: Iterable[Integration], at: datetime) -> int:
    count = 0
    for one in integrations:
        with suppress(purge.AlreadyDisconnected), transaction.atomic(durable=True):
            automatic_disconnect.end(integration=one, trigger=PurgeTrigger.RESTORED, at=at)
            count += 1
    return count


def _end(connections: QuerySet[Connection], at: datetime) -> int:
    count = 0
    for one in connections.exclude(status=ConnectionStatus.ENDING).values_list("id", flat=True):
        # The sweep goes on with it: the provider is asked, and account and tokens go.
        with suppress(connection_removal.NotEmpty):
            connection_removal.fence(connection_id=one, at=at)
            count += 1
    return count


def _ask_to_reconnect(connections: QuerySet[Connection], at: datetime) -> int:
    """End grants whose refresh token will not open any more: a newer one had replaced it."""
    active = list(connections.filter(status=ConnectionStatus.ACTIVE).values_list("id", "epoch"))
    return sum(
        credentials.end(connection_id=connection_id, epoch=epoch, at=at)
        for connection_id, epoch in active
    )
