"""What an operator must be told about a provider: once a day, whoever met it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts import alarms
from integrations.providers import errors

# About no row in particular: our registration at the provider.
REGISTRATION = UUID(int=0)

INVALID_CLIENT = "provider.invalid_client"
UNEXPECTED = "provider.unexpected"
# A connect met an error that no outcome stands for.
CONNECT_FAILED = "connect.failed"
# It tells nobody of any news, although it said that it would.
PUSH_SILENT = "provider.push_silent"
# It could not validate our address for notifications, several times in a row.
WEBHOOK_REJECTED = "provider.webhook_rejected"
# Its callback did not name it, although the settings require that (RFC 9207).
ISSUER_MISSING = "provider.issuer_missing"
CONSENT_SCREEN_IN_TESTING = "provider.consent_screen_in_testing"


def alert_on_error(error: errors.ProviderError, *, provider: str, at: datetime) -> None:
    """Alarm the operator, if `error` is for the operator; a user's grant is not touched by it."""
    if isinstance(error, errors.InvalidClient):
        raise_alert(INVALID_CLIENT, provider=provider, at=at)
    elif isinstance(error, errors.Unexpected):
        raise_alert(UNEXPECTED, provider=provider, at=at)


def raise_alert(kind: str, *, provider: str, at: datetime, once: bool = False) -> bool:
    """
    Raise an alarm about a provider; return whether it is a new one.

    :param once: not again until somebody settles it, rather than once a day
    """
    window = provider if once else f"{provider}/{at:%Y-%m-%d}"
    return alarms.raise_alarm(
        kind=kind, about=REGISTRATION, window=window, body={"provider": provider}, at=at
    )
