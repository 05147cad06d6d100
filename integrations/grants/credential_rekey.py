"""
Grants from before refresh tokens had keys of their own: sealed anew, by a worker, once.

Until then such a grant is called as its connection, whose one key of the line of credentials
opens everything: workers go on as before, and other processes wait for this.
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
from limited_use.sinks import rekey
from limited_use.sinks.rekey import Seal
from limited_use.vault import sealing
from limited_use.vault.sealed import Sealed

from . import credentials

logger = logging.getLogger(__name__)

COLUMNS = ("email", "access_token", "refresh_token", "wanted_claims")
_LIVE = (ConnectionStatus.ACTIVE, ConnectionStatus.REAUTH_REQUIRED)


def run(*, at: datetime) -> int:
    """Seal anew what is left of those grants, one transaction each; return how many it was."""
    done = 0
    for connection_id in list(_left(at).order_by("id").values_list("id", flat=True)):
        try:
            done += _split(connection_id, at=at)
        except Exception:
            # One that does not open keeps no other from being sealed anew.
            logger.exception("grant.not_split", extra={"connection_id": connection_id})
    return done


def _left(at: datetime) -> QuerySet[Connection]:
    # Not while it is refreshed: a token that came meanwhile would be lost.
    return Connection.objects.filter(
        leases.unleased(at, prefix=leases.REFRESH),
        grant_id=F("id"),
        status__in=_LIVE,
        refresh_token__isnull=False,
    )


def _split(connection_id: UUID, *, at: datetime) -> bool:
    allowed = permits.to_seal_anew(connection_id=connection_id, at=at)
    with transaction.atomic(durable=True):
        connection = _left(at).select_for_update(no_key=True).filter(id=connection_id).first()
        if connection is None:
            return False
        stored = {column: getattr(connection, column) for column in COLUMNS}
        anew = rekey.sealed_anew(
            {column: sealed for column, sealed in stored.items() if sealed is not None},
            allowed,
            lambda: _two_keys(connection, at=at),
            at=at,
        )
        for column, sealed in anew.items():
            setattr(connection, column, sealed)
        connection.save(update_fields=["epoch", "grant_id", *COLUMNS])
    logger.info("grant.split", extra={"connection_id": connection_id})
    return True


def _two_keys(connection: Connection, *, at: datetime) -> Seal:
    """Destroy the one key, make the two, and return what seals with them."""
    credentials.destroy_key(connection.id, about=connection.id, at=at)
    # Permits for the older key end with it.
    connection.epoch += 1
    connection.grant_id = uuid7()
    own = sealing.fresh(holder=connection.id, line=KeyLine.ACCOUNT, at=at, epoch=connection.epoch)
    grant = sealing.fresh(
        holder=connection.grant_id, line=KeyLine.CREDENTIAL, at=at, epoch=connection.epoch
    )

    def seal(column: str, data: bytes) -> Sealed:
        sealer = grant if column == "refresh_token" else own
        return sealer.seal(Connection, column, row=connection.id, data=data)

    return seal
