"""The rows of an account's card: one for each of its products. From database rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings

from integrations.access import scopes
from integrations.connections import connectable_products
from integrations.connections.messages import PURPOSES
from integrations.connections.requested_permissions import RequestedScope
from integrations.connections.sync_progress import SyncProgress
from integrations.models import (
    Calendar,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    StatusReason,
    SyncStage,
)
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.sync.integration_status import QUIET_FOR

from . import connect_links
from .messages import status, updates
from .messages.status import StatusMessage

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Statuses of an integration that changes nothing before its owner reconnects.
_RESTING: Final = frozenset({IntegrationStatus.REAUTH_REQUIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """
    :param title: of the product, such as “Mail”
    :param last_checked_at: the last complete check
    :param missing: permissions of the product that were not granted
    """

    integration_id: UUID
    connection_id: UUID
    provider_key: str
    provider: str
    product: str
    title: StrOrPromise
    words: StatusMessage
    last_checked_at: datetime | None
    needs_reconnect: bool
    reconnect_before: datetime | None
    missing: tuple[RequestedScope, ...]
    connect_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow(ProductRow):
    """:param is_moving: whether the page asks for changes"""

    waits: StrOrPromise
    message_count: int
    progress: SyncProgress | None
    is_importing: bool
    is_moving: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRow(ProductRow):
    """:param expires_at: of the oldest copy unless renewed; None: nothing is stored"""

    calendar_count: int
    unreadable_count: int
    cached_hours: int
    expires_at: datetime | None
    may_write: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOffer:
    """
    A product that the account's provider has and that is not connected.

    :param says: why it is not connected, if the owner was asked
    """

    product: str
    title: StrOrPromise
    limits: StrOrPromise
    says: StrOrPromise
    connect_url: str


def make_mail_row(
    integration: Integration, *, progress: SyncProgress | None, message_count: int, at: datetime
) -> MailRow:
    is_importing = bool(
        integration.status == IntegrationStatus.SYNCING
        and progress is not None
        and progress.stage == SyncStage.SNAPSHOT
    )
    label = PROVIDERS[integration.connection.provider].label
    return MailRow(
        **_get_common_fields(integration),
        words=_choose_mail_message(integration, progress, at),
        last_checked_at=progress.last_synced_at if progress else None,
        waits=updates.explain_wait(progress, label=label, is_importing=is_importing)
        if progress
        else "",
        message_count=message_count,
        progress=progress,
        is_importing=is_importing,
        is_moving=is_importing or integration.status not in _RESTING,
    )


def make_calendar_row(integration: Integration, calendars: Sequence[Calendar]) -> CalendarRow:
    """:param calendars: the live ones of the integration"""
    connection = integration.connection
    hours = scopes.get_cache_hours(integration.product, integration.cache_hours)
    cached = [calendar.cached_at for calendar in calendars if calendar.cached_at is not None]
    oldest = min(cached, default=None)
    usable = scopes.get_usable_capabilities(
        PROVIDERS[connection.provider], connection.granted_scopes
    )
    return CalendarRow(
        **_get_common_fields(integration),
        words=status.get_calendar_message(integration.status, integration.status_reason),
        last_checked_at=oldest,
        calendar_count=len(calendars),
        unreadable_count=sum(calendar.unreadable_count for calendar in calendars),
        cached_hours=hours,
        expires_at=oldest + timedelta(hours=hours) if oldest else None,
        may_write="calendar.write" in usable,
    )


def list_product_offers(
    connection: Connection, connected: Mapping[str, Integration], *, declined: AbstractSet[str]
) -> list[ProductOffer]:
    """:param declined: products whose permission was not granted"""
    provider = PROVIDERS[connection.provider]
    return [
        ProductOffer(
            product=product,
            title=purpose.name,
            limits=purpose.limits,
            says=status.WITHOUT_PERMISSION[product] if product in declined else "",
            connect_url=connect_links.get_connect_url(provider.key, product, connection.id),
        )
        for product, purpose in PURPOSES.items()
        if product in provider.products and product not in connected
    ]


def _get_common_fields(integration: Integration) -> dict[str, Any]:
    connection = integration.connection
    provider = PROVIDERS[connection.provider]
    grant = scopes.compare_scopes(provider, integration.product, connection.granted_scopes)
    requested = connectable_products.list_requested_permissions(provider, integration.product)
    return {
        "integration_id": integration.id,
        "connection_id": connection.id,
        "provider_key": provider.key,
        "provider": provider.label,
        "product": integration.product,
        "title": PURPOSES[integration.product].name,
        "needs_reconnect": connection.status == ConnectionStatus.REAUTH_REQUIRED,
        "reconnect_before": owner_notices.reconnect_before(connection, [integration]),
        "missing": tuple(
            permission for permission in requested if permission.scope in grant.missing
        ),
        "connect_url": connect_links.get_connect_url(
            provider.key, integration.product, connection.id
        ),
    }


def _choose_mail_message(
    integration: Integration, progress: SyncProgress | None, at: datetime
) -> StatusMessage:
    if (
        progress is not None
        and progress.is_stalled
        and integration.status != IntegrationStatus.REAUTH_REQUIRED
    ):
        return status.get_status_message(IntegrationStatus.DEGRADED, StatusReason.NO_WORKER)
    message = status.get_status_message(integration.status, integration.status_reason)
    if message == status.STATUS[IntegrationStatus.ACTIVE]:
        if not _is_current(progress, at):
            return status.NOT_CURRENT
        if progress is not None and progress.delayed_count:
            return status.NOT_COMPLETE
    return message


def _is_current(progress: SyncProgress | None, at: datetime) -> bool:
    """Return whether the last check was complete and within the check interval."""
    if progress is None or progress.failing_since is not None or progress.last_synced_at is None:
        return False
    seconds = progress.interval.seconds if progress.interval is not None else 0
    max_age = timedelta(seconds=max(settings.PUSH_POLL_SECONDS, seconds))
    return at - progress.last_synced_at <= max_age + QUIET_FOR
