"""How each product is watched, as data: through a topic, or by channels of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from integrations.endpoints import news
from integrations.models import Watch, WatchKind

from . import targets

# What the provider calls the thing that a channel is to be about: see `targets`.
Target = Callable[[Watch, datetime], str | None]


@dataclass(frozen=True, slots=True)
class Way:
    """:param target: of channels, looked up when one is opened, for its provider alone"""

    kind: WatchKind
    target: Target | None = None

    def is_on(self, provider: str) -> bool:
        """Return whether the settings let that provider tell us."""
        where = news(provider)
        return bool(where.topic if self.kind == WatchKind.TOPIC else where.hook)


#: By product. One that does not stand here is followed by asking alone.
WAYS: Final[dict[str, Way]] = {
    "mail": Way(WatchKind.TOPIC),
    "calendar": Way(WatchKind.CHANNEL, target=targets.of_calendar),
}


def is_on(product: str, provider: str) -> bool:
    """Return whether the provider is to tell of that product's news."""
    way = WAYS.get(product)
    return way is not None and way.is_on(provider)
