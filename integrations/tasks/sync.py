"""Celery entry points of the sync: ids in, one call, and the next one due."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from integrations.leases import NotClaimable
from integrations.sync import claims, engine, horizon


# Acknowledged early: a dead worker's lease expires, and the sweep finds its work. The time limit is
# for a turn that hangs in spite of every timeout.
@shared_task(name="integrations.sync_mail", time_limit=180)  # type: ignore[untyped-decorator]
def sync_mail(*, work_id: str, **_: object) -> None:
    try:
        due = engine.take_turn(work_id=UUID(work_id), at=timezone.now())
    except NotClaimable:
        # Another worker follows the same hint, or the work has ended.
        return
    for work in due:
        sync_mail.apply_async(kwargs={"work_id": str(work)}, expires=2 * settings.SWEEP_SECONDS)


@shared_task(name="integrations.sweep_sync")  # type: ignore[untyped-decorator]
def sweep_sync(**_: object) -> None:
    """Queue what is due: by its timer, by a hint that the broker lost, or after a worker died."""
    for work_id in claims.due(at=timezone.now()):
        # A hint that nobody took until the next sweep is repeated by it.
        sync_mail.apply_async(kwargs={"work_id": str(work_id)}, expires=2 * settings.SWEEP_SECONDS)


def queue_horizon(integration_id: UUID) -> None:
    """Ask a worker to keep a horizon now. A broker that is down loses nothing: the sweep comes."""
    with suppress(OperationalError, OSError):
        keep_horizon.apply_async(kwargs={"integration_id": str(integration_id)}, retry=False)


@shared_task(name="integrations.keep_horizon")  # type: ignore[untyped-decorator]
def keep_horizon(*, integration_id: str, **_: object) -> None:
    """Delete what grew older than one mailbox's horizon; the rest in a run of its own."""
    if horizon.keep(integration_id=UUID(integration_id), at=timezone.now()):
        queue_horizon(UUID(integration_id))


@shared_task(name="integrations.sweep_horizons")  # type: ignore[untyped-decorator]
def sweep_horizons(**_: object) -> None:
    """Queue every mailbox with mail beyond its horizon, whatever its provider says meanwhile."""
    for integration_id in horizon.due(at=timezone.now()):
        queue_horizon(integration_id)
