"""
Data of the settings page, from database rows alone.

The page works with revoked tokens, unreachable providers and no workers. The only sealed value is
the account's address.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, prefetch_related_objects

from accounts import row_owner
from accounts.actors import Actor
from integrations.connections import permission_status, sync_progress
from integrations.models import (
    OPEN_FILE_STATES,
    AttemptOutcome,
    Calendar,
    ConnectAttempt,
    Connection,
    ConnectionStatus,
    DriveFile,
    Integration,
    Message,
    PurgeJob,
)
from integrations.providers import PROVIDERS
from integrations.providers.product_names import PRODUCTS
from limited_use.agreements import consents

from . import product_rows
from .product_rows import CalendarRow, DriveRow, MailRow, ProductOffer

_CONNECTED: Final = frozenset(
    {
        AttemptOutcome.CONNECTED,
        AttemptOutcome.CONNECTED_PARTLY,
        AttemptOutcome.CONNECTED_WITHOUT_PRODUCT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCard:
    """
    One connected account. The sink adds the sealed address.

    :param id: of the connection
    :param offers: products of the provider that the account could add
    :param has_unused: whether permissions were granted that no product needs
    """

    id: UUID
    provider_key: str
    provider: str
    needs_reconnect: bool
    rows: tuple[MailRow | CalendarRow | DriveRow, ...]
    offers: tuple[ProductOffer, ...]
    has_unused: bool


@dataclass(frozen=True, slots=True)
class LocalCalendarsCard:
    """The calendars that are stored only in Antares."""

    integration_id: UUID
    calendar_count: int


def list_accounts(
    *, actor: Actor, changed: Collection[str], at: datetime
) -> list[tuple[Connection, AccountCard]]:
    """
    Oldest first.

    :param changed: keys of the features that need a new agreement
    """
    if actor.user_id is None or actor.organisation_id is None:
        return []
    connections = [
        connection
        for connection in Connection.objects.live()
        .owned_by(actor.user_id, actor.organisation_id)
        .exclude(status=ConnectionStatus.ENDING)
        .order_by("connected_at", "id")
        if PROVIDERS[connection.provider].grants
    ]
    integrations: dict[UUID, dict[str, Integration]] = defaultdict(dict)
    live = Integration.objects.live().filter(connection__in=connections)
    for integration in live.select_related("connection").order_by("switched_on_at", "id"):
        integrations[integration.connection_id][integration.product] = integration
    rows = _make_rows(
        [integration for group in integrations.values() for integration in group.values()],
        changed=changed,
        at=at,
    )
    declined = _find_declined_products(actor.user_id, actor.organisation_id) if connections else {}
    return [
        (connection, _make_card(connection, integrations[connection.id], rows, declined))
        for connection in connections
    ]


def get_mail_row(integration: Integration, *, actor: Actor, at: datetime) -> MailRow:
    progress = sync_progress.get_progress([integration.id], at=at).get(integration.id)
    count = count_messages([integration.id]).get(integration.id, 0)
    return product_rows.make_mail_row(
        integration,
        progress=progress,
        message_count=count,
        changed=list_changed_features(actor, at=at),
        at=at,
    )


def list_changed_features(actor: Actor, *, at: datetime) -> frozenset[str]:
    """Return the keys of the features that need a new agreement."""
    if actor.user_id is None or actor.organisation_id is None:
        return frozenset()
    return consents.list_outdated_features(
        owner_id=actor.user_id, organisation_id=actor.organisation_id, at=at
    )


def count_messages(integration_ids: Iterable[UUID]) -> Mapping[UUID, int]:
    rows = Message.objects.filter(integration_id__in=list(integration_ids))
    return dict(rows.values_list("integration_id").annotate(Count("id")))


def count_open_uploads(integration_ids: Iterable[UUID]) -> Mapping[UUID, int]:
    rows = DriveFile.objects.filter(
        integration_id__in=list(integration_ids), state__in=OPEN_FILE_STATES
    )
    return dict(rows.values_list("integration_id").annotate(Count("id")))


def get_local_calendars(actor: Actor) -> LocalCalendarsCard | None:
    """Return None before the person creates the first one."""
    if actor.user_id is None or actor.organisation_id is None:
        return None
    own = Integration.objects.live().owned_by(actor.user_id, actor.organisation_id)
    local = [key for key, provider in PROVIDERS.items() if not provider.grants]
    integration = own.filter(product="calendar", connection__provider__in=local).first()
    if integration is None:
        return None
    count = Calendar.objects.live().filter(integration=integration).count()
    return LocalCalendarsCard(integration.id, count)


def has_connected_product(connection_id: UUID, *, product: str) -> bool:
    live = Integration.objects.live().filter(connection_id=connection_id, product=product)
    return live.exists()


def list_purges(*, actor: Actor) -> list[PurgeJob]:
    """Newest first; a person who left an organisation keeps the receipts of its removals."""
    if actor.user_id is None:
        return []
    jobs = list(PurgeJob.objects.filter(user_id=actor.user_id).order_by("-fenced_at"))
    for organisation_id in {job.organisation_id for job in jobs}:
        # Row-level security: act in the purge's organisation, which the person may have left.
        with row_owner.acting_for(actor.user_id, organisation_id):
            organisation_jobs = [job for job in jobs if job.organisation_id == organisation_id]
            prefetch_related_objects(
                organisation_jobs, "integration__connection__integrations__purge"
            )
    return jobs


def _make_rows(
    integrations: list[Integration], *, changed: Collection[str], at: datetime
) -> dict[UUID, MailRow | CalendarRow | DriveRow]:
    mail_ids = [integration.id for integration in integrations if integration.product == "mail"]
    drive_ids = [integration.id for integration in integrations if integration.product == "drive"]
    progress = sync_progress.get_progress(mail_ids, at=at)
    counts = count_messages(mail_ids)
    open_counts = count_open_uploads(drive_ids) if drive_ids else {}
    calendars: dict[UUID, list[Calendar]] = defaultdict(list)
    for calendar in Calendar.objects.live().filter(integration__in=integrations):
        calendars[calendar.integration_id].append(calendar)

    def make_row(integration: Integration) -> MailRow | CalendarRow | DriveRow:
        if integration.product == "mail":
            return product_rows.make_mail_row(
                integration,
                progress=progress.get(integration.id),
                message_count=counts.get(integration.id, 0),
                changed=changed,
                at=at,
            )
        if integration.product == "drive":
            return product_rows.make_drive_row(
                integration, open_count=open_counts.get(integration.id, 0), changed=changed
            )
        return product_rows.make_calendar_row(
            integration, calendars[integration.id], changed=changed, at=at
        )

    return {integration.id: make_row(integration) for integration in integrations}


def _make_card(
    connection: Connection,
    integrations: Mapping[str, Integration],
    rows: Mapping[UUID, MailRow | CalendarRow | DriveRow],
    declined: Mapping[str, set[str]],
) -> AccountCard:
    provider = PROVIDERS[connection.provider]
    needs_reconnect = connection.status == ConnectionStatus.REAUTH_REQUIRED
    return AccountCard(
        id=connection.id,
        provider_key=provider.key,
        provider=provider.label,
        needs_reconnect=needs_reconnect,
        rows=tuple(
            rows[integrations[product].id] for product in PRODUCTS if product in integrations
        ),
        # A new grant would need all products at once: first reconnect.
        offers=()
        if needs_reconnect
        else tuple(
            product_rows.list_product_offers(
                connection,
                integrations,
                # Without any product: mail, unless another one was asked for.
                declined=declined.get(provider.key, set() if integrations else {"mail"}),
            )
        ),
        has_unused=bool(permission_status.list_unused_scopes(connection)),
    )


def _find_declined_products(user_id: UUID, organisation_id: UUID) -> dict[str, set[str]]:
    """Return, by provider, the products that the person last connected without their permission."""
    attempts = ConnectAttempt.objects.filter(
        user_id=user_id, organisation_id=organisation_id, outcome__in=_CONNECTED
    )
    latest = {
        (provider, product): outcome
        for provider, product, outcome in attempts.order_by("ended_at", "id").values_list(
            "provider", "product", "outcome"
        )
    }
    declined: dict[str, set[str]] = defaultdict(set)
    for (provider, product), outcome in latest.items():
        if outcome == AttemptOutcome.CONNECTED_WITHOUT_PRODUCT:
            declined[provider].add(product)
    return declined
