"""
Data of the settings page, from database rows alone.

The page works with revoked tokens, unreachable providers and no workers. The only sealed value is
the account's address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, prefetch_related_objects

from accounts import row_owner
from accounts.actors import Actor
from integrations.access import scopes
from integrations.connections import connectable_products, sync_progress
from integrations.connections.requested_permissions import RequestedScope
from integrations.connections.sync_progress import SyncProgress
from integrations.mail.sync import mail_quarantine
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    Message,
    PurgeJob,
    Reconciliation,
    SyncStage,
)
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.sync.integration_status import QUIET_FOR

from . import status_messages
from .status_messages import StatusMessage

HORIZONS = (
    ("30", "the last 30 days"),
    ("90", "the last 90 days"),
    ("365", "the last year"),
    ("all", "everything"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverview:
    """The sink adds the sealed address."""

    id: UUID
    provider_key: str
    provider: str
    words: StatusMessage
    waits: str
    integration_id: UUID | None
    needs_reconnect: bool
    reconnect_before: datetime | None
    missing: tuple[RequestedScope, ...]
    unused_scopes: tuple[str, ...]
    horizon_value: str
    horizon_words: str
    message_count: int
    progress: SyncProgress | None
    status: str
    is_importing: bool
    is_moving: bool
    has_calendars: bool


def list_accounts(*, actor: Actor, at: datetime) -> list[tuple[Connection, AccountOverview]]:
    if actor.user_id is None or actor.organisation_id is None:
        return []
    connections = list(
        Connection.objects.live()
        .owned_by(actor.user_id, actor.organisation_id)
        .exclude(status=ConnectionStatus.ENDING)
        .order_by("connected_at", "id")
    )
    mailboxes = {
        integration.connection_id: integration
        for integration in Integration.objects.live().filter(
            connection__in=connections, product="mail"
        )
    }
    # Connections with only calendars have a card of their own: see `calendar_cards`.
    others = Integration.objects.live().filter(connection__in=connections).exclude(product="mail")
    calendar_only = set(others.values_list("connection_id", flat=True)) - mailboxes.keys()
    connections = [connection for connection in connections if connection.id not in calendar_only]
    states = sync_progress.get_progress(
        [integration.id for integration in mailboxes.values()], at=at
    )
    counts = count_messages(integration.id for integration in mailboxes.values())
    return [
        (connection, _make_account(connection, mailboxes.get(connection.id), states, counts, at))
        for connection in connections
    ]


def count_messages(integration_ids: Iterable[UUID]) -> Mapping[UUID, int]:
    rows = Message.objects.filter(integration_id__in=list(integration_ids))
    return dict(rows.values_list("integration_id").annotate(Count("id")))


def get_account(integration: Integration, *, at: datetime) -> AccountOverview:
    states = sync_progress.get_progress([integration.id], at=at)
    counts = count_messages([integration.id])
    return _make_account(integration.connection, integration, states, counts, at)


@dataclass(frozen=True, slots=True)
class PermissionStatus:
    scope: str
    why: str
    state: str
    tone: str


def has_connected_product(connection_id: UUID, *, product: str) -> bool:
    live = Integration.objects.live().filter(connection_id=connection_id, product=product)
    return live.exists()


def list_permissions(connection: Connection) -> list[PermissionStatus]:
    """Return the permissions that mail and other live products need, each with its status."""
    provider = PROVIDERS[connection.provider]
    granted = frozenset(connection.granted_scopes) | provider.unlisted_scopes
    requested = [
        PermissionStatus(permission.scope, permission.reason, "given", "good")
        if permission.scope in granted
        else PermissionStatus(permission.scope, permission.reason, "not given", "warn")
        for permission in connectable_products.list_requested_permissions(
            provider, "mail", connection_id=connection.id
        )
    ]
    unused = [
        PermissionStatus(scope, "Not used.", "given, unused", "info")
        for scope in _list_unused_scopes(connection)
    ]
    return requested + unused


def get_update_source(account: AccountOverview, *, at: datetime) -> status_messages.UpdateSource:
    return status_messages.describe_updates(
        account.progress.watch if account.progress else None,
        label=account.provider,
        interval=account.progress.current_interval if account.progress else None,
        at=at,
    )


def list_sync_comparisons(integration_id: UUID) -> list[Reconciliation]:
    """Return the last five, newest first."""
    queryset = Reconciliation.objects.filter(integration_id=integration_id)
    return list(queryset.order_by("-compared_at")[:5])


def list_quarantined(integration_id: UUID) -> list[dict[str, Any]]:
    """Return up to 200 messages, newest first."""
    rows = mail_quarantine.get_unreadable([integration_id]).order_by("-first_seen_at")
    return [
        {
            "first_seen_at": row.first_seen_at,
            "says": status_messages.QUARANTINE_REASONS.get(
                row.reason, status_messages.UNKNOWN_QUARANTINE_REASON
            ),
            "try_count": row.try_count,
        }
        for row in rows[:200]
    ]


def list_purges(*, actor: Actor) -> list[PurgeJob]:
    """Newest first; a person who left an organisation keeps the receipts of its removals."""
    if actor.user_id is None:
        return []
    jobs = list(PurgeJob.objects.filter(user_id=actor.user_id).order_by("-fenced_at"))
    for organisation_id in {job.organisation_id for job in jobs}:
        # Row-level security: act in the purge's organisation, which the person may have left.
        with row_owner.acting_for(actor.user_id, organisation_id):
            organisation_jobs = [job for job in jobs if job.organisation_id == organisation_id]
            prefetch_related_objects(
                organisation_jobs, "integration__connection__integrations__purge"
            )
    return jobs


def _make_account(
    connection: Connection,
    integration: Integration | None,
    states: Mapping[UUID, SyncProgress],
    counts: Mapping[UUID, int],
    at: datetime,
) -> AccountOverview:
    provider = PROVIDERS[connection.provider]
    grant = scopes.compare_scopes(provider, "mail", connection.granted_scopes)
    state = states.get(integration.id) if integration else None
    is_importing = bool(
        integration
        and integration.status == IntegrationStatus.SYNCING
        and state is not None
        and state.stage == SyncStage.SNAPSHOT
    )
    return AccountOverview(
        id=connection.id,
        provider_key=provider.key,
        provider=provider.label,
        words=_choose_message(integration, state, at),
        waits=status_messages.explain_wait(state, label=provider.label, is_importing=is_importing)
        if state
        else "",
        integration_id=integration.id if integration else None,
        needs_reconnect=connection.status == ConnectionStatus.REAUTH_REQUIRED,
        reconnect_before=owner_notices.reconnect_before(
            connection, [integration] if integration else []
        ),
        missing=tuple(
            permission
            for permission in connectable_products.list_requested_permissions(provider, "mail")
            if permission.scope in grant.missing
        ),
        unused_scopes=_list_unused_scopes(connection),
        horizon_value=_horizon_value(integration),
        horizon_words=_horizon_words(integration, provider.label),
        message_count=counts.get(integration.id, 0) if integration else 0,
        progress=state,
        status=integration.status if integration else "",
        is_importing=is_importing,
        has_calendars=has_connected_product(connection.id, product="calendar"),
        is_moving=is_importing
        or bool(integration and integration.status != IntegrationStatus.REAUTH_REQUIRED),
    )


def _list_unused_scopes(connection: Connection) -> tuple[str, ...]:
    """Return the granted scopes that no live product of the connection needs."""
    grant = scopes.compare_connection_scopes(PROVIDERS[connection.provider], connection)
    # A connection without products was made for mail: its scopes count as used.
    mail = scopes.get_product_scopes(PROVIDERS[connection.provider], "mail")
    return tuple(sorted(grant.unused - mail))


def _choose_message(
    integration: Integration | None, state: SyncProgress | None, at: datetime
) -> StatusMessage:
    if integration is None:
        return status_messages.WITHOUT_MAIL
    if state is not None and state.is_stalled and integration.status != "reauth_required":
        return status_messages.get_status_message(IntegrationStatus.DEGRADED, "no_worker")
    if integration.status == IntegrationStatus.ACTIVE and not _is_current(state, at):
        return status_messages.NOT_CURRENT
    if integration.status == IntegrationStatus.ACTIVE and state is not None and state.delayed_count:
        return status_messages.NOT_COMPLETE
    return status_messages.get_status_message(integration.status, integration.status_reason)


def _is_current(state: SyncProgress | None, at: datetime) -> bool:
    """Return whether the last check was complete and within the check interval."""
    if state is None or state.failing_since is not None or state.last_synced_at is None:
        return False
    seconds = state.interval.seconds if state.interval is not None else 0
    max_age = timedelta(seconds=max(settings.PUSH_POLL_SECONDS, seconds))
    return at - state.last_synced_at <= max_age + QUIET_FOR


def _horizon_value(integration: Integration | None) -> str:
    if integration is None:
        return ""
    return "all" if integration.horizon_days is None else str(integration.horizon_days)


def _horizon_words(integration: Integration | None, label: str) -> str:
    if integration is None:
        return ""
    if integration.horizon_days is None:
        return "All of your mail is here."
    return f"The last {integration.horizon_days} days are here, older mail stays at {label}."
