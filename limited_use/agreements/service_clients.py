"""
Service clients as operators manage them; each step is a ledger entry. See `accounts.clients`.

A client's purposes come from its feature's declaration; its keys are public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import clients
from accounts.models import ServiceClient
from limited_use.ledger import entries
from limited_use.policy.features import check_declared


def create_declared_client(
    *,
    feature: str,
    purposes: Iterable[str],
    jwks: Mapping[str, Any],
    at: datetime,
    client_id: str | None = None,
) -> ServiceClient:
    """
    Create a client of `feature` for some of its declared purposes, without a ledger entry.

    :param client_id: default: the feature's key
    :param jwks: the client's public keys, a JSON Web Key Set (RFC 7517)
    :raises UndeclaredUse: see `features.check_declared`
    """
    sorted_purposes = sorted(set(purposes))
    check_declared(feature, sorted_purposes)
    return clients.create_client(
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
    Register the client of `feature` for some of its declared purposes.

    :raises features.UndeclaredUse: if the feature does not declare them
    :raises clients.UnusableKeys: if `jwks` holds an unusable or private key
    :raises clients.ClientExists: if the feature has a client
    """
    with transaction.atomic():
        client = create_declared_client(feature=feature, purposes=purposes, jwks=jwks, at=at)
        body = {"feature": client.feature, "purposes": client.purposes}
        entries.record_event(event="client.registered", about=client.id, body=body, at=at)
        return client


def replace_client_keys(*, client_id: str, jwks: Mapping[str, Any], at: datetime) -> None:
    """
    Replace a client's keys.

    :raises clients.UnusableKeys: if `jwks` holds an unusable or private key
    :raises clients.ClientNotLive: if the client is unknown or retired
    """
    with transaction.atomic():
        client = clients.replace_keys(client_id=client_id, jwks=jwks)
        entries.record_event(event="client.keys_replaced", about=client.id, at=at)


def retire_client(*, client_id: str, at: datetime) -> None:
    """
    Retire a client and delete its tokens.

    :raises clients.ClientNotLive: if the client is unknown or retired
    """
    with transaction.atomic():
        entries.record_event(
            event="client.retired", about=clients.retire_client(client_id=client_id, at=at), at=at
        )
