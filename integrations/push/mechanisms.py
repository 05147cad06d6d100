"""How each product is watched, as data: through a topic, or by calls to us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from integrations.access.endpoints import get_push_endpoints
from integrations.models import Watch, WatchKind
from integrations.providers import PROVIDERS
from limited_use.sinks.provider import ProviderOutlet

from . import watched_resources

# What the provider calls the thing that a channel is to be about: see `watched_resources`.
TargetLookup = Callable[[Watch, ProviderOutlet, datetime], str | None]


@dataclass(frozen=True, slots=True)
class PushMechanism:
    """
    :param target: of channels, looked up when one is opened, for its provider alone
    :param has_list: whether the provider tells of what there is as well, and not of each thing only
    """

    kind: WatchKind
    find_target: TargetLookup | None = None
    notifies_list: bool = True

    def is_enabled(self, provider: str) -> bool:
        """Return whether the settings let that provider tell us."""
        push_endpoints = get_push_endpoints(provider)
        return bool(
            push_endpoints.topic if self.kind == WatchKind.TOPIC else push_endpoints.webhook_url
        )


#: By product. One that does not stand here is followed by asking alone.
MECHANISMS: Final[dict[str, PushMechanism]] = {
    "mail": PushMechanism(WatchKind.TOPIC),
    "calendar": PushMechanism(WatchKind.CHANNEL, find_target=watched_resources.get_calendar_target),
}
#: The same, where news of everything comes by subscriptions.
SUBSCRIPTION_MECHANISMS: Final[dict[str, PushMechanism]] = {
    "mail": PushMechanism(WatchKind.CHANNEL, find_target=watched_resources.get_mailbox_target),
    "calendar": PushMechanism(
        WatchKind.CHANNEL, find_target=watched_resources.get_calendar_target, notifies_list=False
    ),
}


def get_mechanism(product: str, provider: str) -> PushMechanism | None:
    """Return how that provider tells of that product's news; None if it is only asked."""
    by_product = (
        MECHANISMS if PROVIDERS[provider].subscriptions is None else SUBSCRIPTION_MECHANISMS
    )
    return by_product.get(product)


def is_enabled(product: str, provider: str, resource: str = "") -> bool:
    """Return whether the provider is to tell of that product's news, or of one thing's."""
    mechanism = get_mechanism(product, provider)
    if mechanism is None or not mechanism.is_enabled(provider):
        return False
    return (
        not resource or mechanism.notifies_list or not watched_resources.is_calendar_list(resource)
    )
