"""Celery entry points of watches: ids in, one call."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from integrations import watches
from integrations.leases import NotClaimable
from integrations.tasks import connections


@shared_task(name="integrations.keep_watch", time_limit=180)  # type: ignore[untyped-decorator]
def keep_watch(*, watch_id: str, **_: object) -> None:
    # Another worker holds the watch, or it is no longer due.
    with suppress(NotClaimable):
        work_id = watches.keep(watch_id=UUID(watch_id))
        if work_id is not None:
            connections.queue_sync(work_id)


@shared_task(name="integrations.sweep_watches")  # type: ignore[untyped-decorator]
def sweep_watches(**_: object) -> None:
    """Queue what is to be started, renewed or stopped."""
    at = timezone.now()
    for watch_id in watches.due(at=at):
        keep_watch.apply_async(
            kwargs={"watch_id": str(watch_id)}, expires=2 * settings.SWEEP_SECONDS
        )
    watches.tell_operator(at=at)
