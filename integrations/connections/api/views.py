"""
`/connections`: a person's connections, their integrations and sync progress.

A feature sees only what its token's purpose covers: ids and states of one product, and progress
only where it reads the product's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.actors import Actor, ActorKind
from integrations.access import client_purposes, permits, scopes
from integrations.access.request_context import ObjectNotFound
from integrations.connections import sync_progress
from integrations.models import Connection, ConnectionStatus, Integration
from integrations.notifications import owner_notices
from integrations.providers import PROVIDERS
from integrations.web.api.api_views import UserDataView, json_response
from limited_use.sinks import json_sink

from . import serializers

JsonObject = dict[str, Any]
ConnectionRow = tuple[Connection, list[Integration], Mapping[UUID, sync_progress.SyncProgress]]


class ConnectionListView(UserDataView):
    @extend_schema(
        operation_id="list_connections", responses={200: serializers.ConnectionListSerializer}
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return the person's live connections, the oldest first."""
        self.get_query(request)
        rows = _get_rows(self)
        envelope = {"next_cursor": None, "has_more": False, "request_id": self.request_id}
        return json_response(
            json_sink.render_json_page(
                [_make_sealed_row(self, row) for row in rows],
                permits=_get_permits(self, rows),
                actor=self.actor,
                shape=partial(_build_connection, actor=self.actor),
                at=self.at,
                envelope=envelope,
                under="data",
            )
        )


class ConnectionDetailView(UserDataView):
    @extend_schema(operation_id="get_connection", responses={200: serializers.ConnectionSerializer})
    def get(self, request: Request, connection_id: UUID, **_: Any) -> HttpResponse:
        self.get_query(request)
        rows = _get_rows(self, connection_id)
        if not rows:
            raise ObjectNotFound
        return json_response(
            json_sink.render_json_object(
                _make_sealed_row(self, rows[0]),
                permits=_get_permits(self, rows),
                actor=self.actor,
                shape=partial(_build_connection, actor=self.actor),
                at=self.at,
            )
        )


def _get_rows(view: UserDataView, connection_id: UUID | None = None) -> list[ConnectionRow]:
    own_connections = (
        Connection.objects.live()
        .owned_by(view.user_id, view.organisation_id)
        .exclude(status=ConnectionStatus.ENDING)
        .order_by("connected_at", "id")
    )
    if connection_id is not None:
        own_connections = own_connections.filter(id=connection_id)
    connections = list(own_connections)
    integrations = Integration.objects.live().filter(connection__in=connections)
    if view.actor.kind == ActorKind.CLIENT:
        integrations = integrations.filter(
            product__in=client_purposes.list_covered_products(view.actor)
        )
    live = list(integrations)
    if view.actor.kind == ActorKind.CLIENT:
        covered_ids = {integration.connection_id for integration in live}
        connections = [connection for connection in connections if connection.id in covered_ids]
    states = sync_progress.get_progress([integration.id for integration in live], at=view.at)
    return [
        (
            connection,
            [integration for integration in live if integration.connection_id == connection.id],
            states,
        )
        for connection in connections
    ]


def _get_permits(view: UserDataView, rows: list[ConnectionRow]) -> permits.Permits:
    # Only the owner sees the address, never a feature.
    if view.actor.kind != ActorKind.PERSON:
        return {}
    ids = [connection.id for connection, _, _ in rows if _has_address(connection)]
    return permits.to_show_accounts(actor=view.actor, connection_ids=ids, at=view.at)


def _make_sealed_row(view: UserDataView, row: ConnectionRow) -> json_sink.SealedRow:
    is_shown = view.actor.kind == ActorKind.PERSON and _has_address(row[0])
    return json_sink.SealedRow(row, {"email": row[0].email} if is_shown else {})


def _has_address(connection: Connection) -> bool:
    """
    Return whether the connection has an account address. Local calendars have none, and no key
    for one.
    """
    return connection.email is not None


def _build_connection(row: Any, opened: Mapping[str, bytes], *, actor: Actor) -> JsonObject:
    return (
        _build_own_connection(row, opened)
        if actor.kind == ActorKind.PERSON
        else _build_covered_connection(row, actor)
    )


def _build_own_connection(row: ConnectionRow, opened: Mapping[str, bytes]) -> JsonObject:
    connection, live, states = row
    grant = scopes.compare_connection_scopes(PROVIDERS[connection.provider], connection)
    return {
        "id": connection.id,
        "provider": connection.provider,
        "email": opened["email"].decode() if "email" in opened else None,
        "status": connection.status,
        "capabilities": sorted(_get_capabilities(connection)),
        "granted_scopes": sorted(grant.granted),
        "missing_scopes": sorted(grant.missing),
        "integrations": [
            _build_integration(integration, states.get(integration.id)) for integration in live
        ],
        "created_at": connection.connected_at,
        "reconnect_before": owner_notices.reconnect_before(connection, live),
    }


def _build_covered_connection(row: ConnectionRow, actor: Actor) -> JsonObject:
    """For a feature. Its capabilities say what the grant allows it, so it needs no scopes."""
    connection, live, states = row
    read_products = client_purposes.list_read_products(actor)
    capabilities = client_purposes.list_declared_capabilities(actor)
    return {
        "id": connection.id,
        "provider": connection.provider,
        "email": None,
        "status": connection.status,
        "capabilities": sorted(_get_capabilities(connection) & capabilities),
        "granted_scopes": [],
        "missing_scopes": [],
        "integrations": [
            _build_integration(integration, states.get(integration.id))
            if integration.product in read_products
            else _build_bare_integration(integration)
            for integration in live
        ],
        "created_at": None,
        "reconnect_before": None,
    }


def _get_capabilities(connection: Connection) -> frozenset[str]:
    return scopes.get_usable_capabilities(PROVIDERS[connection.provider], connection.granted_scopes)


def _build_bare_integration(integration: Integration) -> JsonObject:
    """For a feature that only adds to the product: how the owner's copy stands is not its job."""
    return {
        "id": integration.id,
        "product": integration.product,
        "status": integration.status,
        "status_reason": "",
        "horizon_days": None,
        "sync": None,
    }


def _build_integration(
    integration: Integration, state: sync_progress.SyncProgress | None
) -> JsonObject:
    interval = state.current_interval if state is not None else None
    return {
        "id": integration.id,
        "product": integration.product,
        "status": integration.status,
        "status_reason": integration.status_reason,
        "horizon_days": integration.horizon_days,
        "sync": None
        if state is None
        else {
            "stage": state.stage,
            "done_count": state.done_count,
            "expected_count": state.expected_count,
            "set_aside_count": state.aside_count,
            "delayed_count": state.delayed_count,
            "pause_reason": state.pause_reason,
            "last_synced_at": state.last_synced_at,
            "next_sync_at": state.next_try_at,
            "check_interval_seconds": interval.seconds if interval else None,
            "check_interval_reason": interval.reason if interval else None,
            "failing_since": state.failing_since,
            "last_event_at": state.watch.last_event_at if state.watch else None,
            "watch_expires_at": state.watch.expires_at if state.watch else None,
        },
    }
