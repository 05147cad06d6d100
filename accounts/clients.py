"""
Service clients: create, change keys and redirect URIs, retire.

`limited_use.agreements.service_clients.create_declared_client` also checks the purposes against
the feature registry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from django.db import IntegrityError, transaction

from accounts.client_keys import check_public_keys
from accounts.models import ServiceClient, ServiceToken
from accounts.redirect_uris import check_redirect_uris


class ServiceClientExists(Exception):
    """The feature has a live client, or the client id is taken."""


class ClientNotLive(Exception):
    """No live client has this id."""


class ClientChanged(Exception):
    """Another change came first: keys and redirect URIs are not those that the caller saw."""


def create_service_client(  # noqa: PLR0913 - a row
    *,
    client_id: str,
    feature: str,
    purposes: Sequence[str],
    jwks: Mapping[str, Any],
    redirect_uris: Sequence[str] = (),
    removals_due_at: datetime | None = None,
    at: datetime,
) -> ServiceClient:
    """
    :param jwks: public keys (RFC 7517), one of which authenticates the client

    :raises client_keys.UnusableClientKeys, redirect_uris.UnusableRedirectUri, ServiceClientExists:
    """
    keys, uris = check_public_keys(jwks), check_redirect_uris(redirect_uris)
    try:
        with transaction.atomic():
            return ServiceClient.objects.create(
                client_id=client_id,
                feature=feature,
                purposes=list(purposes),
                jwks=keys,
                redirect_uris=uris,
                removals_due_at=removals_due_at,
                registered_at=at,
            )
    except IntegrityError:
        pass
    raise ServiceClientExists


def choose_client_id(feature: str) -> str:
    """
    Return the id of a feature's next client: the feature's key, or `KEY-2` after a retired client.

    Of two callers at the same time both get the same id, so that `create_service_client` refuses
    the second.

    :raises ServiceClientExists: if the feature has a live client
    """
    clients = list(ServiceClient.objects.values_list("client_id", "feature", "retired_at"))
    if any(of == feature and retired_at is None for _, of, retired_at in clients):
        raise ServiceClientExists
    taken = {client_id for client_id, _, _ in clients}
    following = (f"{feature}-{number}" for number in count(2))
    return feature if feature not in taken else next(one for one in following if one not in taken)


def compute_client_digest(client: ServiceClient) -> str:
    """Return a digest of all that a change replaces."""
    content = json.dumps([client.jwks, client.redirect_uris], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


@transaction.atomic
def replace_service_client_keys(
    *, client_id: str, jwks: Mapping[str, Any], seen_digest: str | None = None
) -> ServiceClient:
    """
    Replace a client's keys. To overlap, pass the old and the new key, later the new key alone.

    :param seen_digest: see `compute_client_digest`; None: replace them whatever they are now
    :raises client_keys.UnusableClientKeys, ClientNotLive, ClientChanged:
    """
    keys = check_public_keys(jwks)
    client = _lock_live_client(client_id, seen_digest)
    client.jwks = keys
    client.save(update_fields=["jwks"])
    return client


@transaction.atomic
def replace_redirect_uris(
    *, client_id: str, redirect_uris: Sequence[str], seen_digest: str | None = None
) -> ServiceClient:
    """
    :param seen_digest: see `compute_client_digest`; None: replace them whatever they are now
    :raises redirect_uris.UnusableRedirectUri, ClientNotLive, ClientChanged:
    """
    uris = check_redirect_uris(redirect_uris)
    client = _lock_live_client(client_id, seen_digest)
    client.redirect_uris = uris
    client.save(update_fields=["redirect_uris"])
    return client


@transaction.atomic
def retire_service_client(*, client_id: str, at: datetime) -> tuple[ServiceClient, int]:
    """
    End a client and its tokens; return it, and the number of deleted tokens.

    A token that is given out at the same moment may remain, and is refused: each use of a token
    looks at its client.

    :raises ClientNotLive:
    """
    client = _lock_live_client(client_id, None)
    client.retired_at = at
    client.save(update_fields=["retired_at"])
    return client, ServiceToken.objects.filter(client=client).delete()[0]


def _lock_live_client(client_id: str, seen_digest: str | None) -> ServiceClient:
    """:raises ClientNotLive, ClientChanged:"""
    client = (
        ServiceClient.objects.live()
        .select_for_update(no_key=True)
        .filter(client_id=client_id)
        .first()
    )
    if client is None:
        raise ClientNotLive
    if seen_digest is not None and seen_digest != compute_client_digest(client):
        raise ClientChanged
    return client
