from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from integrations.connections import (
    admin_consent,
    automatic_disconnect,
    connection_removal,
    oauth_state,
)
from integrations.coordination.task_queue import enqueue
from integrations.grants import shared_grants, unsaved_grants
from integrations.notifications import owner_notices
from integrations.sync import status_history
from integrations.web import idempotency
from limited_use.agreements import shares


@shared_task(name="integrations.sweep_connections")  # type: ignore[untyped-decorator]
def sweep_connections(**_: object) -> None:
    """Send due notices before disconnects: an owner is notified before their mail is deleted."""
    at = timezone.now()
    oauth_state.expire_attempts(at=at)
    unsaved_grants.revoke_left_grants(at=at)
    admin_consent.delete_expired(at=at)
    shared_grants.delete_expired_discards(at=at)
    owner_notices.send_due_notices(at=at)
    for job_id in automatic_disconnect.disconnect_due_integrations(at=at):
        enqueue("integrations.purge_integration", job_id=job_id)
    connection_removal.remove_due_connections(at=at)
    idempotency.delete_expired(at=at)
    shares.forget_expired_share_addresses(at=at)
    status_history.delete_old_changes(at=at)
