"""Delete a connection's tokens, account and keys, once no integration needs the grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.grants import provider_credentials, shared_grants
from integrations.models import Connection, ConnectionStatus, RevocationOutcome
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.models import DataKey

from . import grant_revocation
from .inventory import HOLDINGS, PurgeScope


@dataclass(frozen=True, slots=True)
class ConnectionDeletion:
    """Values for the purge job; empty if the connection lives on."""

    job_values: Mapping[str, Any] = field(default_factory=dict)
    entry_ids: tuple[UUID, ...] = ()


def end_connection(connection_id: UUID, *, at: datetime) -> ConnectionDeletion:
    """
    Empty the connection's columns and tables; idempotent. Connects of the account wait.

    Does nothing if the connection was reconnected or has another product, or while its grant is
    unsettled: another purge needs the token to revoke it or to stop watches.
    """
    connection = shared_grants.lock_connection(connection_id)
    ended_or_ending = {ConnectionStatus.ENDING, ConnectionStatus.ENDED}
    if connection.status not in ended_or_ending or connection.integrations.live().exists():
        return ConnectionDeletion()
    if connection.revocation == RevocationOutcome.PENDING and connection.ended_at is None:
        if not shared_grants.is_granted_elsewhere(connection):
            return ConnectionDeletion()
        if grant_revocation.waits_for_watches(connection, at=at):
            return ConnectionDeletion()
        connection.revocation = RevocationOutcome.NEEDED_ELSEWHERE
    _delete_rows(connection_id)
    if connection.ended_at is not None:
        return ConnectionDeletion()
    return _destroy_credentials(connection, at)


def _delete_rows(connection_id: UUID) -> None:
    # At most a few rows: a bucket, notices and attempts.
    for holding in HOLDINGS:
        if holding.scope is PurgeScope.CONNECTION and holding.model not in {Connection, DataKey}:
            holding.get_rows(connection_id).delete()


def _destroy_credentials(connection: Connection, at: datetime) -> ConnectionDeletion:
    job_values: dict[str, Any] = {}
    entry_ids: list[UUID] = []
    for holder in dict.fromkeys((connection.grant_id, connection.id)):
        destroyed = provider_credentials.destroy_key(holder, about=connection.id, at=at)
        if destroyed is None:
            continue
        key, entry_id = destroyed
        job_values |= {f"{key.line}_key_id": key.key_id, f"{key.line}_kek_epoch": key.kek_epoch}
        entry_ids.append(entry_id)
    Connection.objects.filter(id=connection.id).update(
        status=ConnectionStatus.ENDED,
        epoch=connection.epoch + 1,
        account_blind=None,
        address_blind=None,
        email=None,
        refresh_token=None,
        access_token=None,
        wanted_claims=None,
        access_expires_at=None,
        refresh_lease_by=None,
        refresh_lease_until=None,
        refresh_failed_at=None,
        asked_scopes=[],
        granted_scopes=[],
        reauth_since=None,
        revocation=connection.revocation,
        revoking_until=None,
        ended_at=at,
    )
    set_aside_entry_id = ledger_keys.set_aside_ledger_key(holder=connection.id, at=at)
    if set_aside_entry_id is not None:
        entry_ids.append(set_aside_entry_id)
    return ConnectionDeletion(job_values, tuple(entry_ids))
