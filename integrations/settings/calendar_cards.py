"""What the settings page says of connected calendars: how they stand, and how long they stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.actors import Actor
from integrations.access import scopes
from integrations.connections import connectable_products
from integrations.connections.requested_permissions import AskedPermission
from integrations.models import Calendar, Connection, ConnectionStatus, Integration
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product

from . import status_messages
from .status_messages import Words


@dataclass(frozen=True, slots=True)
class Card:
    """
    One integration of calendars.

    :param expires_at: until when the oldest copy is kept unless it is renewed; None: there is none
    """

    integration_id: UUID
    connection_id: UUID
    provider_key: str
    provider: str
    title: str
    words: Words
    is_local: bool
    needs_reconnect: bool
    reconnect_before: datetime | None
    calendar_count: int
    unreadable_count: int
    cached_hours: int
    expires_at: datetime | None
    may_write: bool
    may_add_mail: bool
    missing: tuple[AskedPermission, ...]


def of_person(actor: Actor) -> list[Card]:
    """Return a card for each live integration of calendars, the oldest first."""
    if actor.user_id is None or actor.organisation_id is None:
        return []
    mine = Integration.objects.live().owned_by(actor.user_id, actor.organisation_id)
    live = mine.filter(product="calendar").select_related("connection")
    return [_card(one) for one in live.order_by("switched_on_at", "id")]


def _card(one: Integration) -> Card:
    connection = one.connection
    provider = PROVIDERS[connection.provider]
    calendars = list(Calendar.objects.live().filter(integration=one))
    grant = scopes.compare(provider, "calendar", connection.granted_scopes)
    asked = connectable_products.requests_of(provider, "calendar") if provider.grants else ()
    is_local = not provider.grants
    usable = scopes.usable(provider, connection.granted_scopes)
    return Card(
        integration_id=one.id,
        connection_id=connection.id,
        provider_key=provider.key,
        provider=provider.label,
        title=name_product(provider.key, "calendar"),
        words=status_messages.of_calendars(one.status, one.status_reason, is_local=is_local),
        is_local=is_local,
        needs_reconnect=connection.status == ConnectionStatus.REAUTH_REQUIRED,
        reconnect_before=owner_notices.reconnect_before(connection, [one]),
        calendar_count=len(calendars),
        unreadable_count=sum(calendar.unreadable_count for calendar in calendars),
        cached_hours=scopes.cached_hours(one.product, one.cache_hours),
        expires_at=_expires_at(one, calendars),
        may_write=is_local or "calendar.write" in usable,
        may_add_mail=not is_local and not _has_mail(connection),
        missing=tuple(ask for ask in asked if ask.scope in grant.missing),
    )


def _has_mail(connection: Connection) -> bool:
    return connection.integrations.live().filter(product="mail").exists()


def _expires_at(one: Integration, calendars: Sequence[Calendar]) -> datetime | None:
    hours = timedelta(hours=scopes.cached_hours(one.product, one.cache_hours))
    kept = [calendar.cached_at for calendar in calendars if calendar.cached_at is not None]
    return min(kept) + hours if kept else None
