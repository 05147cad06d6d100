"""
Scopes that a connect requests, and capabilities that granted scopes allow.

Requested are exactly the scopes that the declared features need. The token response names the
granted ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from integrations.models import Connection, Integration
from integrations.providers.provider_definition import Provider
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES, Feature

#: Products without a copy, and so without a sync.
UNCOPIED_PRODUCTS: Final = frozenset({"drive"})


@dataclass(frozen=True, slots=True)
class GrantedScopes:
    """:param unused: scopes that no feature needs; shown, never used"""

    granted: frozenset[str]
    missing: frozenset[str]
    unused: frozenset[str]


def features_for(product: str, features: Iterable[Feature] | None = None) -> tuple[Feature, ...]:
    """
    Return the features that connecting asks for.

    Platform features show stored data and need no scope.
    """
    return tuple(
        feature
        for feature in list_product_features(product, features)
        if not feature.asked_in_context
    )


def list_product_features(
    product: str, features: Iterable[Feature] | None = None
) -> tuple[Feature, ...]:
    """Include features that are asked for when the person first uses them."""
    candidates = FEATURES.values() if features is None else features
    return tuple(
        feature
        for feature in candidates
        if not feature.platform_client and _needs_product(feature, product)
    )


def find_feature_in_context(product: str, key: str) -> tuple[Feature, ...]:
    """Return the feature that is asked for in context, or nothing if there is none."""
    feature = FEATURES.get(key)
    is_asked = feature is not None and feature.asked_in_context
    return (feature,) if feature and is_asked and _needs_product(feature, product) else ()


def capabilities_for(product: str, features: Iterable[Feature] | None = None) -> frozenset[str]:
    """
    Return capabilities such as `mail.read`.

    :param features: None: those that connecting asks for
    """
    chosen = features_for(product) if features is None else list_product_features(product, features)
    return frozenset(
        capability
        for feature in chosen
        for capability in feature.capabilities
        if _get_product(capability) == product
    )


def get_product_scopes(
    provider: Provider, product: str, features: Iterable[Feature] | None = None
) -> frozenset[str]:
    return provider.list_scopes_for(capabilities_for(product, features))


def get_usable_capabilities(provider: Provider, granted: Iterable[str]) -> frozenset[str]:
    """Code calls no API methods of other capabilities."""
    granted_scopes = frozenset(granted)
    return frozenset(
        key
        for key, capability in provider.capabilities.items()
        if capability.scopes <= granted_scopes
    )


def get_served_features(
    provider: Provider,
    product: str,
    granted: Iterable[str],
    features: Iterable[Feature] | None = None,
) -> tuple[Feature, ...]:
    """Other features get no consent."""
    capabilities = get_usable_capabilities(provider, granted)
    return tuple(
        feature
        for feature in (
            features_for(product) if features is None else list_product_features(product, features)
        )
        if feature.capabilities <= capabilities
    )


def get_retention_days(features: Iterable[Feature]) -> int | None:
    """Return None if no feature keeps a copy."""
    return max(
        (feature.retention_days for feature in features if feature.retention_days is not None),
        default=None,
    )


def keeps_copy(features: Iterable[Feature]) -> bool:
    return any(
        feature.retention_days is not None or feature.cache_hours is not None
        for feature in features
    )


def is_product_served(product: str, features: Iterable[Feature]) -> bool:
    """
    Return whether `features` justify an integration.

    Those that only act for the owner do so for files; for mail and calendars, one has to show a
    copy.
    """
    served_features = tuple(features)
    return keeps_copy(served_features) or (product in UNCOPIED_PRODUCTS and bool(served_features))


def get_cache_hours(product: str, chosen: int | None = None) -> int:
    """
    Return for how many hours after its last sync a cache may be shown.

    :param chosen: by the owner; can only shorten the time
    """
    declared = max((feature.cache_hours or 0 for feature in features_for(product)), default=0)
    return declared if chosen is None else min(declared, chosen)


def get_connect_scopes(
    provider: Provider,
    product: str,
    connection_id: UUID | None,
    *,
    asked: Iterable[Feature] = (),
) -> frozenset[str]:
    """
    Include the connected products, and the features in use that were asked for in context.

    :param asked: further features, asked for in context
    """
    products = get_connect_products(product, connection_id)
    features = [*asked, *_list_used_in_context(provider, connection_id)]
    return frozenset(
        scope
        for live_product in products
        for scope in get_product_scopes(
            provider, live_product, [*features_for(live_product), *features]
        )
    )


def list_features_in_use(
    provider: Provider, product: str, connection: Connection
) -> tuple[Feature, ...]:
    """
    Return the features that connecting asks for, and those asked for in context that the owner
    agreed to and the grant covers.
    """
    return (
        *features_for(product),
        *(
            feature
            for feature in _find_used_in_context(provider, connection)
            if _needs_product(feature, product)
        ),
    )


def _list_used_in_context(provider: Provider, connection_id: UUID | None) -> tuple[Feature, ...]:
    connection = Connection.objects.filter(id=connection_id).first() if connection_id else None
    return () if connection is None else _find_used_in_context(provider, connection)


def _find_used_in_context(provider: Provider, connection: Connection) -> tuple[Feature, ...]:
    capabilities = get_usable_capabilities(provider, connection.granted_scopes)
    granted_features = [
        feature
        for feature in FEATURES.values()
        if feature.asked_in_context and feature.capabilities <= capabilities
    ]
    if not granted_features:
        return ()
    agreed_keys = consents.list_agreed_features(
        owner_id=connection.user_id, organisation_id=connection.organisation_id
    )
    return tuple(feature for feature in granted_features if feature.key in agreed_keys)


def get_connect_products(product: str, connection_id: UUID | None) -> frozenset[str]:
    """
    Include the connection's live products: a new grant has only the scopes that its request
    names.
    """
    if connection_id is None:
        return frozenset({product})
    live = Integration.objects.live().filter(connection_id=connection_id)
    return frozenset({product, *live.order_by().values_list("product", flat=True)})


def compare_scopes(
    provider: Provider,
    product: str,
    granted: Iterable[str],
    features: Iterable[Feature] | None = None,
) -> GrantedScopes:
    granted_scopes = frozenset(granted)
    needed = get_product_scopes(provider, product, features) - provider.unlisted_scopes
    return GrantedScopes(
        granted=granted_scopes, missing=needed - granted_scopes, unused=granted_scopes - needed
    )


def compare_connection_scopes(provider: Provider, connection: Connection) -> GrantedScopes:
    granted_scopes = frozenset(connection.granted_scopes)
    needed = provider.list_scopes_for(frozenset())
    for product in connection.integrations.live().values_list("product", flat=True):
        features = list_features_in_use(provider, product, connection)
        needed |= get_product_scopes(provider, product, features)
    needed -= provider.unlisted_scopes
    return GrantedScopes(
        granted=granted_scopes, missing=needed - granted_scopes, unused=granted_scopes - needed
    )


def _needs_product(feature: Feature, product: str) -> bool:
    return any(_get_product(capability) == product for capability in feature.capabilities)


def _get_product(capability: str) -> str:
    return capability.partition(".")[0]
