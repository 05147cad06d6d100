"""
Purge jobs: opened by the disconnect, claimed under a lease, advanced step by step.

The lease holder saves a step in the transaction of its changes: a worker with an expired lease
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Func, Q, QuerySet, Value

from integrations.access import key_holders
from integrations.coordination import leases
from integrations.coordination.leases import Lease
from integrations.grants import provider_credentials
from integrations.models import (
    OPEN_FILE_STATES,
    Connection,
    ConnectionStatus,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    Integration,
    IntegrationStatus,
    OutboxCommand,
    OutboxKind,
    PurgeJob,
    PurgeStep,
    PurgeTrigger,
    SupportAct,
)
from integrations.notifications import notice_delivery, owner_notices
from limited_use.ledger import entries, pseudonyms
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_keys

from . import feature_removals


class AlreadyDisconnected(Exception):
    """The integration is already disconnected. Show its purge."""


def open_purge_job(
    *,
    integration: Integration,
    trigger: PurgeTrigger,
    support_act: SupportAct | None = None,
    at: datetime,
) -> PurgeJob:
    """
    Fence `integration`, destroy its keys and open its purge job. Needs only PostgreSQL.

    After the commit its content cannot be opened, and no worker of the old epoch can write. A
    connection's last integration also ends the grant and discards a token refresh in flight.

    :param support_act: the order of a support agent, whom the ledger names
    :raises AlreadyDisconnected:
    """
    # Connection before integration, as in connects and token refreshes.
    connection = Connection.objects.select_for_update(no_key=True).get(id=integration.connection_id)
    live_integration = (
        Integration.objects.live().select_for_update(no_key=True).filter(id=integration.id).first()
    )
    if live_integration is None:
        raise AlreadyDisconnected
    name = pseudonyms.get_pseudonym_naming(connection.id).at_the_end
    content_key = data_keys.destroy_data_key(holder=live_integration.id)
    key_id, kek_epoch = (content_key.key_id, content_key.kek_epoch) if content_key else ("", None)
    cache_keys = key_holders.delete_cache_keys(live_integration.id)
    Integration.objects.filter(id=live_integration.id).update(
        status=IntegrationStatus.PURGING,
        status_reason="",
        status_since=at,
        epoch=F("epoch") + 1,
        switched_off_at=at,
    )
    integration.refresh_from_db()
    send_counts = _stop_sending(integration, at)
    upload_counts = _stop_uploads(integration, at)
    if not connection.integrations.live().exists() and connection.ended_at is None:
        _begin_connection_end(connection, at)
    owner_notices.resolve_reconnect_notices(connection, at=at)
    return PurgeJob.objects.create(
        integration=integration,
        user_id=connection.user_id,
        organisation_id=connection.organisation_id,
        trigger=trigger,
        support_act_id=support_act.id if support_act else None,
        next_try_at=at,
        fenced_at=at,
        content_key_id=key_id,
        content_kek_epoch=kek_epoch,
        **send_counts,
        **upload_counts,
        cache_keys=[
            [cache_key.key_id, cache_key.kek_epoch, str(holder), str(cache_key.line)]
            for holder, cache_key in cache_keys
        ],
        own_kek_epoch=max(
            (cache_key.kek_epoch for _, cache_key in cache_keys if cache_key.line is KeyLine.OWN),
            default=None,
        ),
        entry_ids=[
            entries.record_ledger_event(
                event="integration.disconnected",
                about=integration.id,
                body={"trigger": str(trigger), "epoch": integration.epoch},
                at=at,
                naming=name,
                by=support_act.agent_id if support_act else None,
            ),
            entries.record_ledger_event(
                event="key.destroyed",
                about=integration.id,
                body={"line": "content", "key_id": key_id or "none", "kek_epoch": kek_epoch},
                at=at,
                naming=name,
            ),
            *(
                key_holders.record_key_deletion(cache_key, about=integration.id, name=name, at=at)
                for _, cache_key in cache_keys
            ),
            *feature_removals.issue_integration_removals(integration, trigger=trigger, at=at),
        ],
    )


def _stop_sending(integration: Integration, at: datetime) -> dict[str, int]:
    """Stop what has not been sent, and return the receipt's counts. Workers lose their leases."""
    commands = OutboxCommand.objects.filter(integration=integration)
    messages = commands.filter(kind=OutboxKind.MAIL)
    notice_delivery.redeliver_owed_notices(commands.lock_unsent_notices())
    stopped_count = messages.stop(at=at)
    # Notices, too.
    commands.stop(at=at)
    return {
        "sent_count": integration.sent_count,
        "sent_notice_count": integration.sent_notice_count,
        "unknown_send_count": integration.unknown_send_count + commands.perhaps_sent().count(),
        "stopped_send_count": stopped_count,
    }


def _stop_uploads(integration: Integration, at: datetime) -> dict[str, int]:
    """
    Stop uploads to the Drive and files from the account on their way to another Drive.

    Return the receipt's counts. Workers lose their leases.
    """
    is_of_integration = Q(integration=integration) | Q(source_integration_id=integration.id)
    DriveFile.objects.filter(is_of_integration, state=DriveFileState.PROPOSED).update(
        state=DriveFileState.CANCELLED, changed_at=at, finished_at=at, due_at=None
    )
    stopped_count = DriveFile.objects.filter(is_of_integration, state__in=OPEN_FILE_STATES).update(
        state=DriveFileState.FAILED,
        problem=DriveFileProblem.STOPPED,
        transfer=None,
        changed_at=at,
        finished_at=at,
        due_at=None,
        lease_by=None,
        lease_until=None,
    )
    return {
        "saved_file_count": integration.saved_file_count,
        "stopped_upload_count": stopped_count,
    }


def _begin_connection_end(connection: Connection, at: datetime) -> None:
    connection.status = ConnectionStatus.ENDING
    connection.ending_since = at
    connection.epoch += 1
    connection.reauth_since = None
    connection.refresh_lease_by = connection.refresh_lease_until = None
    connection.save(
        update_fields=[
            "status",
            "ending_since",
            "epoch",
            "reauth_since",
            "refresh_lease_by",
            "refresh_lease_until",
        ]
    )
    provider_credentials.raise_grant_key_epochs(connection)


def find_claimable_jobs(at: datetime) -> QuerySet[PurgeJob]:
    return PurgeJob.objects.filter(
        ~Q(step=PurgeStep.DONE), leases.match_unleased(at), next_try_at__lte=at
    )


def claim_purge_job(*, job_id: UUID, at: datetime, duration: timedelta) -> tuple[Lease, PurgeJob]:
    """
    Lease the job, and count the try.

    :raises NotClaimable:
    """
    due = find_claimable_jobs(at).select_related("integration")
    next_try_count = F("try_count") + 1
    lease, job = leases.claim_from(due, job_id, at=at, duration=duration, try_count=next_try_count)
    job.try_count += 1
    return lease, job


def save_purge_step(
    lease: Lease,
    *,
    step: PurgeStep,
    at: datetime,
    values: Mapping[str, Any] | None = None,
    entry_ids: tuple[UUID, ...] = (),
) -> None:
    """
    :param entry_ids: ledger entries of this step, for the receipt
    :raises LeaseLost: the caller's transaction must not commit
    """
    changes: dict[str, Any] = {"step": step, **(values or {})}
    if entry_ids:
        changes["entry_ids"] = Func(
            F("entry_ids"), Value(list(entry_ids)), function="array_cat", arity=2
        )
    leases.renew(lease, at=at, **changes)
