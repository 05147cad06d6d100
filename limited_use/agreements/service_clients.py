"""Service clients, with a ledger entry for each of the operator's steps. See `accounts.clients`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import clients
from accounts.models import ServiceClient
from limited_use.ledger import entries
from limited_use.policy.feature_registry import check_feature_purposes


def create_declared_client(
    *,
    feature: str,
    purposes: Iterable[str],
    jwks: Mapping[str, Any],
    at: datetime,
    client_id: str | None = None,
) -> ServiceClient:
    """
    Create a client for some of its feature's declared purposes, without a ledger entry.

    :param client_id: by default the feature's key
    :param jwks: public keys (RFC 7517)
    :raises UndeclaredUse: see `feature_registry.check_feature_purposes`
    """
    sorted_purposes = sorted(set(purposes))
    check_feature_purposes(feature, sorted_purposes)
    return clients.create_service_client(
        client_id=client_id or feature,
        feature=feature,
        purposes=sorted_purposes,
        jwks=dict(jwks),
        at=at,
    )


def register_client(
    *, feature: str, purposes: Iterable[str], jwks: Mapping[str, Any], at: datetime
) -> ServiceClient:
    """
    As `create_declared_client`, with a ledger entry.

    :raises UndeclaredUse, clients.UnusableClientKeys, clients.ServiceClientExists:
    """
    with transaction.atomic():
        client = create_declared_client(feature=feature, purposes=purposes, jwks=jwks, at=at)
        body = {"feature": client.feature, "purposes": client.purposes}
        entries.record_ledger_event(event="client.registered", about=client.id, body=body, at=at)
        return client


def replace_client_keys(*, client_id: str, jwks: Mapping[str, Any], at: datetime) -> None:
    """:raises clients.UnusableClientKeys, clients.ClientNotLive:"""
    with transaction.atomic():
        client = clients.replace_service_client_keys(client_id=client_id, jwks=jwks)
        entries.record_ledger_event(event="client.keys_replaced", about=client.id, at=at)


def retire_client(*, client_id: str, at: datetime) -> None:
    """
    End a client and its tokens.

    :raises clients.ClientNotLive:
    """
    with transaction.atomic():
        entries.record_ledger_event(
            event="client.retired",
            about=clients.retire_service_client(client_id=client_id, at=at),
            at=at,
        )
