from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations.access import sending_bounds
from integrations.coordination.leases import NotClaimable
from integrations.coordination.task_queue import enqueue_until_sweep
from integrations.mail.sending import proposals
from integrations.operations.outbox_kinds import KINDS
from integrations.outbox import command_outcomes, dispatch


# Celery acknowledges the message before the work: a dead worker's lease expires, and the sweep
# finds the row. The limit is below the lease, and for work that hangs despite every timeout.
@shared_task(name="integrations.dispatch_outbox", time_limit=280)  # type: ignore[untyped-decorator]
def dispatch_outbox(*, command_id: str, **_: object) -> None:
    try:
        dispatch.dispatch_command(KINDS, UUID(command_id))
    except NotClaimable:
        # Another message claimed the row first, or it is not due.
        return


@shared_task(name="integrations.sweep_outbox")  # type: ignore[untyped-decorator]
def sweep_outbox(**_: object) -> None:
    """Enqueue due commands, including those with a lost message or a dead worker."""
    for command_id in dispatch.list_due_ids(at=timezone.now()):
        enqueue_until_sweep("integrations.dispatch_outbox", command_id=command_id)


@shared_task(name="integrations.clear_outbox")  # type: ignore[untyped-decorator]
def clear_outbox(**_: object) -> None:
    at = timezone.now()
    command_outcomes.delete_old_commands(at=at)
    sending_bounds.delete_old_counts(at=at)
    proposals.delete_expired_proposals(at=at)
