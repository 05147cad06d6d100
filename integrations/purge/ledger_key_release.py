"""
Release a connection's ledger key to its owner, once, within thirty days, or destroy it.

The key is offered after the connection's last purge, so that all entries named with it exist.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.actors import SYSTEM
from accounts.models import ServiceClient
from integrations.models import Connection, Integration, PurgeJob, PurgeStep
from limited_use.ledger import ledger_key_lifecycle
from limited_use.ledger.ledger_key_lifecycle import LedgerKeyNotOffered
from limited_use.models.ledger_keys import LedgerKey
from limited_use.receipts import owner_ledger_file
from limited_use.receipts.owner_ledger_file import NamedLedgerSubject

__all__ = [
    "LedgerKeyNotOffered",
    "create_missing_ledger_keys",
    "get_ledger_key",
    "settle_ledger_key",
    "sweep_ledger_keys",
    "take_ledger_file",
]


def get_ledger_key(connection_id: UUID) -> LedgerKey | None:
    return LedgerKey.objects.filter(holder=connection_id).first()


def settle_ledger_key(connection_id: UUID, *, at: datetime) -> None:
    """
    Offer an ended connection's key, once no purge runs. Without a purge there is no receipt to
    fetch it with: destroy it.
    """
    # Lock: of two purges that end at once, the second sees the first.
    row = LedgerKey.objects.select_for_update(no_key=True).filter(holder=connection_id).first()
    if row is None or row.set_aside_at is None:
        return
    purges = PurgeJob.objects.filter(integration__connection_id=connection_id)
    if purges.exclude(step=PurgeStep.DONE).exists():
        return
    if purges.exists():
        ledger_key_lifecycle.offer_ledger_key(holder=connection_id, at=at)
    else:
        ledger_key_lifecycle.destroy_ledger_key(
            holder=connection_id, outcome=LedgerKey.Outcome.DISCARDED, at=at
        )


def create_missing_ledger_keys(*, at: datetime) -> int:
    has_key = Exists(LedgerKey.objects.filter(holder=OuterRef("id")))
    connections = Connection.objects.live().filter(~has_key).order_by("id")
    created_count = 0
    for connection_id in connections.values_list("id", flat=True):
        with transaction.atomic(durable=True):
            # Lock, so that it does not end before the commit.
            locked_connections = (
                Connection.objects.live().select_for_update(no_key=True).filter(id=connection_id)
            )
            if locked_connections.exists():
                ledger_key_lifecycle.create_ledger_key(holder=connection_id, at=at)
                created_count += 1
    return created_count


def sweep_ledger_keys(*, at: datetime) -> int:
    """Offer due keys; return how many expired offers were destroyed."""
    purges = PurgeJob.objects.filter(integration__connection_id=OuterRef("holder"))
    set_aside_keys = LedgerKey.objects.filter(
        ~Exists(purges.exclude(step=PurgeStep.DONE)),
        destroyed_at=None,
        set_aside_at__isnull=False,
        offered_until=None,
    )
    for connection_id in set_aside_keys.values_list("holder", flat=True):
        with transaction.atomic(durable=True):
            settle_ledger_key(connection_id, at=at)
    return ledger_key_lifecycle.expire_ledger_key_offers(at=at)


@transaction.atomic(durable=True)
def take_ledger_file(*, job_id: UUID, user_id: UUID, at: datetime) -> bytes:
    """
    Return the owner's ledger key in a signed file, and destroy it.

    :param user_id: the person who asks
    :raises LedgerKeyNotOffered:
    """
    purges = PurgeJob.objects.select_related("integration__connection")
    job = purges.filter(id=job_id, user_id=user_id).first()
    if job is None:
        raise LedgerKeyNotOffered
    connection = job.integration.connection
    entry_id_lists = purges.filter(integration__connection=connection).values_list(
        "entry_ids", flat=True
    )
    key = ledger_key_lifecycle.hand_out_ledger_key(holder=connection.id, at=at)
    return owner_ledger_file.build_owner_ledger_file(
        key,
        _list_named_rows(connection),
        entry_ids=[entry_id for entry_ids in entry_id_lists for entry_id in entry_ids],
        at=at,
    )


def _list_named_rows(connection: Connection) -> list[NamedLedgerSubject]:
    named_rows = [NamedLedgerSubject("connection", connection.id, connection.provider)]
    named_rows += [
        NamedLedgerSubject("integration", integration.id, integration.product)
        for integration in Integration.objects.filter(connection=connection).order_by("id")
    ]
    named_rows += [
        NamedLedgerSubject("you", connection.user_id, ""),
        NamedLedgerSubject("this service", SYSTEM.id, ""),
    ]
    return named_rows + [
        NamedLedgerSubject("platform feature", client.id, client.feature)
        for client in ServiceClient.objects.order_by("id")
    ]
