"""
The state of a person's connected products, as support sees it, in the words that the person reads.

Call it in a process whose row owner is an agent with an open look-up of the person. Columns that
staff may not read are never selected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from integrations.connections import product_status, status_messages, sync_progress
from integrations.connections.status_messages import StatusMessage
from integrations.connections.sync_progress import SyncProgress
from integrations.models import Calendar, Connection, ConnectionStatus, Integration
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from limited_use.agreements import consents

_CONNECTION_COLUMNS: Final = (
    *("id", "user_id", "organisation_id", "provider", "status", "asked_scopes", "granted_scopes"),
    *("connected_at", "reauth_since", "ending_since", "revocation", "revocation_tried_at"),
    *("revocation_try_count", "ended_at"),
)
_CONNECTED: Final = (ConnectionStatus.ACTIVE, ConnectionStatus.REAUTH_REQUIRED)
_CALENDAR_COLUMNS: Final = ("integration_id", "cached_at", "cleared_at", "unreadable_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductState:
    """
    :param name: such as `Google mail`
    :param words: as in the person's settings
    :param last_success_at: of mail the last complete check, of calendars the age of the oldest copy;
        None for a Drive
    :param progress: of mail only
    :param calendars: of a calendar product only
    """

    integration: Integration
    name: str
    words: StatusMessage
    last_success_at: datetime | None
    reconnect_before: datetime | None
    progress: SyncProgress | None
    calendars: tuple[Calendar, ...]


def list_connections(user_id: UUID) -> list[Connection]:
    """Return all connections of the person, also ended ones, oldest first."""
    rows = Connection.objects.filter(user_id=user_id).only(*_CONNECTION_COLUMNS)
    return list(rows.order_by("connected_at", "id"))


def get_connection(connection_id: UUID, *, user_id: UUID) -> Connection | None:
    rows = Connection.objects.filter(id=connection_id, user_id=user_id)
    return rows.only(*_CONNECTION_COLUMNS).first()


def can_disconnect(connection: Connection) -> bool:
    """Return whether support can disconnect it: never calendars that are stored only in Antares."""
    return PROVIDERS[connection.provider].grants and connection.status in _CONNECTED


def list_integrations(connections: Iterable[Connection]) -> list[Integration]:
    """Return the products of the connections, also removed ones, oldest first."""
    by_id = {connection.id: connection for connection in connections}
    integrations = list(
        Integration.objects.filter(connection_id__in=by_id).order_by("switched_on_at", "id")
    )
    for integration in integrations:
        integration.connection = by_id[integration.connection_id]
    return integrations


def name_integration(integration: Integration) -> str:
    """Return a name such as `Google mail`."""
    return name_product(integration.connection.provider, integration.product)


def list_product_states(
    integrations: Sequence[Integration], *, at: datetime
) -> dict[UUID, ProductState]:
    """Return the states of the live ones, by id."""
    live = [integration for integration in integrations if integration.is_live]
    mail_ids = [integration.id for integration in live if integration.product == "mail"]
    progress = sync_progress.get_progress(mail_ids, at=at)
    calendars = _find_calendars(live)
    changed = _find_changed_features(live, at=at)
    return {
        integration.id: _make_state(
            integration,
            progress.get(integration.id),
            calendars[integration.id],
            changed[integration.connection.user_id, integration.connection.organisation_id],
            at,
        )
        for integration in live
    }


def _find_calendars(integrations: Iterable[Integration]) -> Mapping[UUID, list[Calendar]]:
    ids = [integration.id for integration in integrations if integration.product == "calendar"]
    found: dict[UUID, list[Calendar]] = defaultdict(list)
    rows = Calendar.objects.live().filter(integration_id__in=ids)
    for calendar in rows.only(*_CALENDAR_COLUMNS):
        found[calendar.integration_id].append(calendar)
    return found


def _find_changed_features(
    integrations: Iterable[Integration], *, at: datetime
) -> Mapping[tuple[UUID, UUID], frozenset[str]]:
    owners = {
        (integration.connection.user_id, integration.connection.organisation_id)
        for integration in integrations
    }
    return {
        (user_id, organisation_id): consents.list_outdated_features(
            owner_id=user_id, organisation_id=organisation_id, at=at
        )
        for user_id, organisation_id in owners
    }


def _make_state(
    integration: Integration,
    progress: SyncProgress | None,
    calendars: Sequence[Calendar],
    changed: frozenset[str],
    at: datetime,
) -> ProductState:
    connection = integration.connection
    if integration.product == "mail":
        words = product_status.choose_mail_message(integration, progress, changed=changed, at=at)
        last_success_at = progress.last_synced_at if progress else None
    elif integration.product == "drive":
        words = product_status.choose_drive_message(integration, changed=changed)
        last_success_at = None
    elif PROVIDERS[connection.provider].grants:
        words = product_status.choose_calendar_message(
            integration, calendars, changed=changed, at=at
        )
        last_success_at = product_status.find_oldest_copy(integration, calendars, at=at)
    else:
        # Antares calendars are no copy.
        words = status_messages.get_calendar_message(integration.status, integration.status_reason)
        last_success_at = None
    return ProductState(
        integration=integration,
        name=name_integration(integration),
        words=words,
        last_success_at=last_success_at,
        reconnect_before=owner_notices.reconnect_before(connection, [integration]),
        progress=progress,
        calendars=tuple(calendars),
    )
