"""The service clients of platform features, as operators see and register them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, Sum

from accounts.client_keys import ClientKey, list_client_keys
from accounts.models import ClientHour, ServiceClient, ServiceToken
from integrations.models import FeatureRemoval
from limited_use.agreements import client_history, service_clients
from limited_use.agreements.client_history import ClientStep
from limited_use.agreements.service_clients import Operator
from limited_use.policy import feature_registry
from limited_use.policy.feature_registry import FEATURES, Feature

_DAY: Final = timedelta(days=1)
_NO_USE: Final[tuple[datetime | None, int]] = (None, 0)


@dataclass(frozen=True, slots=True)
class ClientKeyAge:
    """:param since: None if the ledger does not name the key"""

    key: ClientKey
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ClientOverview:
    """
    :param title: of the feature; empty if the registry does not have it
    :param token_count: access tokens that have not expired
    :param used_at: the last hour with a request, of the hours that are kept
    :param request_count: requests of the last 24 hours
    :param open_removals: of the feature, for a live client
    :param overdue_removals: those of them whose deadline is over
    """

    client: ServiceClient
    title: str
    keys: Sequence[ClientKeyAge]
    steps: Sequence[ClientStep]
    token_count: int
    used_at: datetime | None
    request_count: int
    open_removals: int
    overdue_removals: int

    @property
    def is_live(self) -> bool:
        return self.client.retired_at is None


def list_client_overviews(*, at: datetime) -> list[ClientOverview]:
    """Return live clients by feature, then retired ones, the latest first."""
    clients = list(ServiceClient.objects.order_by("feature", "-id"))
    live = [client for client in clients if client.retired_at is None]
    retired = [client for client in clients if client.retired_at is not None]
    retired.sort(key=lambda client: client.retired_at or at, reverse=True)
    return build_client_overviews([*live, *retired], at=at)


def build_client_overviews(
    clients: Sequence[ServiceClient], *, at: datetime
) -> list[ClientOverview]:
    tokens, uses, removals = _count_tokens(at), _count_requests(at), _count_removals(at)
    overviews = []
    for client in clients:
        steps = client_history.list_client_steps(client.id)
        is_live = client.retired_at is None
        used_at, request_count = uses.get(client.id, _NO_USE)
        open_removals, overdue_removals = removals.get(client.feature, (0, 0))
        feature = FEATURES.get(client.feature)
        overviews.append(
            ClientOverview(
                client=client,
                title=feature.title if feature else "",
                keys=_list_key_ages(client, steps),
                steps=steps,
                token_count=tokens.get(client.id, 0) if is_live else 0,
                used_at=used_at,
                request_count=request_count,
                open_removals=open_removals if is_live else 0,
                overdue_removals=overdue_removals if is_live else 0,
            )
        )
    return overviews


def list_free_features() -> list[Feature]:
    """Return the platform features that may have a client, and have no live one."""
    taken = set(ServiceClient.objects.live().values_list("feature", flat=True))
    return [
        feature
        for feature in FEATURES.values()
        if feature.key not in taken and can_have_client(feature)
    ]


def can_have_client(feature: Feature) -> bool:
    try:
        feature_registry.check_feature_purposes(feature.key, feature.purposes)
    except feature_registry.UndeclaredUse:
        return False
    return bool(feature.purposes)


def register_feature_client(  # noqa: PLR0913 - a row, and who makes it
    *,
    feature: str,
    purposes: Iterable[str],
    jwks: Mapping[str, Any],
    redirect_uris: Sequence[str],
    by: Operator,
    at: datetime,
) -> ServiceClient:
    """
    Register a client, which takes over the open removals of a retired one.

    :raises: as `service_clients.register_client`
    """
    removals = FeatureRemoval.objects.open().filter(feature=feature)
    return service_clients.register_client(
        feature=feature,
        purposes=purposes,
        jwks=jwks,
        redirect_uris=redirect_uris,
        removals_due_at=removals.aggregate(due_at=Min("due_at"))["due_at"],
        by=by,
        at=at,
    )


def _list_key_ages(client: ServiceClient, steps: Sequence[ClientStep]) -> list[ClientKeyAge]:
    ages = client_history.get_key_ages(steps)
    if not steps:
        # Registered without an entry, as the demo's clients are, and not changed since.
        ages = {key.thumbprint: client.registered_at for key in list_client_keys(client.jwks)}
    return [ClientKeyAge(key, ages.get(key.thumbprint)) for key in list_client_keys(client.jwks)]


def _count_tokens(at: datetime) -> dict[Any, int]:
    counts = ServiceToken.objects.filter(expires_at__gt=at).values_list("client_id")
    return dict(counts.annotate(count=Count("*")))


def _count_requests(at: datetime) -> dict[Any, tuple[datetime | None, int]]:
    counts = ClientHour.objects.values_list("client_id").annotate(
        used_at=Max("hour_at"),
        count=Sum("request_count", filter=Q(hour_at__gt=at - _DAY), default=0),
    )
    return {client: (used_at, count) for client, used_at, count in counts}


def _count_removals(at: datetime) -> dict[str, tuple[int, int]]:
    counts = (
        FeatureRemoval.objects.open()
        .values_list("feature")
        .annotate(count=Count("*"), overdue=Count("feature", filter=Q(due_at__lte=at)))
    )
    return {feature: (count, overdue) for feature, count, overdue in counts}
