"""How each product is watched, as data: through a topic, or by calls to us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from integrations.access.endpoints import news
from integrations.models import Watch, WatchKind
from integrations.providers import PROVIDERS
from limited_use.sinks.provider import Outlet

from . import watched_resources

# What the provider calls the thing that a channel is to be about: see `watched_resources`.
Target = Callable[[Watch, Outlet, datetime], str | None]


@dataclass(frozen=True, slots=True)
class Way:
    """
    :param target: of channels, looked up when one is opened, for its provider alone
    :param has_list: whether the provider tells of what there is as well, and not of each thing only
    """

    kind: WatchKind
    target: Target | None = None
    has_list: bool = True

    def is_on(self, provider: str) -> bool:
        """Return whether the settings let that provider tell us."""
        where = news(provider)
        return bool(where.topic if self.kind == WatchKind.TOPIC else where.hook)


#: By product. One that does not stand here is followed by asking alone.
WAYS: Final[dict[str, Way]] = {
    "mail": Way(WatchKind.TOPIC),
    "calendar": Way(WatchKind.CHANNEL, target=watched_resources.of_calendar),
}
#: The same, where news of everything comes by subscriptions.
SUBSCRIBED: Final[dict[str, Way]] = {
    "mail": Way(WatchKind.CHANNEL, target=watched_resources.of_mailbox),
    "calendar": Way(WatchKind.CHANNEL, target=watched_resources.of_calendar, has_list=False),
}


def of(product: str, provider: str) -> Way | None:
    """Return how that provider tells of that product's news; None if it is only asked."""
    by_product = WAYS if PROVIDERS[provider].subscriptions is None else SUBSCRIBED
    return by_product.get(product)


def is_on(product: str, provider: str, resource: str = "") -> bool:
    """Return whether the provider is to tell of that product's news, or of one thing's."""
    way = of(product, provider)
    if way is None or not way.is_on(provider):
        return False
    return not resource or way.has_list or not watched_resources.is_list(resource)
