from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations import push
from integrations.coordination.leases import NotClaimable
from integrations.coordination.task_queue import enqueue, enqueue_until_sweep


@shared_task(name="integrations.keep_watch", time_limit=180)  # type: ignore[untyped-decorator]
def keep_watch(*, watch_id: str, **_: object) -> None:
    # Another worker has the watch, or it is no longer due.
    with suppress(NotClaimable):
        work_id = push.reconcile_watch(watch_id=UUID(watch_id))
        if work_id is not None:
            enqueue("integrations.sync_mail", work_id=work_id)


@shared_task(name="integrations.sweep_watches")  # type: ignore[untyped-decorator]
def sweep_watches(**_: object) -> None:
    """Enqueue watches that are due to start, renew or stop."""
    at = timezone.now()
    for watch_id in push.get_due_watch_ids(at=at):
        enqueue_until_sweep("integrations.keep_watch", watch_id=watch_id)
    push.alarm_silent_providers(at=at)
