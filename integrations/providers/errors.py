"""
What went wrong at a provider, by what the caller does next.

No error here holds a response body, a URL or a token, and none rides along as
cause or context: `reason` is the provider's own code, checked to be a code.
"""

from __future__ import annotations

import re
from typing import Any, Final

_CODE: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


class ProviderError(Exception):
    """
    The base: never raised itself.

    `status` is the HTTP status, if an answer came. `reason` is the provider's
    code for it, or "". `retry_after` is in seconds, where the provider said so.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: object = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason if isinstance(reason, str) and _CODE.fullmatch(reason) else ""
        self.retry_after = retry_after


class Unavailable(ProviderError):
    """Try again later, after `retry_after` seconds where the provider said so."""


class RateLimited(Unavailable):
    """Our share is used up: the mailbox waits, and goes on more slowly."""


class TokenRejected(ProviderError):
    """Refresh once and call again. Alone it does not mean the grant is gone."""


class ClaimsWanted(TokenRejected):
    """
    Refresh with `claims`, JSON that the token endpoint is to read, and call again.

    What it says is of conditions of access, and of no user's content.
    """

    def __init__(self, message: str, *, claims: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.claims = claims


class GrantRevoked(ProviderError):
    """The token endpoint said so. Ask the owner to reconnect; do not call again."""


class StepUpWanted(GrantRevoked):
    """
    It wants the person to show more than before, a second factor for example.

    Ask the owner to reconnect, with `claims` in the authorization request: JSON, or empty.
    """

    def __init__(self, message: str, *, claims: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.claims = claims


class CodeRejected(ProviderError):
    """The authorization code is used, expired or not ours. Start the connect again."""


class IdentityRejected(ProviderError):
    """The id_token does not prove who signed in. Store nothing."""


class IssuerMismatch(IdentityRejected):
    """The callback named another issuer than the id_token: a mix-up attack. Store nothing."""


class InvalidClient(ProviderError):
    """Our own registration is refused. Alarm the operator; change no user's state."""


class WebhookRejected(ProviderError):
    """
    The provider does not accept our address for notifications, or could not validate it.

    Poll, and try again soon: it may have been unreachable for seconds. Alarm the operator if it
    lasts.
    """


class AdminBlocked(ProviderError):
    """The account's administrator forbids it. Say so; do not retry."""


class ScopeMissing(ProviderError):
    """The grant does not cover this call. Ask for more consent, in context."""


class MailboxMissing(ProviderError):
    """There is no mailbox in the account. Switch the capability off; do not retry."""


class CursorExpired(ProviderError):
    """Drop the cursor and take a snapshot."""


class Gone(ProviderError):
    """The item no longer exists. Delete ours."""


class Rejected(ProviderError):
    """The item will never be read or accepted. Set it aside under `reason` and show it."""


class ChangedMeanwhile(ProviderError):
    """It is no longer as we knew it. Fetch it, then merge, or tell whoever changed it."""


class AlreadyThere(ProviderError):
    """The id is taken: an earlier try of ours came through. Read it."""


class OutcomeUnknown(ProviderError):
    """A write was sent and no answer came. Look before repeating it."""


class Unexpected(ProviderError):
    """Nobody foresaw this answer. Page a developer; do not retry."""
