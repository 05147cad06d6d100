"""Access to one account's API, with which adapters are opened."""

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
        """Discard the last token. The next one is requested with `claims`, if given."""


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """
    Token and address for the API calls of one account.

    `token` returns a valid bearer token, or raises the errors of a token refresh. `root_url` is
    the API's root, from settings. `account` is the id of the token's connection: `sinks.provider`
    opens ids and cursors of that account for it.
    """

    token: Callable[[], str] = field(repr=False)
    root_url: str
    account: UUID

    def renew(self, refusal: errors.TokenRejected) -> None:
        """Discard the token after a 401. A second 401 has another cause."""
        if isinstance(self.token, RenewableToken):
            claims = refusal.claims if isinstance(refusal, errors.ClaimsWanted) else ""
            self.token.renew(claims)
