"""What the adapters of one account are opened with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Access:
    """
    What an adapter needs.

    `token` returns a bearer token, fresh enough to use now; it may raise what
    a refresh raises. `root_url` is the API's, from settings. `account` is whose token that is,
    by an id of ours: what is for that account alone is opened for it (`sinks.provider`).
    """

    token: Callable[[], str] = field(repr=False)
    root_url: str
    account: UUID
