"""
One error class per next step of the caller.

No error, cause or context holds a response body, URL or token. `reason` is checked to be a code.
"""

from __future__ import annotations

import re
from typing import Any, Final

_CODE: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


class ProviderError(Exception):
    """
    The base class, never raised itself.

    `status` is an HTTP status, `reason` the provider's code or "", `retry_after` in seconds.
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
    """Try again later, after `retry_after` seconds."""


class RateLimited(Unavailable):
    """The quota is used up. Pause the mailbox, then continue more slowly."""


class TokenRejected(ProviderError):
    """Refresh the token once and call again. The grant may still be valid."""


class ClaimsWanted(TokenRejected):
    """Refresh the token with `claims` (JSON, without user content), and call again."""

    def __init__(self, message: str, *, claims: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.claims = claims


class GrantRevoked(ProviderError):
    """Ask the owner to reconnect; do not call again."""


class StepUpWanted(GrantRevoked):
    """
    The provider requires stronger authentication.

    Ask the owner to reconnect, with `claims` (JSON, or empty) in the authorization request.
    """

    def __init__(self, message: str, *, claims: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.claims = claims


class CodeRejected(ProviderError):
    """The authorization code is used, expired or not ours. Start the connect again."""


class IdentityRejected(ProviderError):
    """The id_token proves no identity. Store nothing."""


class IssuerMismatch(IdentityRejected):
    """Callback and id_token name different issuers: a mix-up attack. Store nothing."""


class InvalidClient(ProviderError):
    """Our registration is refused. Alarm the operator; change no user's state."""


class WebhookRejected(ProviderError):
    """
    The provider refuses or could not validate our notification address.

    Poll, and try again soon. Alarm the operator if the error lasts.
    """


class AdminBlocked(ProviderError):
    """The administrator forbids the access. Tell the owner; do not retry."""


class ScopeMissing(ProviderError):
    """The grant does not cover this call. Ask for consent, in context."""


class MailboxMissing(ProviderError):
    """The account has no mailbox. Switch the capability off; do not retry."""


class CursorExpired(ProviderError):
    """Drop the cursor and take a snapshot."""


class Gone(ProviderError):
    """Delete our copy."""


class Rejected(ProviderError):
    """The item is permanently unacceptable. Quarantine it under `reason` and show it."""


class ChangedMeanwhile(ProviderError):
    """The item has changed. Fetch it, then merge or report the conflict."""


class AlreadyThere(ProviderError):
    """An earlier attempt of ours succeeded. Read the item."""


class OutcomeUnknown(ProviderError):
    """A write got no response. Check the item before repeating."""


class Unexpected(ProviderError):
    """An unknown kind of response. Page a developer; do not retry."""


class StorageFull(ProviderError):
    """The account has no room for the file. Tell the owner; do not retry."""


class UploadEnded(ProviderError):
    """The upload session is over, and no file came of it. Open another one."""
