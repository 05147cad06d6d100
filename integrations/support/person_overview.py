"""The person whom an agent found: organisations, connections, removals, and acts of support."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from accounts.models import Membership, Organisation
from integrations.models import (
    Approval,
    Connection,
    ConnectionStatus,
    Integration,
    PurgeJob,
    SupportAct,
    SupportQuestion,
)
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from limited_use.models import Receipt

from . import operator_messages, product_states
from .product_states import ProductState

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_LISTED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """
    :param products: the live ones
    :param can_disconnect: whether support can
    """

    id: UUID
    provider: str
    status: StrOrPromise
    connected_at: datetime
    products: tuple[ProductState, ...]
    can_disconnect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalState:
    """
    One product that was disconnected.

    :param name: such as `Google mail`
    :param step: how far the removal is
    :param receipts: without their documents
    """

    connection_id: UUID
    name: str
    trigger: StrOrPromise
    step: StrOrPromise
    began_at: datetime
    done_at: datetime | None
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalState:
    name: str
    state: StrOrPromise
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationState:
    """:param left_at: when the person left; None: a member"""

    name: str
    left_at: datetime | None
    connections: tuple[ConnectionState, ...]
    removals: tuple[RemovalState, ...]
    approvals: tuple[ApprovalState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOverview:
    organisations: tuple[OrganisationState, ...]
    acts: tuple[SupportAct, ...]
    questions: tuple[SupportQuestion, ...]

    @property
    def can_disconnect(self) -> bool:
        return any(
            connection.can_disconnect
            for organisation in self.organisations
            for connection in organisation.connections
        )


def get_overview(user_id: UUID, *, at: datetime) -> PersonOverview:
    """:param user_id: of an open look-up of the agent"""
    connections = product_states.list_connections(user_id)
    integrations = product_states.list_integrations(connections)
    states = product_states.list_product_states(integrations, at=at)
    removals = _list_removals(user_id, integrations)
    approvals = _list_approvals(user_id, at=at)
    memberships = {
        membership.organisation_id: membership
        for membership in Membership.objects.filter(user_id=user_id).order_by("joined_at")
    }
    organisation_ids = {
        *memberships,
        *(connection.organisation_id for connection in connections),
        *removals,
        *approvals,
    }
    live = [connection for connection in connections if connection.ended_at is None]
    return PersonOverview(
        organisations=tuple(
            OrganisationState(
                name=organisation.name,
                left_at=_get_leaving(memberships.get(organisation.id)),
                connections=tuple(
                    _make_connection_state(connection, integrations, states)
                    for connection in live
                    if connection.organisation_id == organisation.id
                    and connection.status != ConnectionStatus.ENDING
                ),
                removals=tuple(removals.get(organisation.id, ())),
                approvals=tuple(approvals.get(organisation.id, ())),
            )
            for organisation in Organisation.objects.filter(id__in=organisation_ids).order_by(
                "name", "id"
            )
        ),
        acts=tuple(
            SupportAct.objects.filter(user_id=user_id).order_by("-asked_at", "-id")[:MAX_LISTED]
        ),
        questions=tuple(
            SupportQuestion.objects.filter(user_id=user_id).order_by("-asked_at", "-id")[
                :MAX_LISTED
            ]
        ),
    )


def list_receipts(
    integrations: Iterable[Integration], *, user_id: UUID
) -> Mapping[UUID, list[Receipt]]:
    """Return the parts of receipts, by integration."""
    receipts: dict[UUID, list[Receipt]] = defaultdict(list)
    ids = [integration.id for integration in integrations]
    rows = Receipt.objects.filter(owner_id=user_id, subject_id__in=ids)
    for receipt in rows.only("id", "subject_id", "part", "created_at").order_by("part"):
        receipts[receipt.subject_id].append(receipt)
    return receipts


def _name_provider(key: str) -> str:
    """Return `Google`, or `Antares calendars`: an organisation may be named Antares, too."""
    provider = PROVIDERS[key]
    return provider.label if provider.grants else name_product(key, "calendar")


def _make_connection_state(
    connection: Connection,
    integrations: Iterable[Integration],
    states: Mapping[UUID, ProductState],
) -> ConnectionState:
    return ConnectionState(
        id=connection.id,
        provider=_name_provider(connection.provider),
        status=operator_messages.CONNECTION_STATUS[connection.status],
        connected_at=connection.connected_at,
        can_disconnect=product_states.can_disconnect(connection),
        products=tuple(
            states[integration.id]
            for integration in integrations
            if integration.connection_id == connection.id and integration.id in states
        ),
    )


def _list_removals(
    user_id: UUID, integrations: Iterable[Integration]
) -> Mapping[UUID, list[RemovalState]]:
    """Return the removals by organisation, newest first."""
    by_id = {integration.id: integration for integration in integrations}
    receipts = list_receipts(by_id.values(), user_id=user_id)
    removals: dict[UUID, list[RemovalState]] = defaultdict(list)
    jobs = PurgeJob.objects.filter(user_id=user_id, integration_id__in=by_id)
    for job in jobs.order_by("-fenced_at", "-id"):
        integration = by_id[job.integration_id]
        removals[job.organisation_id].append(
            RemovalState(
                connection_id=integration.connection_id,
                name=product_states.name_integration(integration),
                trigger=operator_messages.TRIGGER[job.trigger],
                step=operator_messages.PURGE_STEP[job.step],
                began_at=job.fenced_at,
                done_at=job.done_at,
                receipts=tuple(receipts.get(integration.id, ())),
            )
        )
    return removals


def _list_approvals(user_id: UUID, *, at: datetime) -> Mapping[UUID, list[ApprovalState]]:
    approvals: dict[UUID, list[ApprovalState]] = defaultdict(list)
    rows = Approval.objects.filter(user_id=user_id, expires_at__gt=at).only(
        *("organisation_id", "provider", "product", "state", "asked_at", "expires_at")
    )
    for row in rows.order_by("asked_at"):
        approvals[row.organisation_id].append(
            ApprovalState(
                name=name_product(row.provider, row.product),
                state=operator_messages.APPROVAL[row.state],
                asked_at=row.asked_at,
                expires_at=row.expires_at,
            )
        )
    return approvals


def _get_leaving(membership: Membership | None) -> datetime | None:
    return membership.left_at if membership else None
