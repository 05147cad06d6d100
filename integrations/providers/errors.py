"""
One error class per next step of the caller.

No error holds a response body, URL or token, nor a cause or context that does. `reason` is
checked to be a code.
"""

from __future__ import annotations

import re
from typing import Any, Final

_CODE: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


class ProviderError(Exception):
    """
    The base class, never raised itself.

    `status` is an HTTP status, `reason` the provider's error code or "", `retry_after` a pause in
    seconds.
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
    """Try again later, after `retry_after` seconds if given."""


class RateLimited(Unavailable):
    """The quota is used up. The mailbox pauses, then continues more slowly."""


class TokenRejected(ProviderError):
    """Refresh the token once and call again. The grant may still be valid."""


class ClaimsWanted(TokenRejected):
    """
    Refresh the token with `claims`, JSON for the token endpoint, and call again.

    Claims describe conditions of access and hold no user content.
    """

    def __init__(self, message: str, *, claims: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.claims = claims


class GrantRevoked(ProviderError):
    """The token endpoint refused the grant. Ask the owner to reconnect; do not call again."""


class StepUpWanted(GrantRevoked):
    """
    The provider requires stronger authentication, a second factor for example.

    Ask the owner to reconnect, with `claims` (JSON, or empty) in the authorization request.
    """

    def __init__(self, message: str, *, claims: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.claims = claims


class CodeRejected(ProviderError):
    """The authorization code is used, expired or not ours. Start the connect again."""


class IdentityRejected(ProviderError):
    """The id_token does not prove who signed in. Store nothing."""


class IssuerMismatch(IdentityRejected):
    """Callback and id_token name different issuers: a mix-up attack. Store nothing."""


class InvalidClient(ProviderError):
    """The provider refuses our registration. Alarm the operator; change no user's state."""


class WebhookRejected(ProviderError):
    """
    The provider does not accept, or could not validate, our notification address.

    Poll, and try again soon: the address may have been unreachable for seconds. Alarm the
    operator if the error lasts.
    """


class AdminBlocked(ProviderError):
    """The account's administrator forbids the access. Tell the owner; do not retry."""


class ScopeMissing(ProviderError):
    """The grant does not cover this call. Ask for more consent, in context."""


class MailboxMissing(ProviderError):
    """The account has no mailbox. Switch the capability off; do not retry."""


class CursorExpired(ProviderError):
    """Drop the cursor and take a snapshot."""


class Gone(ProviderError):
    """The item no longer exists. Delete our copy."""


class Rejected(ProviderError):
    """The item will never be read or accepted. Quarantine it under `reason` and show it."""


class ChangedMeanwhile(ProviderError):
    """The item has changed since it was read. Fetch it, then merge or report the conflict."""


class AlreadyThere(ProviderError):
    """The id is taken: an earlier attempt of ours succeeded. Read the item."""


class OutcomeUnknown(ProviderError):
    """A write was sent and no response came. Check the item before repeating the write."""


class Unexpected(ProviderError):
    """An unknown kind of response. Page a developer; do not retry."""
