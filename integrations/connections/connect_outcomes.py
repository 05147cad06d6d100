"""Reasons why a connect fails, each with its outcome."""

from __future__ import annotations

from uuid import UUID

from integrations.models import AttemptOutcome
from integrations.providers import errors
from limited_use.agreements import consents


class ConsentDenied(Exception):
    """The person denied consent. Say that nothing happened, and offer to start again."""


class AdminConsentRefused(Exception):
    """The person's administrator does not allow it. Say whom to ask."""


class WrongIssuer(Exception):
    """Another issuer answered than the requested provider. Nothing was read."""


class MissingIssuer(WrongIssuer):
    """The answer names no issuer, though one is required. Alarm the operator."""


class MalformedCallback(Exception):
    """A parameter is repeated, or code and error are missing. Nothing was read."""


class ProviderRefused(Exception):
    """Neither the person nor the operator can fix the refusal. Start again."""


class WrongAccount(Exception):
    """Another account than the one to reconnect. Offer to connect this one, or to retry."""


class AccountAlreadyConnected(Exception):
    """Another product of this account is connected. Offer to add this one."""

    def __init__(self, connection_id: UUID) -> None:
        super().__init__(connection_id)
        self.connection_id = connection_id


class AccountConnectedByColleague(Exception):
    """A colleague has connected this account. Say so without naming the colleague."""


class DisconnectInProgress(Exception):
    """The provider is revoking the account's grant. Offer to try again."""


class AttemptObsolete(Exception):
    """Attempt, connection or membership ended before the callback. Show the current state."""


OUTCOMES: dict[type[Exception], AttemptOutcome] = {
    ConsentDenied: AttemptOutcome.DENIED,
    AdminConsentRefused: AttemptOutcome.ADMIN_BLOCKED,
    WrongIssuer: AttemptOutcome.WRONG_ISSUER,
    MalformedCallback: AttemptOutcome.MALFORMED,
    ProviderRefused: AttemptOutcome.REJECTED_BY_PROVIDER,
    WrongAccount: AttemptOutcome.WRONG_ACCOUNT,
    AccountAlreadyConnected: AttemptOutcome.LIVES_ALREADY,
    AccountConnectedByColleague: AttemptOutcome.CONNECTED_BY_OTHER,
    DisconnectInProgress: AttemptOutcome.STILL_ENDING,
    AttemptObsolete: AttemptOutcome.OVERTAKEN,
    consents.DeclarationOutdated: AttemptOutcome.DISCLOSURE_OUTDATED,
    errors.Unavailable: AttemptOutcome.PROVIDER_UNAVAILABLE,
    errors.InvalidClient: AttemptOutcome.APP_MISCONFIGURED,
    errors.CodeRejected: AttemptOutcome.CODE_REJECTED,
    errors.IssuerMismatch: AttemptOutcome.WRONG_ISSUER,
    errors.IdentityRejected: AttemptOutcome.IDENTITY_UNPROVEN,
    errors.AdminBlocked: AttemptOutcome.ADMIN_BLOCKED,
    errors.GrantRevoked: AttemptOutcome.STILL_ENDING,
    errors.ProviderError: AttemptOutcome.FAILED,
}


def get_outcome(error: Exception) -> AttemptOutcome | None:
    """Return None for an unexpected error."""
    return next((OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES), None)


# Values of a callback's `error` (RFC 6749 §4.1.2.1, OpenID Connect, Google's own). After the
# consent page, `consent_required` means that the person's own consent is not enough.
_ADMIN_ERRORS = frozenset({"admin_policy_enforced", "org_internal", "consent_required"})
_TEMPORARY_ERRORS = frozenset({"temporarily_unavailable", "server_error", "rate_limit_exceeded"})
_REGISTRATION_ERRORS = frozenset(
    {
        "invalid_client",
        "deleted_client",
        "disabled_client",
        "unauthorized_client",
        "redirect_uri_mismatch",
    }
)


def from_callback_error(error: str) -> Exception:
    if error == "access_denied":
        return ConsentDenied()
    if error in _ADMIN_ERRORS:
        return AdminConsentRefused()
    if error in _TEMPORARY_ERRORS:
        return errors.Unavailable("the provider says later", reason=error)
    if error in _REGISTRATION_ERRORS:
        return errors.InvalidClient("our registration is refused", reason=error)
    return ProviderRefused()
