"""
Re-encrypt old grants once, in a worker: two keys replace the connection's one key of the credential
line. Until then workers use old grants unchanged; other processes cannot open them.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.ids import uuid7
from integrations.access import permits
from integrations.coordination import leases
from integrations.models import Connection, ConnectionStatus
from limited_use.policy.key_lines import KeyLine
from limited_use.sinks import rekey_sink
from limited_use.sinks.rekey_sink import Seal
from limited_use.vault import sealing
from limited_use.vault.sealed import SealedValue

from . import provider_credentials

logger = logging.getLogger(__name__)

SEALED_COLUMNS = ("email", "access_token", "refresh_token", "wanted_claims")
_LIVE_STATUSES = (ConnectionStatus.ACTIVE, ConnectionStatus.REAUTH_REQUIRED)


def rekey_old_grants(*, at: datetime) -> int:
    """Re-encrypt each grant in its own transaction; return how many."""
    rekeyed_count = 0
    for connection_id in list(_find_old_grants(at).order_by("id").values_list("id", flat=True)):
        try:
            rekeyed_count += _rekey_grant(connection_id, at=at)
        except Exception:
            # One grant that does not open must not stop the others.
            logger.exception("grant.not_split", extra={"connection_id": connection_id})
    return rekeyed_count


def _find_old_grants(at: datetime) -> QuerySet[Connection]:
    # A running refresh would lose its new token.
    return Connection.objects.filter(
        leases.match_unleased(at, prefix=leases.REFRESH_PREFIX),
        grant_id=F("id"),
        status__in=_LIVE_STATUSES,
        refresh_token__isnull=False,
    )


def _rekey_grant(connection_id: UUID, *, at: datetime) -> bool:
    rekey_permits = permits.for_rekey(connection_id=connection_id, at=at)
    with transaction.atomic(durable=True):
        connection = (
            _find_old_grants(at).select_for_update(no_key=True).filter(id=connection_id).first()
        )
        if connection is None:
            return False
        old_values = {column: getattr(connection, column) for column in SEALED_COLUMNS}
        new_values = rekey_sink.reseal_columns(
            {column: sealed for column, sealed in old_values.items() if sealed is not None},
            rekey_permits,
            lambda: _create_two_keys(connection, at=at),
            at=at,
        )
        for column, sealed in new_values.items():
            setattr(connection, column, sealed)
        connection.save(update_fields=["epoch", "grant_id", *SEALED_COLUMNS])
    logger.info("grant.split", extra={"connection_id": connection_id})
    return True


def _create_two_keys(connection: Connection, *, at: datetime) -> Seal:
    provider_credentials.destroy_key(connection.id, about=connection.id, at=at)
    # The new epoch ends permits for the older key.
    connection.epoch += 1
    connection.grant_id = uuid7()
    account_sealer = sealing.create_sealer(
        holder=connection.id, line=KeyLine.ACCOUNT, at=at, epoch=connection.epoch
    )
    grant_sealer = sealing.create_sealer(
        holder=connection.grant_id, line=KeyLine.CREDENTIAL, at=at, epoch=connection.epoch
    )

    def seal_column(column: str, data: bytes) -> SealedValue:
        sealer = grant_sealer if column == "refresh_token" else account_sealer
        return sealer.seal_value(Connection, column, row=connection.id, data=data)

    return seal_column
