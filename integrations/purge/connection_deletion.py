"""The end of a connection: tokens, account and keys go, once no integration needs the grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.grants import credentials, shared_grants
from integrations.models import Connection, ConnectionStatus, RevocationOutcome
from limited_use.ledger import ledger_key_lifecycle as ledger_keys
from limited_use.models import DataKey

from . import grant_revocation
from .inventory import HOLDINGS, Scope


@dataclass(frozen=True, slots=True)
class Ended:
    """What the job has to remember of it; nothing, where the connection lives on."""

    values: Mapping[str, Any] = field(default_factory=dict)
    entry_ids: tuple[UUID, ...] = ()


def end(connection_id: UUID, *, at: datetime) -> Ended:
    """
    End the connection and empty what it holds, in the caller's transaction; idempotent.

    A connection that is not ending is left alone, credential and all: somebody reconnected it
    meanwhile, or it has another product. So is one whose grant is not settled: another purge still
    needs the token to revoke it, or to stop watches. In order with connects of the same account.
    """
    connection = shared_grants.hold(connection_id)
    ended_or_ending = {ConnectionStatus.ENDING, ConnectionStatus.ENDED}
    if connection.status not in ended_or_ending or connection.integrations.live().exists():
        return Ended()
    if connection.revocation == RevocationOutcome.PENDING and connection.ended_at is None:
        if not shared_grants.lives_elsewhere(connection):
            return Ended()
        if grant_revocation.waits_for_watches(connection, at=at):
            return Ended()
        connection.revocation = RevocationOutcome.NEEDED_ELSEWHERE
    _delete_rows(connection_id)
    if connection.ended_at is not None:
        return Ended()
    return _end(connection, at)


def _delete_rows(connection_id: UUID) -> None:
    # A handful of rows: a bucket, a few notices and attempts.
    for holding in HOLDINGS:
        if holding.scope is Scope.CONNECTION and holding.model not in {Connection, DataKey}:
            holding.of(connection_id).delete()


def _end(connection: Connection, at: datetime) -> Ended:
    values: dict[str, Any] = {}
    entry_ids: list[UUID] = []
    for holder in dict.fromkeys((connection.grant_id, connection.id)):
        destroyed = credentials.destroy_key(holder, about=connection.id, at=at)
        if destroyed is None:
            continue
        gone, entry_id = destroyed
        values |= {f"{gone.line}_key_id": gone.key_id, f"{gone.line}_kek_epoch": gone.kek_epoch}
        entry_ids.append(entry_id)
    Connection.objects.filter(id=connection.id).update(
        status=ConnectionStatus.ENDED,
        epoch=connection.epoch + 1,
        account_blind=None,
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
    set_aside = ledger_keys.set_aside(holder=connection.id, at=at)
    if set_aside is not None:
        entry_ids.append(set_aside)
    return Ended(values, tuple(entry_ids))
