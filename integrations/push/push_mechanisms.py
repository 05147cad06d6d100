"""How each product is watched: over a topic, or by calls to our webhooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from integrations.access.endpoints import get_push_endpoints
from integrations.models import Watch, WatchKind
from integrations.providers import PROVIDERS
from limited_use.sinks.provider_sink import ProviderOutlet

from . import watched_resources

# Returns the provider's id of the watched resource: see `watched_resources`.
TargetLookup = Callable[[Watch, ProviderOutlet, datetime], str | None]


@dataclass(frozen=True, slots=True)
class PushMechanism:
    """
    :param find_target: finds the watched resource of a channel, opened for its provider alone
    :param notifies_list: also notifies changes of the list of resources
    """

    kind: WatchKind
    find_target: TargetLookup | None = None
    notifies_list: bool = True

    def is_enabled(self, provider: str) -> bool:
        push_endpoints = get_push_endpoints(provider)
        return bool(
            push_endpoints.topic if self.kind == WatchKind.TOPIC else push_endpoints.webhook_url
        )


#: By product. Other products are only polled.
MECHANISMS: Final[dict[str, PushMechanism]] = {
    "mail": PushMechanism(WatchKind.TOPIC),
    "calendar": PushMechanism(WatchKind.CHANNEL, find_target=watched_resources.get_calendar_target),
}
SUBSCRIPTION_MECHANISMS: Final[dict[str, PushMechanism]] = {
    "mail": PushMechanism(WatchKind.CHANNEL, find_target=watched_resources.get_mailbox_target),
    "calendar": PushMechanism(
        WatchKind.CHANNEL, find_target=watched_resources.get_calendar_target, notifies_list=False
    ),
}


def get_push_mechanism(product: str, provider: str) -> PushMechanism | None:
    """Return None if the product is only polled."""
    by_product = (
        MECHANISMS if PROVIDERS[provider].subscriptions is None else SUBSCRIPTION_MECHANISMS
    )
    return by_product.get(product)


def is_push_enabled_for(product: str, provider: str, resource: str = "") -> bool:
    """Check the product, or one of its resources."""
    mechanism = get_push_mechanism(product, provider)
    if mechanism is None or not mechanism.is_enabled(provider):
        return False
    return (
        not resource or mechanism.notifies_list or not watched_resources.is_calendar_list(resource)
    )
