"""Permits of a sync: the system's, for bringing a copy in from the own provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.actors import SYSTEM
from integrations import facts
from integrations.models import Calendar
from limited_use import guard
from limited_use.guard import Ask, Permit
from limited_use.vocabulary import DataClass, Purpose, Recipient, Use

from . import asks

_MAINTAIN: Final = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_ASK: Final = Use(DataClass.CALENDAR_EVENT, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_STORE: Final = tuple(
    Use(one, Purpose.SYNC_STORE, Recipient.VAULT)
    for one in (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)
)


@dataclass(frozen=True, slots=True)
class SyncPermits:
    """`credential` opens the tokens; `remote` by calendar's copy opens ids and cursors."""

    credential: Permit
    remote: Mapping[UUID, Permit]


def to_sync(*, integration_id: UUID, calendars: Sequence[Calendar], at: datetime) -> SyncPermits:
    """
    Return what one run of a sync needs: one call of the guard.

    :param calendars: whose copies it opens or writes; none where it only lists
    :raises guard.Refused: if integration, grant or consent is not live
    """
    found = facts.of_integrations([integration_id], actor=SYSTEM, at=at, by=facts.OF_CALENDAR)
    content = found[integration_id]
    connection_id = content.connection_id or integration_id
    grant = facts.of_connections([connection_id], actor=SYSTEM)[connection_id]
    credential = Ask(
        use=_MAINTAIN,
        holder=connection_id,
        epoch=grant.epoch,
        actor=SYSTEM,
        on_behalf_of=grant.owner_id,
        facts=grant.facts,
        fences=grant.fences,
        account=grant.connection_id,
        names=grant.names,
    )
    store = [asks.of_integration(use, integration_id, content) for use in _STORE]
    remote = [asks.of_calendar(_ASK, one, content, SYSTEM) for one in calendars]
    granted = guard.permits([credential, *store, *remote], at=at)
    opening = granted[1 + len(store) :]
    return SyncPermits(granted[0], {permit.holder: permit for permit in opening})
