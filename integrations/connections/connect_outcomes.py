"""Why a connect came to nothing, and which outcome stands for it: one table."""

from __future__ import annotations

from uuid import UUID

from integrations.models import AttemptOutcome
from integrations.providers import errors
from limited_use.agreements import consents


class ConsentDenied(Exception):
    """They said no at the provider. Say that nothing happened, and offer to start again."""


class AdminConsentRefused(Exception):
    """Their administrator does not allow it. Say whom to ask."""


class WrongIssuer(Exception):
    """The answer names another issuer than the provider that was asked. Nothing was read."""


class MissingIssuer(WrongIssuer):
    """The answer names no issuer, though one is required. Alarm the operator; nothing was read."""


class MalformedCallback(Exception):
    """The answer has a parameter twice, or nothing to go on with. Nothing was read."""


class ProviderRefused(Exception):
    """The provider refused, for a reason that is neither theirs nor ours to mend. Start again."""


class WrongAccount(Exception):
    """Another account than the one to reconnect. Offer both: this one anew, or the right one."""


class AccountAlreadyConnected(Exception):
    """
    Something else of this account is connected. Offer to add this to it.

    :param connection_id: what it is to be added to
    """

    def __init__(self, connection_id: UUID) -> None:
        super().__init__(connection_id)
        self.connection_id = connection_id


class AccountConnectedByColleague(Exception):
    """A colleague has connected this account. Say so, without saying who."""


class DisconnectInProgress(Exception):
    """The account is being disconnected at the provider right now. Offer to try again."""


class AttemptObsolete(Exception):
    """What was to be connected, or to whom, ended meanwhile. Show what there is."""


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
    """Return the outcome that stands for `error`, or None for what nobody foresaw."""
    return next((OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES), None)


# The `error` of a callback (RFC 6749 §4.1.2.1, OpenID Connect's, and Google's own). Of somebody who
# was shown the page, `consent_required` says that their own consent is not enough.
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
    """Return what the `error` parameter of a callback stands for."""
    if error == "access_denied":
        return ConsentDenied()
    if error in _ADMIN_ERRORS:
        return AdminConsentRefused()
    if error in _TEMPORARY_ERRORS:
        return errors.Unavailable("the provider says later", reason=error)
    if error in _REGISTRATION_ERRORS:
        return errors.InvalidClient("our registration is refused", reason=error)
    return ProviderRefused()
