"""
The permissions that connecting asks for, with their reasons.

One list for the pages before consent, the data-use page and the evidence. Computed from the
feature registry and the providers' own tables, as the scopes of the consent page are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from integrations.access import scopes
from integrations.access.endpoints import is_registered
from integrations.providers import PROVIDERS
from integrations.providers.provider import Permission, Provider


@dataclass(frozen=True, slots=True)
class AskedPermission:
    """
    A scope that connecting some products of a provider asks for.

    :param provider: the provider's name, as people know it
    :param products: those of the products that the scope is asked for with
    :param capabilities: those that need it; empty where it is asked for with every product
    :param reason: every reason, in one sentence
    :param methods: the API methods that are called with it
    """

    provider: str
    scope: str
    products: tuple[str, ...]
    capabilities: tuple[str, ...]
    reason: str
    methods: tuple[str, ...]


def list_permissions(provider: Provider, products: Iterable[str]) -> tuple[AskedPermission, ...]:
    """Return each scope that connecting `products` asks for; those of identity come last."""
    wanted = sorted(products)
    asked = frozenset(scope for product in wanted for scope in scopes.asked(provider, product))
    identity = provider.identity_scopes
    return tuple(
        _describe(provider, scope, wanted)
        for scope in sorted(asked, key=lambda scope: (scope in identity, scope))
    )


def list_all_permissions() -> tuple[AskedPermission, ...]:
    """Return each scope that is asked for, by any product of any registered provider."""
    return tuple(
        asked
        for provider in PROVIDERS.values()
        if provider.products and is_registered(provider.key)
        for asked in list_permissions(provider, provider.products)
    )


def _describe(provider: Provider, scope: str, products: list[str]) -> AskedPermission:
    uses = list(_uses(provider, scope, products))
    reasons = dict.fromkeys(permission.reason for _, permission in uses)
    return AskedPermission(
        provider=provider.label,
        scope=scope,
        products=tuple(one for one in products if scope in scopes.asked(provider, one)),
        capabilities=tuple(sorted({key for key, _ in uses if key})),
        reason="; ".join(reasons),
        methods=tuple(sorted({method for _, one in uses for method in one.methods})),
    )


def _uses(provider: Provider, scope: str, products: list[str]) -> Iterator[tuple[str, Permission]]:
    """Yield each use of `scope`, with the key of its capability; identity has no key."""
    yield from (("", one) for one in provider.identity if one.scope == scope)
    keys = {key for product in products for key in scopes.capabilities_for(product)}
    for key in sorted(keys & provider.capabilities.keys()):
        permissions = provider.capabilities[key].permissions
        yield from ((key, one) for one in permissions if one.scope == scope)
