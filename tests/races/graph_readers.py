"""
Processes that read one mailbox at Graph at the same time.

``python -m tests.races.graph_readers sync WORK`` runs a worker's turns until the first sync is
done; ``… person CONNECTION USER ORGANISATION`` lists messages as a page does, again and again. Each
prints how often it was told to come back later, and ends by itself.
"""

from __future__ import annotations

import sys
import time
from uuid import UUID

import django

django.setup()

from django.utils import timezone  # noqa: E402 - after the settings

from accounts import row_owner  # noqa: E402
from config.process_classes import ProcessClass  # noqa: E402
from integrations.coordination.leases import NotClaimable  # noqa: E402
from integrations.grants import provider_calls  # noqa: E402
from integrations.models import SyncStage, SyncWork  # noqa: E402
from integrations.operations.sync_products import PRODUCTS  # noqa: E402
from integrations.providers import errors  # noqa: E402
from integrations.sync import sync_engine  # noqa: E402
from tests.walls import acting_as  # noqa: E402

#: Seconds after which a process gives up.
PATIENCE = 120.0
LISTINGS = 10


def sync(work_id: UUID) -> int:
    """Return how many turns found that the work was not due, or another worker at it."""
    give_up_at = time.monotonic() + PATIENCE
    refused = 0
    while SyncWork.objects.get(id=work_id).stage != SyncStage.DELTA:
        assert time.monotonic() < give_up_at, "the first sync does not end"
        try:
            with acting_as(ProcessClass.SYNC):
                sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())
        except NotClaimable:
            refused += 1
            time.sleep(0.05)
    return refused


def read(connection_id: UUID, user_id: UUID, organisation_id: UUID) -> int:
    """Return how often a person was told to come back."""
    refused = 0
    with acting_as(ProcessClass.WEB), row_owner.acting_for(user_id, organisation_id):
        for _ in range(LISTINGS):
            give_up_at = time.monotonic() + PATIENCE
            while not _list(connection_id):
                assert time.monotonic() < give_up_at, "the person never comes in"
                refused += 1
    return refused


def _list(connection_id: UUID) -> bool:
    try:
        with provider_calls.open_mailbox(connection_id) as (units, call):
            call(units.list_page, lambda adapter: adapter.list_messages(limit=10))
    except errors.RateLimited as limited:
        time.sleep(limited.retry_after or 1.0)
        return False
    return True


if __name__ == "__main__":
    kind, *ids = sys.argv[1:]
    sys.stdout.write(str({"sync": sync, "person": read}[kind](*map(UUID, ids))))
