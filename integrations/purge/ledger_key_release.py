"""
The owner's part of the ledger: the key of their connection's entries, theirs once, then nobody's.

Offered when the last purge of the connection is done, so that everything which is named by the
key has been written; fetched once within thirty days, or destroyed.
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
from limited_use.ledger.ledger_key_lifecycle import NotOffered
from limited_use.models.ledger_keys import LedgerKey
from limited_use.receipts import owner_ledger_file
from limited_use.receipts.owner_ledger_file import Named

__all__ = ["NotOffered", "begin", "of", "settle", "sweep", "take"]


def of(connection_id: UUID) -> LedgerKey | None:
    """Return what became of the connection's ledger key; None if it never had one."""
    return LedgerKey.objects.filter(holder=connection_id).first()


def settle(connection_id: UUID, *, at: datetime) -> None:
    """
    Offer the key of an ended connection, once no purge of it runs, in the caller's transaction.

    Without a purge there is no receipt to fetch it beside: then it is destroyed at once.
    """
    # Held, so that of two purges which end at the same time the second sees the first.
    row = LedgerKey.objects.select_for_update(no_key=True).filter(holder=connection_id).first()
    if row is None or row.set_aside_at is None:
        return
    purges = PurgeJob.objects.filter(integration__connection_id=connection_id)
    if purges.exclude(step=PurgeStep.DONE).exists():
        return
    if purges.exists():
        ledger_key_lifecycle.offer(holder=connection_id, at=at)
    else:
        ledger_key_lifecycle.destroy(
            holder=connection_id, outcome=LedgerKey.Outcome.DISCARDED, at=at
        )


def begin(*, at: datetime) -> int:
    """Make a ledger key for each live connection from before there were any; return how many."""
    has_one = Exists(LedgerKey.objects.filter(holder=OuterRef("id")))
    without = Connection.objects.live().filter(~has_one).order_by("id")
    made = 0
    for connection_id in without.values_list("id", flat=True):
        with transaction.atomic(durable=True):
            # Held, so that it does not end meanwhile.
            held = Connection.objects.live().select_for_update(no_key=True).filter(id=connection_id)
            if held.exists():
                ledger_key_lifecycle.create(holder=connection_id, at=at)
                made += 1
    return made


def sweep(*, at: datetime) -> int:
    """Offer what waits for it, destroy what was offered long enough; return how many ended."""
    unfinished = PurgeJob.objects.filter(integration__connection_id=OuterRef("holder"))
    waiting = LedgerKey.objects.filter(
        ~Exists(unfinished.exclude(step=PurgeStep.DONE)),
        destroyed_at=None,
        set_aside_at__isnull=False,
        offered_until=None,
    )
    for connection_id in waiting.values_list("holder", flat=True):
        with transaction.atomic(durable=True):
            settle(connection_id, at=at)
    return ledger_key_lifecycle.expire(at=at)


@transaction.atomic(durable=True)
def take(*, job_id: UUID, user_id: UUID, at: datetime) -> bytes:
    """
    Return the owner's part of the ledger as a signed file, and destroy the key here with it.

    :param user_id: who asks; nobody is given another's
    :raises NotOffered: if there is none, or not any more
    """
    purges = PurgeJob.objects.select_related("integration__connection")
    job = purges.filter(id=job_id, user_id=user_id).first()
    if job is None:
        raise NotOffered
    connection = job.integration.connection
    of_all = purges.filter(integration__connection=connection).values_list("entry_ids", flat=True)
    key = ledger_key_lifecycle.take(holder=connection.id, at=at)
    return owner_ledger_file.document(
        key, _named(connection), entry_ids=[one for ids in of_all for one in ids], at=at
    )


def _named(connection: Connection) -> list[Named]:
    """Return what entries of the connection can be about, or say who asked."""
    found = [Named("connection", connection.id, connection.provider)]
    found += [
        Named("integration", one.id, one.product)
        for one in Integration.objects.filter(connection=connection).order_by("id")
    ]
    found += [Named("you", connection.user_id, ""), Named("this service", SYSTEM.id, "")]
    return found + [
        Named("platform feature", one.id, one.feature)
        for one in ServiceClient.objects.order_by("id")
    ]
