"""Permits of a sync: the system's, for bringing a copy in from the own provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.actors import SYSTEM
from integrations.access import facts
from integrations.access.facts import HolderFacts
from integrations.models import Calendar
from limited_use.access_request import AccessRequest, Permit
from limited_use.guard import guard
from limited_use.policy.vocabulary import DataClass, Purpose, Recipient, Use

from . import access_requests

_ACCESS_TOKEN_USE: Final = Use(
    DataClass.CREDENTIAL, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER
)
_REMOTE_ID_USE: Final = Use(
    DataClass.CALENDAR_EVENT, Purpose.CONNECTION_MAINTAIN, Recipient.OWN_PROVIDER
)
_STORE_USES: Final = tuple(
    Use(data_class, Purpose.SYNC_STORE, Recipient.VAULT)
    for data_class in (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)
)


@dataclass(frozen=True, slots=True)
class CalendarSyncPermits:
    """
    What a turn needs to find out whether anything is new. Storing news needs `to_store`.

    `credential` opens the tokens. `remote`, by the id of a calendar's copy, opens ids and cursors.
    """

    credential: Permit
    remote: Mapping[UUID, Permit]


def to_sync(
    *, integration_id: UUID, calendars: Sequence[Calendar], at: datetime
) -> CalendarSyncPermits:
    """
    Return what a turn needs to ask the provider for news: one call of the guard.

    If storing would be refused, so is this, and that refusal is recorded: the turn ends before it
    asks the provider.

    :param calendars: whose copies it opens or writes; none where it only lists
    :raises guard.Refused: if integration, grant or consent is not live
    """
    content, grant = facts.for_integration_and_connection(
        integration_id, actor=SYSTEM, at=at, consent=facts.CALENDAR_CONSENT
    )
    connection_id = content.connection_id or integration_id
    credential = AccessRequest(
        use=_ACCESS_TOKEN_USE,
        holder=connection_id,
        epoch=grant.epoch,
        actor=SYSTEM,
        on_behalf_of=grant.owner_id,
        facts=grant.facts,
        fences=grant.fences,
        account=grant.connection_id,
        names=grant.names,
    )
    remote = [
        access_requests.for_calendar(_REMOTE_ID_USE, calendar, content, SYSTEM)
        for calendar in calendars
    ]
    would_be_refused = guard.list_refused(_request_storing(integration_id, content))
    granted = guard.permits([credential, *remote, *would_be_refused], at=at)
    return CalendarSyncPermits(granted[0], {permit.holder: permit for permit in granted[1:]})


def to_store(*, integration_id: UUID, at: datetime) -> None:
    """
    Record the permission to store news of calendars: one entry for each data class.

    Call it when something arrived, and before any of it is sealed.

    :raises guard.Refused: if integration, grant or consent is no longer live
    """
    content = facts.for_integrations(
        [integration_id], actor=SYSTEM, at=at, consent=facts.CALENDAR_CONSENT
    )
    guard.permits(_request_storing(integration_id, content[integration_id]), at=at)


def _request_storing(integration_id: UUID, content: HolderFacts) -> list[AccessRequest]:
    return [access_requests.for_integration(use, integration_id, content) for use in _STORE_USES]
