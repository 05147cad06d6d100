"""The rows of an account's card: one for each of its products. From database rows alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from integrations.access import scopes
from integrations.connections import (
    connectable_products,
    product_status,
    status_messages,
    update_messages,
)
from integrations.connections.messages import PURPOSES
from integrations.connections.requested_permissions import RequestedScope
from integrations.connections.status_messages import StatusMessage
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

from . import connect_links

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Statuses of an integration that changes nothing before its owner reconnects.
_RESTING: Final = frozenset({IntegrationStatus.REAUTH_REQUIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """
    :param title: of the product, such as “Mail”
    :param last_checked_at: the last complete check
    :param needs_confirmation: whether the provider asks the person to confirm who they are
    :param missing: permissions of the product that were not granted
    :param feature: key of the feature that stores the data, or saves files
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
    needs_confirmation: bool
    reconnect_before: datetime | None
    missing: tuple[RequestedScope, ...]
    feature: str
    connect_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow(ProductRow):
    """
    :param next_try_at: None if no check is to be expected
    :param is_moving: whether the page asks for changes
    """

    waits: StrOrPromise
    message_count: int
    progress: SyncProgress | None
    next_try_at: datetime | None
    is_importing: bool
    is_moving: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRow(ProductRow):
    """
    :param expires_at: of the oldest copy unless renewed; None: nothing is stored
    :param is_view_only: whether only the permission to change events is missing
    """

    calendar_count: int
    unreadable_count: int
    expires_at: datetime | None
    is_view_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveRow(ProductRow):
    """
    :param open_count: of uploads that are not complete
    :param saved_count: of files that Antares put into the Drive
    """

    open_count: int
    saved_count: int


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
    integration: Integration,
    *,
    progress: SyncProgress | None,
    message_count: int,
    changed: Collection[str],
    at: datetime,
) -> MailRow:
    """:param changed: keys of the features that need a new agreement"""
    is_paused = product_status.needs_agreement(integration, changed)
    is_resting = is_paused or integration.status in _RESTING
    is_importing = bool(
        not is_paused
        and integration.status == IntegrationStatus.SYNCING
        and progress is not None
        and progress.stage == SyncStage.SNAPSHOT
    )
    # A try that is overdue waits for a worker, not for its time.
    tries = progress if progress and not is_resting and not progress.is_stalled else None
    label = PROVIDERS[integration.connection.provider].label
    return MailRow(
        **_get_common_fields(integration),
        words=product_status.choose_mail_message(integration, progress, changed=changed, at=at),
        last_checked_at=progress.last_synced_at if progress else None,
        waits=update_messages.explain_wait(tries, label=label, is_importing=is_importing)
        if tries
        else "",
        message_count=message_count,
        progress=progress,
        next_try_at=tries.next_try_at if tries else None,
        is_importing=is_importing,
        is_moving=not is_resting,
    )


def make_calendar_row(
    integration: Integration,
    calendars: Sequence[Calendar],
    *,
    changed: Collection[str],
    at: datetime,
) -> CalendarRow:
    """
    :param calendars: the live ones of the integration
    :param changed: keys of the features that need a new agreement
    """
    connection = integration.connection
    oldest = product_status.find_oldest_copy(integration, calendars, at=at)
    usable = scopes.get_usable_capabilities(
        PROVIDERS[connection.provider], connection.granted_scopes
    )
    return CalendarRow(
        **_get_common_fields(integration),
        words=product_status.choose_calendar_message(
            integration, calendars, changed=changed, at=at
        ),
        last_checked_at=oldest,
        calendar_count=len(calendars),
        unreadable_count=sum(calendar.unreadable_count for calendar in calendars),
        expires_at=oldest + product_status.get_copy_lifetime(integration) if oldest else None,
        is_view_only="calendar.read" in usable and "calendar.write" not in usable,
    )


def make_drive_row(
    integration: Integration, *, open_count: int, changed: Collection[str]
) -> DriveRow:
    """:param changed: keys of the features that need a new agreement"""
    return DriveRow(
        **_get_common_fields(integration),
        words=product_status.choose_drive_message(integration, changed=changed),
        last_checked_at=None,
        open_count=open_count,
        saved_count=integration.saved_file_count,
    )


def list_product_offers(
    connection: Connection, connected: Mapping[str, Integration], *, declined: AbstractSet[str]
) -> list[ProductOffer]:
    """:param declined: products for which the person did not grant the permission"""
    provider = PROVIDERS[connection.provider]
    return [
        ProductOffer(
            product=product,
            title=purpose.name,
            limits=purpose.limits,
            says=status_messages.WITHOUT_PERMISSION[product] if product in declined else "",
            connect_url=connect_links.get_connect_url(provider.key, product, connection.id),
        )
        for product, purpose in PURPOSES.items()
        if product in provider.products and product not in connected
    ]


def _get_common_fields(integration: Integration) -> dict[str, Any]:
    connection = integration.connection
    provider = PROVIDERS[connection.provider]
    grant = scopes.compare_scopes(
        provider,
        integration.product,
        connection.granted_scopes,
        scopes.list_features_in_use(provider, integration.product, connection),
    )
    requested = connectable_products.list_requested_permissions(provider, integration.product)
    return {
        "integration_id": integration.id,
        "connection_id": connection.id,
        "provider_key": provider.key,
        "provider": provider.label,
        "product": integration.product,
        "title": PURPOSES[integration.product].name,
        "needs_reconnect": connection.status == ConnectionStatus.REAUTH_REQUIRED,
        "needs_confirmation": integration.status_reason == StatusReason.CONFIRMATION_NEEDED,
        "reconnect_before": owner_notices.reconnect_before(connection, [integration]),
        "missing": tuple(
            permission for permission in requested if permission.scope in grant.missing
        ),
        "feature": product_status.get_main_feature(integration),
        "connect_url": connect_links.get_connect_url(
            provider.key, integration.product, connection.id
        ),
    }
