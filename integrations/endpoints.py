"""Where each provider is, from settings: sandbox and the real thing are these addresses apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from integrations.providers.oauth import Endpoints
from integrations.providers.provider import Provider

_PARTS = (
    "issuer",
    "authorize_url",
    "token_url",
    "revoke_url",
    "certs_url",
    "userinfo_url",
    "api_root_url",
    "client_id",
    "client_secret",
    "issuer_required",
)


def endpoints(provider: str) -> Endpoints:
    """Return the addresses and our registration at `provider`: `GOOGLE_TOKEN_URL`, and so on."""
    prefix = provider.upper()
    return Endpoints(**{part: getattr(settings, f"{prefix}_{part.upper()}") for part in _PARTS})


def is_registered(provider: str) -> bool:
    """Return whether the settings say who we are to `provider`: without, nothing is connected."""
    return bool(getattr(settings, f"{provider.upper()}_CLIENT_ID"))


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How fast one mailbox may be read: units of its quota a minute, 0 for no limit, and calls.

    :param minutes: the time over which the provider counts
    """

    units_per_minute: int
    at_once: int
    minutes: int = 1


def pace(provider: Provider) -> Pace:
    """Return what the settings say of `provider`'s mailboxes: `GMAIL_CONCURRENCY`, and so on."""
    return Pace(
        units_per_minute=getattr(settings, f"{provider.pace}_UNITS_PER_MINUTE"),
        at_once=getattr(settings, f"{provider.pace}_CONCURRENCY"),
        minutes=provider.pace_minutes,
    )


def redirect_uri(provider: str) -> str:
    """Return where `provider` sends people back to: an address for it alone (mix-up attacks)."""
    return f"{settings.PUBLIC_URL}/connect/{provider}/callback"


def admin_consent_url(provider: str) -> str:
    """Return where an administrator agrees for everybody; empty where none can."""
    return str(getattr(settings, f"{provider.upper()}_ADMIN_CONSENT_URL", ""))


def approval_uri() -> str:
    """Return where administrators are sent back to, from wherever: what they bring is no code."""
    return f"{settings.PUBLIC_URL}/connect/administrator"


#: Whether a provider is to call us, by the setting that says so.
_HOOKS: Final = {"google": "GOOGLE_CALENDAR_CHANNELS", "microsoft": "MICROSOFT_SUBSCRIPTIONS"}


@dataclass(frozen=True, slots=True)
class News:
    """
    How a provider tells us of news; empty where it is not to.

    `topic` is where it publishes, `account` and `audience` say who may call us of that topic, and
    `hook` is the address that channels and subscriptions call.
    """

    topic: str
    account: str
    audience: str
    hook: str


def news(provider: str) -> News:
    """Return what the settings say about news from `provider`."""
    prefix = provider.upper()
    hook = f"{settings.WEBHOOK_URL}/webhooks/{provider}/channel"
    return News(
        # Of a provider that publishes nowhere there are no such settings.
        topic=getattr(settings, f"{prefix}_PUBSUB_TOPIC", ""),
        account=getattr(settings, f"{prefix}_PUSH_ACCOUNT", ""),
        audience=getattr(settings, f"{prefix}_PUSH_AUDIENCE", ""),
        hook=hook if getattr(settings, _HOOKS[provider]) else "",
    )
