"""Acts of support agents, notices of look-ups, and the age of both."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.coordination.leases import LeaseLost, NotClaimable
from integrations.coordination.task_queue import enqueue
from integrations.support import act_rows, act_runner, notices, retention


@shared_task(name="integrations.run_support_revocation")  # type: ignore[untyped-decorator]
def run_support_revocation(*, act_id: str, **_: object) -> None:
    # Another worker has or had the act.
    with suppress(NotClaimable, LeaseLost):
        act_runner.run_purge_act(act_id=UUID(act_id))


@shared_task(name="integrations.run_support_maintenance")  # type: ignore[untyped-decorator]
def run_support_maintenance(*, act_id: str, **_: object) -> None:
    with suppress(NotClaimable, LeaseLost):
        act_runner.run_sync_act(act_id=UUID(act_id))


@shared_task(name="integrations.notify_of_lookup")  # type: ignore[untyped-decorator]
def notify_of_lookup(*, lookup_id: str, **_: object) -> None:
    notices.notify_of_lookup(UUID(lookup_id), at=timezone.now())


@shared_task(name="integrations.sweep_support")  # type: ignore[untyped-decorator]
def sweep_support(**_: object) -> None:
    """Enqueue due disconnects again, and notify of look-ups: a task can be lost."""
    at = timezone.now()
    for act_id in act_rows.list_due_acts(act_rows.PURGE_KINDS, at=at):
        enqueue("integrations.run_support_revocation", act_id=act_id)
    notices.notify_of_due_lookups(at=at)


@shared_task(name="integrations.sweep_support_maintenance")  # type: ignore[untyped-decorator]
def sweep_support_maintenance(**_: object) -> None:
    """Enqueue due acts again: a task can be lost."""
    for act_id in act_rows.list_due_acts(act_rows.SYNC_KINDS, at=timezone.now()):
        enqueue("integrations.run_support_maintenance", act_id=act_id)


@shared_task(name="integrations.clear_support")  # type: ignore[untyped-decorator]
def clear_support(**_: object) -> None:
    """Delete codes after thirty days, and other rows of support after ninety."""
    retention.delete_old_rows(at=timezone.now())
