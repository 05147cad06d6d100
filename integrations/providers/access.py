"""The access with which the adapters of one account are opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID

from . import errors


@runtime_checkable
class RenewableToken(Protocol):
    """A token that can be replaced when the provider refuses it."""

    def __call__(self) -> str: ...

    def renew(self, claims: str = "") -> None:
        """Refuse the last token; ask for the next one with `claims`, if the provider wants them."""


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """
    What an adapter needs.

    `token` returns a bearer token that is valid now; it may raise what a refresh raises. `root_url`
    is the API's, from settings. `account` is the id of the connection that the token belongs to:
    `sinks.provider` opens the ids and cursors of that account for it.
    """

    token: Callable[[], str] = field(repr=False)
    root_url: str
    account: UUID

    def renew(self, refusal: errors.TokenRejected) -> None:
        """
        Have `token` return a new token, because the provider answered 401 to the last one.

        A second 401 after that is not a question of tokens.
        """
        if isinstance(self.token, RenewableToken):
            claims = refusal.claims if isinstance(refusal, errors.ClaimsWanted) else ""
            self.token.renew(claims)
