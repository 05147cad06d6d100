"""
Which scopes are asked for, and what the granted ones are good for.

Computed from the feature registry and the provider's own mapping, never typed
in: what is asked is what the switched-on features need, and no more. What was
granted is what the token response said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from integrations.models import Connection, Integration
from integrations.providers.provider import Provider
from limited_use.policy.features import FEATURES, Feature


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What was granted, compared with what is needed.

    `unused` are scopes that the provider still lists and that no feature of ours
    needs any more: shown as such, and never called.
    """

    granted: frozenset[str]
    missing: frozenset[str]
    unused: frozenset[str]


def features_for(product: str, features: Iterable[Feature] | None = None) -> tuple[Feature, ...]:
    """
    Return the features of the service itself that switching on `product` serves.

    A platform feature shows what is here already: it asks the provider for nothing.
    """
    every = FEATURES.values() if features is None else features
    return tuple(
        feature for feature in every if not feature.platform_client and _needs(feature, product)
    )


def capabilities_for(product: str, features: Iterable[Feature] | None = None) -> frozenset[str]:
    """Return the capabilities (`mail.read`, …) of `product` that its features need."""
    return frozenset(
        capability
        for feature in features_for(product, features)
        for capability in feature.capabilities
        if _product(capability) == product
    )


def asked(
    provider: Provider, product: str, features: Iterable[Feature] | None = None
) -> frozenset[str]:
    """Return the scopes to ask `provider` for: who it is, and what the features need."""
    return provider.scopes_for(capabilities_for(product, features))


def usable(provider: Provider, granted: Iterable[str]) -> frozenset[str]:
    """Return the capabilities that `granted` scopes are enough for; call nothing else."""
    given = frozenset(granted)
    return frozenset(
        key for key, capability in provider.capabilities.items() if capability.scopes <= given
    )


def served(
    provider: Provider,
    product: str,
    granted: Iterable[str],
    features: Iterable[Feature] | None = None,
) -> tuple[Feature, ...]:
    """Return the features of `product` that `granted` is enough for; no other is agreed to."""
    given = usable(provider, granted)
    return tuple(
        feature for feature in features_for(product, features) if feature.capabilities <= given
    )


def kept_days(features: Iterable[Feature]) -> int | None:
    """Return for how many days a copy is kept for `features`; None: they keep none."""
    return max(
        (one.retention_days for one in features if one.retention_days is not None), default=None
    )


def is_kept(features: Iterable[Feature]) -> bool:
    """Return whether any of `features` keeps a copy of what it brings in."""
    return any(one.retention_days is not None or one.cache_hours is not None for one in features)


def cached_hours(product: str, chosen: int | None = None) -> int:
    """
    Return for how many hours a copy of `product` may be shown after the last look.

    :param chosen: by its owner, who may want it shorter, and not longer
    """
    declared = max((one.cache_hours or 0 for one in features_for(product)), default=0)
    return declared if chosen is None else min(declared, chosen)


def asked_with(provider: Provider, product: str, connection_id: UUID | None) -> frozenset[str]:
    """Return the scopes to ask for to connect `product`, and to keep what is connected already."""
    products = products_with(product, connection_id)
    return frozenset(scope for one in products for scope in asked(provider, one))


def products_with(product: str, connection_id: UUID | None) -> frozenset[str]:
    """
    Return `product` and the live products of the connection that it is added to.

    A new grant has the scopes that it was asked for and no others, so all of them are asked for.
    """
    if connection_id is None:
        return frozenset({product})
    live = Integration.objects.live().filter(connection_id=connection_id)
    return frozenset({product, *live.order_by().values_list("product", flat=True)})


def compare(
    provider: Provider,
    product: str,
    granted: Iterable[str],
    features: Iterable[Feature] | None = None,
) -> Grant:
    """Return what of the granted scopes is missing, and what is no longer used."""
    given = frozenset(granted)
    needed = asked(provider, product, features) - provider.unnamed_scopes
    return Grant(granted=given, missing=needed - given, unused=given - needed)


def of_connection(provider: Provider, connection: Connection) -> Grant:
    """Return the grant of a connection, compared with what its live integrations need."""
    given = frozenset(connection.granted_scopes)
    needed = provider.scopes_for(frozenset())
    for product in connection.integrations.live().values_list("product", flat=True):
        needed |= asked(provider, product)
    needed -= provider.unnamed_scopes
    return Grant(granted=given, missing=needed - given, unused=given - needed)


def _needs(feature: Feature, product: str) -> bool:
    return any(_product(capability) == product for capability in feature.capabilities)


def _product(capability: str) -> str:
    return capability.partition(".")[0]
