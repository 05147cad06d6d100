"""The system's permits to fetch a calendar and store it."""

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
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

from . import calendar_access_requests

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
    Storing changes needs `to_store`.

    :param credential: opens the access token
    :param remote: opens remote ids and cursors, by the key holder of the calendar's cache
    """

    credential: Permit
    remote: Mapping[UUID, Permit]


def to_sync(
    *, integration_id: UUID, calendars: Sequence[Calendar], at: datetime
) -> CalendarSyncPermits:
    """
    Permit asking the provider for changes, with one call of the guard.

    If storing would be refused, the turn ends before it asks the provider.

    :param calendars: that the turn opens or writes
    :raises guard.AccessRefused: if integration, grant or consent is not live
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
        calendar_access_requests.for_calendar(_REMOTE_ID_USE, calendar, content, SYSTEM)
        for calendar in calendars
    ]
    would_be_refused = guard.list_refused_requests(_request_storing(integration_id, content))
    granted = guard.permits([credential, *remote, *would_be_refused], at=at)
    return CalendarSyncPermits(granted[0], {permit.holder: permit for permit in granted[1:]})


def to_store(*, integration_id: UUID, at: datetime) -> None:
    """
    Record the permission, one ledger entry for each data class, after changes arrived and before
    any is sealed.

    :raises guard.AccessRefused: if integration, grant or consent is no longer live
    """
    content = facts.for_integrations(
        [integration_id], actor=SYSTEM, at=at, consent=facts.CALENDAR_CONSENT
    )
    guard.permits(_request_storing(integration_id, content[integration_id]), at=at)


def _request_storing(integration_id: UUID, content: HolderFacts) -> list[AccessRequest]:
    return [
        calendar_access_requests.for_integration(use, integration_id, content)
        for use in _STORE_USES
    ]
