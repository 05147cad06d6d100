"""A connection of a person whom an agent found: products, permissions, removals and history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import connection as database
from django.db.models import Count, Min

from accounts.models import Organisation
from integrations.access import scopes
from integrations.connections import permission_status, status_messages, update_messages
from integrations.connections.permission_status import PermissionStatus
from integrations.connections.update_messages import UpdateSource
from integrations.mail.sync import mail_quarantine
from integrations.models import (
    OWNER_ONLY,
    Connection,
    Integration,
    PurgeJob,
    Reconciliation,
    SetAside,
    Watch,
)
from integrations.providers import PROVIDERS
from integrations.purge import get_key_epoch_limit, get_local_key_epoch_end
from integrations.purge.overdue_sweep import RECEIPT_WITHIN, ROWS_WITHIN
from limited_use.models import Receipt

from . import diagnosis, operator_messages, person_overview, product_states, timeline
from .diagnosis import Checks
from .product_states import ProductState
from .timeline import TimelineEntry

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_COMPARISONS: Final = 5


@dataclass(frozen=True, slots=True)
class Counted:
    label: StrOrPromise
    count: int


@dataclass(frozen=True, slots=True)
class QuarantinedGroup:
    """:param next_try_at: None if nothing is retried by itself"""

    reason: StrOrPromise
    count: int
    first_seen_at: datetime
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    label: StrOrPromise
    watch: Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDetails:
    """
    :param sentences: cause and next step, then what the counters of checks say
    :param updates: how Antares learns of new mail, as the person reads it; None for other products
    """

    state: ProductState
    sentences: tuple[StrOrPromise, ...]
    checks: Checks
    counts: tuple[Counted, ...]
    quarantined: tuple[QuarantinedGroup, ...]
    watches: tuple[WatchState, ...]
    updates: UpdateSource | None
    comparisons: tuple[Reconciliation, ...]

    @property
    def waits_for_owner(self) -> bool:
        """Return whether nothing is fetched until the owner reconnects the account."""
        return self.state.integration.status in OWNER_ONLY

    @property
    def is_synced(self) -> bool:
        return self.state.integration.product not in scopes.UNCOPIED_PRODUCTS


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeDetails:
    """
    :param rows_before: deadline for the deletion of the data
    :param epoch_before: deadline for the destruction of the keys that wrapped its keys
    :param epoch_proved_at: when the second part of the receipt proved that destruction
    :param receipt_before: deadline for the receipt
    """

    name: str
    job: PurgeJob
    step: StrOrPromise
    trigger: StrOrPromise
    revocation: StrOrPromise
    rows_before: datetime
    epoch_before: datetime
    epoch_proved_at: datetime | None
    receipt_before: datetime
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOverview:
    connection: Connection
    provider: str
    organisation: str
    status: StrOrPromise
    products: tuple[ProductDetails, ...]
    permissions: tuple[PermissionStatus, ...]
    purges: tuple[PurgeDetails, ...]
    timeline: tuple[TimelineEntry, ...]

    @property
    def can_disconnect(self) -> bool:
        return product_states.can_disconnect(self.connection)

    @property
    def is_local(self) -> bool:
        return not PROVIDERS[self.connection.provider].grants


def get_overview(connection: Connection, *, at: datetime) -> ConnectionOverview:
    """:param connection: from `product_states.get_connection`"""
    integrations = product_states.list_integrations([connection])
    states = product_states.list_product_states(integrations, at=at)
    live = [integration for integration in integrations if integration.id in states]
    jobs = list(
        PurgeJob.objects.filter(integration_id__in=[each.id for each in integrations]).order_by(
            "-fenced_at", "-id"
        )
    )
    return ConnectionOverview(
        connection=connection,
        provider=PROVIDERS[connection.provider].label,
        organisation=Organisation.objects.values_list("name", flat=True).get(
            id=connection.organisation_id
        ),
        status=operator_messages.CONNECTION_STATUS[connection.status],
        products=_describe_products(live, states, at=at),
        permissions=_list_permissions(connection, live),
        purges=_describe_purges(connection, jobs, integrations),
        timeline=tuple(timeline.list_entries(connection, integrations, jobs)),
    )


def count_stored(integration_ids: Iterable[UUID]) -> Mapping[UUID, Mapping[str, int]]:
    """
    Count messages, calendars and more, by integration; what is zero is left out.

    The database counts: staff see no row of messages, events and shares.
    """
    counts: dict[UUID, dict[str, int]] = defaultdict(dict)
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT integration, kind, counted FROM count_support_effect(%s)",
            [list(integration_ids)],
        )
        for integration_id, kind, count in cursor.fetchall():
            counts[integration_id][kind] = count
    return counts


def _describe_products(
    integrations: Sequence[Integration], states: Mapping[UUID, ProductState], *, at: datetime
) -> tuple[ProductDetails, ...]:
    ids = [integration.id for integration in integrations]
    stored = count_stored(ids)
    watches = _list_watches(ids)
    quarantined = _group_quarantined(ids)
    comparisons = _list_comparisons(ids)
    checks = diagnosis.load_checks(ids, at=at)
    return tuple(
        ProductDetails(
            state=states[each.id],
            sentences=diagnosis.explain(states[each.id], checks[each.id]),
            checks=checks[each.id],
            counts=tuple(
                Counted(label, stored[each.id][kind])
                for kind, label in operator_messages.COUNTED.items()
                if kind in stored.get(each.id, {})
            ),
            quarantined=tuple(quarantined.get(each.id, ())),
            watches=tuple(watches.get(each.id, ())),
            updates=_describe_updates(states[each.id], at=at),
            comparisons=tuple(comparisons.get(each.id, ())[:MAX_COMPARISONS]),
        )
        for each in integrations
    )


def _describe_updates(state: ProductState, *, at: datetime) -> UpdateSource | None:
    progress = state.progress
    if progress is None:
        return None
    label = PROVIDERS[state.integration.connection.provider].label
    return update_messages.describe_updates(
        progress.watch, label=label, interval=progress.current_interval, at=at
    )


def _list_watches(integration_ids: Iterable[UUID]) -> Mapping[UUID, list[WatchState]]:
    states: dict[UUID, list[WatchState]] = defaultdict(list)
    rows = Watch.objects.filter(integration_id__in=integration_ids).only(
        *("integration_id", "status", "wanted_at", "started_at", "expires_at", "due_at"),
        *("failure_count", "rejected_count", "last_event_at", "silent_since"),
    )
    for watch in rows.order_by("wanted_at", "id"):
        label = operator_messages.WATCH_STATUS[watch.status]
        states[watch.integration_id].append(WatchState(label=label, watch=watch))
    return states


def _group_quarantined(integration_ids: Iterable[UUID]) -> Mapping[UUID, list[QuarantinedGroup]]:
    groups = (
        SetAside.objects.filter(integration_id__in=integration_ids)
        .values("integration_id", "reason")
        .annotate(count=Count("id"), first_seen_at=Min("first_seen_at"), until=Min("next_try_at"))
        .order_by("-count", "reason")
    )
    quarantined: dict[UUID, list[QuarantinedGroup]] = defaultdict(list)
    for group in groups:
        reason = (
            operator_messages.DELAYED
            if group["reason"] == mail_quarantine.DELAYED
            else status_messages.get_quarantine_reason(group["reason"])
        )
        quarantined[group["integration_id"]].append(
            QuarantinedGroup(reason, group["count"], group["first_seen_at"], group["until"])
        )
    return quarantined


def _list_comparisons(integration_ids: Iterable[UUID]) -> Mapping[UUID, list[Reconciliation]]:
    comparisons: dict[UUID, list[Reconciliation]] = defaultdict(list)
    rows = Reconciliation.objects.filter(integration_id__in=integration_ids)
    for row in rows.order_by("-compared_at"):
        comparisons[row.integration_id].append(row)
    return comparisons


def _list_permissions(
    connection: Connection, live: Iterable[Integration]
) -> tuple[PermissionStatus, ...]:
    products = sorted({integration.product for integration in live})
    # Ended connections have no scopes any more, and Antares calendars never had any.
    if connection.ended_at is not None or not PROVIDERS[connection.provider].grants:
        return ()
    return tuple(permission_status.list_permissions(connection, products, includes_in_context=True))


def _describe_purges(
    connection: Connection, jobs: Iterable[PurgeJob], integrations: Iterable[Integration]
) -> tuple[PurgeDetails, ...]:
    by_id = {integration.id: integration for integration in integrations}
    receipts = person_overview.list_receipts(by_id.values(), user_id=connection.user_id)
    return tuple(
        PurgeDetails(
            name=product_states.name_integration(by_id[job.integration_id]),
            job=job,
            step=operator_messages.PURGE_STEP[job.step],
            trigger=operator_messages.TRIGGER[job.trigger],
            revocation=operator_messages.REVOCATION[job.revocation],
            rows_before=job.fenced_at + ROWS_WITHIN,
            epoch_before=get_local_key_epoch_end(job) or job.fenced_at + get_key_epoch_limit(),
            epoch_proved_at=next(
                (each.created_at for each in receipts.get(job.integration_id, ()) if each.part > 1),
                None,
            ),
            receipt_before=job.fenced_at + RECEIPT_WITHIN,
            receipts=tuple(receipts.get(job.integration_id, ())),
        )
        for job in jobs
    )
