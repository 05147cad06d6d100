"""
The scopes that connecting requests, with their reasons: for the pages before consent, the
data-use page and the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from integrations.access import scopes
from integrations.access.endpoints import is_provider_registered
from integrations.providers import PROVIDERS
from integrations.providers.provider_definition import Provider, ProviderScope
from limited_use.policy.feature_registry import FEATURES, Feature


@dataclass(frozen=True, slots=True)
class RequestedScope:
    """
    :param provider: display name
    :param products: those that request the scope
    :param capabilities: those that need it; empty if every product requests it
    :param reason: all reasons, in one sentence
    :param methods: API methods
    """

    provider: str
    scope: str
    products: tuple[str, ...]
    capabilities: tuple[str, ...]
    reason: str
    methods: tuple[str, ...]


def list_requested_scopes(
    provider: Provider, products: Iterable[str], *, features: Iterable[Feature] | None = None
) -> tuple[RequestedScope, ...]:
    """
    Scopes of identity come last.

    :param features: that need the scopes; None: those that connecting asks for
    """
    needing = None if features is None else tuple(features)
    sorted_products = sorted(products)
    requested_scopes = frozenset(
        scope
        for product in sorted_products
        for scope in scopes.get_product_scopes(provider, product, needing)
    )
    identity = provider.identity_scopes
    return tuple(
        _describe_scope(provider, scope, sorted_products, needing)
        for scope in sorted(requested_scopes, key=lambda scope: (scope in identity, scope))
    )


def list_all_permissions() -> tuple[RequestedScope, ...]:
    """Include those of features that are asked for when the person first uses them."""
    return tuple(
        permission
        for provider in PROVIDERS.values()
        if provider.products and is_provider_registered(provider.key)
        for permission in list_requested_scopes(
            provider, provider.products, features=FEATURES.values()
        )
    )


def _describe_scope(
    provider: Provider, scope: str, products: list[str], features: tuple[Feature, ...] | None
) -> RequestedScope:
    uses = list(_find_permissions(provider, scope, products, features))
    first, *others = dict.fromkeys(permission.reason for _, permission in uses)
    return RequestedScope(
        provider=provider.label,
        scope=scope,
        products=tuple(
            product
            for product in products
            if scope in scopes.get_product_scopes(provider, product, features)
        ),
        capabilities=tuple(sorted({key for key, _ in uses if key})),
        reason="; ".join([first, *(reason[:1].lower() + reason[1:] for reason in others)]),
        methods=tuple(sorted({method for _, permission in uses for method in permission.methods})),
    )


def _find_permissions(
    provider: Provider, scope: str, products: list[str], features: tuple[Feature, ...] | None
) -> Iterator[tuple[str, ProviderScope]]:
    """Yield nothing for scopes of identity."""
    yield from (
        ("", permission)
        for permission in provider.identity_permissions
        if permission.scope == scope
    )
    keys = {key for product in products for key in scopes.capabilities_for(product, features)}
    for key in sorted(keys & provider.capabilities.keys()):
        permissions = provider.capabilities[key].permissions
        yield from ((key, permission) for permission in permissions if permission.scope == scope)
