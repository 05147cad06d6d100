from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID

from . import errors


@runtime_checkable
class RenewableToken(Protocol):
    def __call__(self) -> str: ...

    def renew(self, claims: str = "") -> None:
        """:param claims: for the next token"""


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """
    `token` returns a valid bearer token, or raises the errors of a refresh. `root_url` is from
    settings. `account` is the id of the token's connection, with which `provider_sink` opens ids
    and cursors.
    """

    token: Callable[[], str] = field(repr=False)
    root_url: str
    account: UUID

    def renew(self, refusal: errors.TokenRejected) -> None:
        """Discard the token after a 401. A second 401 has another cause."""
        if isinstance(self.token, RenewableToken):
            claims = refusal.claims if isinstance(refusal, errors.ClaimsWanted) else ""
            self.token.renew(claims)
