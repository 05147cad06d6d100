"""Products that can be connected, with their disclosures, from the feature registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from integrations.access import scopes
from integrations.access.endpoints import is_provider_registered
from integrations.providers import PROVIDERS
from integrations.providers.product_names import name_product
from integrations.providers.provider_definition import Provider
from limited_use.policy.feature_registry import Feature

from . import requested_permissions
from .messages import PURPOSES, ProductPurpose
from .requested_permissions import RequestedScope


@dataclass(frozen=True, slots=True)
class ConnectableProduct:
    provider: str
    product: str
    label: str
    title: str
    purpose: ProductPurpose
    features: tuple[Feature, ...]
    requests: tuple[RequestedScope, ...]
    has_single_permissions: bool


def list_requested_permissions(
    provider: Provider,
    product: str,
    *,
    connection_id: UUID | None = None,
    features: Iterable[Feature] | None = None,
) -> tuple[RequestedScope, ...]:
    """
    :param connection_id: to add it to; scopes of its live products are requested again
    :param features: that need the scopes; None: those that connecting asks for
    """
    products = scopes.get_connect_products(product, connection_id)
    return requested_permissions.list_requested_scopes(provider, products, features=features)


def list_connectable_products() -> tuple[ConnectableProduct, ...]:
    """Return the products of registered providers."""
    return tuple(
        ConnectableProduct(
            provider=provider.key,
            product=product,
            label=provider.label,
            title=name_product(provider.key, product),
            purpose=purpose,
            features=scopes.features_for(product),
            requests=list_requested_permissions(provider, product),
            has_single_permissions=provider.has_single_permissions,
        )
        for provider in PROVIDERS.values()
        for product, purpose in PURPOSES.items()
        if product in provider.products and is_provider_registered(provider.key)
    )
