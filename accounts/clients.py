"""
Service clients: create, rotate, retire.

`limited_use.agreements.service_clients.create_declared_client` also checks the purposes against
the feature registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from accounts.models import ServiceClient, ServiceToken

MINIMUM_RSA_BITS = 2048
_KINDS = frozenset({"RSA", "EC"})


class UnusableClientKeys(Exception):
    """These are not public RSA (2048 bits and up) or P-256 keys, each with its own `kid`."""


class ServiceClientExists(Exception):
    """The client id is taken."""


class ClientNotLive(Exception):
    """No live client has this id."""


def create_service_client(
    *,
    client_id: str,
    feature: str,
    purposes: Sequence[str],
    jwks: Mapping[str, Any],
    at: datetime,
) -> ServiceClient:
    """
    :param jwks: public keys (RFC 7517), one of which authenticates the client

    :raises UnusableClientKeys, ServiceClientExists:
    """
    keys = _check_public_keys(jwks)
    try:
        with transaction.atomic():
            return ServiceClient.objects.create(
                client_id=client_id,
                feature=feature,
                purposes=list(purposes),
                jwks=keys,
                registered_at=at,
            )
    except IntegrityError:
        pass
    raise ServiceClientExists


def replace_service_client_keys(*, client_id: str, jwks: Mapping[str, Any]) -> ServiceClient:
    """
    Replace a client's keys. To overlap, pass the old and the new key, later the new key alone.

    :raises UnusableClientKeys, ClientNotLive:
    """
    keys = _check_public_keys(jwks)
    if not ServiceClient.objects.live().filter(client_id=client_id).update(jwks=keys):
        raise ClientNotLive
    return ServiceClient.objects.get(client_id=client_id)


@transaction.atomic
def retire_service_client(*, client_id: str, at: datetime) -> UUID:
    """
    End a client and its tokens, and return its id.

    :raises ClientNotLive:
    """
    client = (
        ServiceClient.objects.live()
        .select_for_update(no_key=True)
        .filter(client_id=client_id)
        .first()
    )
    if client is None:
        raise ClientNotLive
    client.retired_at = at
    client.save(update_fields=["retired_at"])
    ServiceToken.objects.filter(client=client).delete()
    return client.id


def _check_public_keys(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Return `jwks` with public members only; refuse private, weak, duplicate and unknown keys."""
    try:
        known_keys = [key for key in jwks["keys"] if key["kty"] in _KINDS]
        has_known_kinds = len(known_keys) == len(jwks["keys"])
        keys = KeySet.import_key_set({"keys": known_keys}).keys if has_known_kinds else []
    except (JoseError, KeyError, TypeError, ValueError):
        keys = []
    kids = [key.kid for key in keys]
    has_unique_kids = all(kids) and len(set(kids)) == len(kids)
    if not keys or not has_unique_kids or not all(_is_usable(key) for key in keys):
        raise UnusableClientKeys
    return {"keys": [key.as_dict(private=False) for key in keys]}


def _is_usable(key: object) -> bool:
    if isinstance(key, RSAKey):
        return not key.is_private and key.public_key.key_size >= MINIMUM_RSA_BITS
    return isinstance(key, ECKey) and not key.is_private and key.curve_name == "P-256"
