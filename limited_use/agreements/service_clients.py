"""
Service clients, with a ledger entry for each of the operators' steps. See `accounts.clients`.

An entry names the operators by pseudonym, the purposes, and the keys by their thumbprints. Redirect
URIs are hashed: an entry holds only our own words.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import clients
from accounts.client_keys import list_client_keys
from accounts.models import ServiceClient
from limited_use.ledger import entries
from limited_use.ledger.entries import EntryValue
from limited_use.policy.feature_registry import check_feature_purposes


class OperatorChannel(StrEnum):
    PAGE = "page"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Operator:
    """
    Who changes a client.

    :param id: of the person
    :param approved_by: the second operator
    """

    id: UUID
    channel: OperatorChannel
    approved_by: UUID | None = None


def create_declared_client(  # noqa: PLR0913 - a row
    *,
    feature: str,
    purposes: Iterable[str],
    jwks: Mapping[str, Any],
    redirect_uris: Sequence[str] = (),
    removals_due_at: datetime | None = None,
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
        redirect_uris=redirect_uris,
        removals_due_at=removals_due_at,
        at=at,
    )


def register_client(  # noqa: PLR0913 - a row, and who makes it
    *,
    feature: str,
    purposes: Iterable[str],
    jwks: Mapping[str, Any],
    redirect_uris: Sequence[str] = (),
    removals_due_at: datetime | None = None,
    by: Operator,
    at: datetime,
) -> ServiceClient:
    """
    Register the only live client of a feature, with a ledger entry.

    :param removals_due_at: by when the feature has to acknowledge its open removals
    :raises UndeclaredUse, client_keys.UnusableClientKeys, redirect_uris.UnusableRedirectUri:
    :raises clients.ServiceClientExists:
    """
    with transaction.atomic():
        client = create_declared_client(
            client_id=clients.choose_client_id(feature),
            feature=feature,
            purposes=purposes,
            jwks=jwks,
            redirect_uris=redirect_uris,
            removals_due_at=removals_due_at,
            at=at,
        )
        entries.record_ledger_event(
            event="client.registered",
            about=client.id,
            body=_describe_step(client, by),
            by=by.id,
            at=at,
        )
        return client


def replace_client_keys(
    *,
    client_id: str,
    jwks: Mapping[str, Any],
    seen_digest: str | None = None,
    by: Operator,
    at: datetime,
) -> ServiceClient:
    """
    :param seen_digest: see `clients.compute_client_digest`
    :raises client_keys.UnusableClientKeys, clients.ClientNotLive, clients.ClientChanged:
    """
    with transaction.atomic():
        client = clients.replace_service_client_keys(
            client_id=client_id, jwks=jwks, seen_digest=seen_digest
        )
        entries.record_ledger_event(
            event="client.keys_replaced",
            about=client.id,
            body=_describe_step(client, by),
            by=by.id,
            at=at,
        )
        return client


def replace_client_redirects(
    *,
    client_id: str,
    redirect_uris: Sequence[str],
    seen_digest: str | None = None,
    by: Operator,
    at: datetime,
) -> ServiceClient:
    """
    :param seen_digest: see `clients.compute_client_digest`
    :raises redirect_uris.UnusableRedirectUri, clients.ClientNotLive, clients.ClientChanged:
    """
    with transaction.atomic():
        client = clients.replace_redirect_uris(
            client_id=client_id, redirect_uris=redirect_uris, seen_digest=seen_digest
        )
        entries.record_ledger_event(
            event="client.redirects_replaced",
            about=client.id,
            body=_describe_step(client, by),
            by=by.id,
            at=at,
        )
        return client


def retire_client(*, client_id: str, by: Operator, at: datetime) -> ServiceClient:
    """
    End a client and its tokens.

    :raises clients.ClientNotLive:
    """
    with transaction.atomic():
        client, token_count = clients.retire_service_client(client_id=client_id, at=at)
        entries.record_ledger_event(
            event="client.retired",
            about=client.id,
            body={**_describe_step(client, by), "tokens": token_count},
            by=by.id,
            at=at,
        )
        return client


def hash_redirect_uri(uri: str) -> str:
    """Return SHA-256 as base64url, with which anyone who knows the URI finds it in an entry."""
    return urlsafe_b64encode(hashlib.sha256(uri.encode()).digest()).rstrip(b"=").decode()


def _describe_step(client: ServiceClient, by: Operator) -> dict[str, EntryValue]:
    return {
        "client": client.client_id,
        "feature": client.feature,
        "purposes": client.purposes,
        "keys": [key.thumbprint for key in list_client_keys(client.jwks)],
        "redirect_uris": [hash_redirect_uri(uri) for uri in client.redirect_uris],
        "channel": by.channel,
        **({"approved_by": entries.get_ledger_pseudonym(by.approved_by)} if by.approved_by else {}),
    }
