"""Permits of a sync: the system's, for bringing a copy in from the own provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.actors import SYSTEM
from integrations.access import facts
from integrations.access.facts import Found
from integrations.models import Calendar
from limited_use.access_request import AccessRequest, Permit
from limited_use.guard import guard
from limited_use.policy.vocabulary import DataClass, Purpose, Recipient, Use

from . import access_requests

_MAINTAIN: Final = Use(DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_ASK: Final = Use(DataClass.CALENDAR_EVENT, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER)
_STORE: Final = tuple(
    Use(one, Purpose.SYNC_STORE, Recipient.VAULT)
    for one in (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)
)


@dataclass(frozen=True, slots=True)
class SyncPermits:
    """
    What a turn needs to find out whether anything is new. Storing news needs `to_store`.

    `credential` opens the tokens. `remote`, by the id of a calendar's copy, opens ids and cursors.
    """

    credential: Permit
    remote: Mapping[UUID, Permit]


def to_sync(*, integration_id: UUID, calendars: Sequence[Calendar], at: datetime) -> SyncPermits:
    """
    Return what a turn needs to ask the provider for news: one call of the guard.

    If storing would be refused, so is this, and that refusal is recorded: the turn ends before it
    asks the provider.

    :param calendars: whose copies it opens or writes; none where it only lists
    :raises guard.Refused: if integration, grant or consent is not live
    """
    content, grant = facts.of_integration_and_connection(
        integration_id, actor=SYSTEM, at=at, by=facts.OF_CALENDAR
    )
    connection_id = content.connection_id or integration_id
    credential = AccessRequest(
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
    remote = [access_requests.of_calendar(_ASK, one, content, SYSTEM) for one in calendars]
    refused = guard.would_refuse(_to_store(integration_id, content))
    granted = guard.permits([credential, *remote, *refused], at=at)
    return SyncPermits(granted[0], {permit.holder: permit for permit in granted[1:]})


def to_store(*, integration_id: UUID, at: datetime) -> None:
    """
    Record the permission to store news of calendars: one entry for each data class.

    Call it when something arrived, and before any of it is sealed.

    :raises guard.Refused: if integration, grant or consent is no longer live
    """
    content = facts.of_integrations([integration_id], actor=SYSTEM, at=at, by=facts.OF_CALENDAR)
    guard.permits(_to_store(integration_id, content[integration_id]), at=at)


def _to_store(integration_id: UUID, content: Found) -> list[AccessRequest]:
    return [access_requests.of_integration(use, integration_id, content) for use in _STORE]
