"""Each requested scope for a reviewer: tier, features with pictures, and the narrower scopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise

from integrations.connections.requested_permissions import RequestedScope, list_all_permissions
from limited_use.policy.feature_registry import Feature

from . import pictures
from .evidence import method_scopes, narrower_scopes, scope_report
from .evidence.narrower_scopes import NarrowerScope
from .messages import labels
from .pictures import Picture

#: By feature: its picture in `antares/shots`.
FEATURE_PICTURES: Final[Mapping[str, str]] = {
    "inbox": "inbox",
    "calendar": "calendar",
    "calendar-editing": "event",
    "mail-sending": "compose",
    "mailbox-notices": "notices",
    "drive": "settings",
}
#: The picture of a scope that only says which account is connected.
IDENTITY_PICTURE: Final = "settings"


@dataclass(frozen=True, slots=True)
class ScopeFeature:
    """:param picture: None without one"""

    title: str
    where: str
    key: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """
    :param says: why it is requested
    :param without: what is missing without it, for a scope of identity
    :param narrower: the narrower scopes, each with the methods that it lacks
    :param source: where the provider documents scopes and methods
    """

    provider: str
    scope: str
    anchor: str
    tier: str | Promise
    products: Sequence[str | Promise]
    says: str
    methods: Sequence[str]
    features: Sequence[ScopeFeature]
    narrower: Sequence[NarrowerScope]
    without: str | Promise
    source: str

    @property
    def short_scope(self) -> str:
        return self.scope.removeprefix(method_scopes.GOOGLE_PREFIX)

    @property
    def partial(self) -> list[NarrowerScope]:
        """Return the narrower scopes that let some of the methods through."""
        return [other for other in self.narrower if len(other.lacking) < len(self.methods)]

    @property
    def useless(self) -> list[NarrowerScope]:
        return [other for other in self.narrower if len(other.lacking) == len(self.methods)]

    @property
    def is_identity(self) -> bool:
        return not self.methods


def list_scope_rows() -> list[ScopeRow]:
    return [_make_row(permission) for permission in list_all_permissions()]


def _make_row(permission: RequestedScope) -> ScopeRow:
    tier = scope_report.get_class(permission)
    short_scope = permission.scope.removeprefix(method_scopes.GOOGLE_PREFIX)
    return ScopeRow(
        provider=permission.provider,
        scope=permission.scope,
        anchor=f"{permission.provider}-{short_scope}".lower().replace(".", "-"),
        tier=labels.SCOPE_CLASSES.get(tier, tier),
        products=[labels.PRODUCTS.get(product, product) for product in permission.products],
        says=permission.reason,
        methods=permission.methods,
        features=[_make_feature(feature) for feature in scope_report.list_features(permission)],
        narrower=narrower_scopes.list_narrower_scopes(
            permission.provider, permission.scope, permission.methods
        ),
        without=scope_report.IDENTITY_REASONS.get(permission.scope, ""),
        source=method_scopes.SOURCES[permission.provider],
    )


def _make_feature(feature: Feature) -> ScopeFeature:
    name = FEATURE_PICTURES.get(feature.key)
    picture = None if name is None else pictures.find_picture(name)
    return ScopeFeature(feature.title, feature.where, feature.key, picture)
