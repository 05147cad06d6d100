"""Alarms for the operator about a provider: once a day each, or once a person."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts import alarms
from integrations.providers import errors

# The alarm is about our registration at the provider, not a row.
REGISTRATION = UUID(int=0)

INVALID_CLIENT = "provider.invalid_client"
UNEXPECTED = "provider.unexpected"
# A connect failed with an unexpected error.
CONNECT_FAILED = "connect.failed"
# It sends no notifications, although its watches are active.
PUSH_SILENT = "provider.push_silent"
# It failed to validate our webhook address several times in a row.
WEBHOOK_REJECTED = "provider.webhook_rejected"
# Its callback lacks `iss`, although the settings require it (RFC 9207).
ISSUER_MISSING = "provider.issuer_missing"
CONSENT_SCREEN_IN_TESTING = "provider.consent_screen_in_testing"


def alert_on_error(error: errors.ProviderError, *, provider: str, at: datetime) -> None:
    """The grant stays untouched."""
    if isinstance(error, errors.InvalidClient):
        raise_alert(INVALID_CLIENT, provider=provider, at=at)
    elif isinstance(error, errors.Unexpected):
        raise_alert(UNEXPECTED, provider=provider, at=at)


def raise_alert(
    kind: str, *, provider: str, at: datetime, once: bool = False, about: UUID = REGISTRATION
) -> None:
    """
    :param once: once until it is settled, instead of once a day
    :param about: the person who causes it, if only they do
    """
    window = provider if once else f"{provider}/{at:%Y-%m-%d}"
    alarms.raise_alarm(kind=kind, about=about, window=window, body={"provider": provider}, at=at)
