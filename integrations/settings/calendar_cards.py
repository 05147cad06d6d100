from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.actors import Actor
from integrations.access import scopes
from integrations.connections import connectable_products
from integrations.connections.requested_permissions import RequestedScope
from integrations.models import Calendar, Connection, ConnectionStatus, Integration
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product

from . import status_messages
from .status_messages import StatusMessage


@dataclass(frozen=True, slots=True)
class CalendarCard:
    """:param expires_at: of the oldest cache unless renewed; None: nothing is cached"""

    integration_id: UUID
    connection_id: UUID
    provider_key: str
    provider: str
    title: str
    words: StatusMessage
    is_local: bool
    needs_reconnect: bool
    reconnect_before: datetime | None
    calendar_count: int
    unreadable_count: int
    cached_hours: int
    expires_at: datetime | None
    may_write: bool
    may_add_mail: bool
    missing: tuple[RequestedScope, ...]


def list_calendar_cards(actor: Actor) -> list[CalendarCard]:
    """Oldest first."""
    if actor.user_id is None or actor.organisation_id is None:
        return []
    integrations = Integration.objects.live().owned_by(actor.user_id, actor.organisation_id)
    live = integrations.filter(product="calendar").select_related("connection")
    return [_make_card(integration) for integration in live.order_by("switched_on_at", "id")]


def _make_card(integration: Integration) -> CalendarCard:
    connection = integration.connection
    provider = PROVIDERS[connection.provider]
    calendars = list(Calendar.objects.live().filter(integration=integration))
    grant = scopes.compare_scopes(provider, "calendar", connection.granted_scopes)
    permissions = (
        connectable_products.list_requested_permissions(provider, "calendar")
        if provider.grants
        else ()
    )
    is_local = not provider.grants
    usable = scopes.get_usable_capabilities(provider, connection.granted_scopes)
    return CalendarCard(
        integration_id=integration.id,
        connection_id=connection.id,
        provider_key=provider.key,
        provider=provider.label,
        title=name_product(provider.key, "calendar"),
        words=status_messages.get_calendar_message(
            integration.status, integration.status_reason, is_local=is_local
        ),
        is_local=is_local,
        needs_reconnect=connection.status == ConnectionStatus.REAUTH_REQUIRED,
        reconnect_before=owner_notices.reconnect_before(connection, [integration]),
        calendar_count=len(calendars),
        unreadable_count=sum(calendar.unreadable_count for calendar in calendars),
        cached_hours=scopes.get_cache_hours(integration.product, integration.cache_hours),
        expires_at=_get_expiry(integration, calendars),
        may_write=is_local or "calendar.write" in usable,
        may_add_mail=not is_local and not _has_mail(connection),
        missing=tuple(
            permission for permission in permissions if permission.scope in grant.missing
        ),
    )


def _has_mail(connection: Connection) -> bool:
    return connection.integrations.live().filter(product="mail").exists()


def _get_expiry(integration: Integration, calendars: Sequence[Calendar]) -> datetime | None:
    hours = timedelta(hours=scopes.get_cache_hours(integration.product, integration.cache_hours))
    cache_times = [calendar.cached_at for calendar in calendars if calendar.cached_at is not None]
    return min(cache_times) + hours if cache_times else None
