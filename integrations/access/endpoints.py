"""The addresses of each provider, our registration there, and its limits, from the settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from django.conf import settings

from integrations.providers.oauth import Endpoints
from integrations.providers.provider import Provider


def get_endpoints(provider: str) -> Endpoints:
    """Return the addresses of `provider` and our registration there, from the settings."""
    configured = _get_settings(provider)
    return Endpoints(**{field.name: getattr(configured, field.name) for field in fields(Endpoints)})


def is_registered(provider: str) -> bool:
    """Return whether the settings have our registration at `provider`, without which it is off."""
    return bool(_get_settings(provider).client_id)


def _get_settings(provider: str) -> Any:
    # `settings.GOOGLE` or `settings.MICROSOFT`: a `ProviderSettings` of `config.provider_settings`.
    return getattr(settings, provider.upper())


@dataclass(frozen=True, slots=True)
class RateSettings:
    """
    How fast one mailbox may be read: units of its quota a minute, 0 for no limit, and calls.

    :param minutes: the time over which the provider counts
    """

    units_per_minute: int
    concurrency: int
    minutes: int = 1


def get_rate_settings(provider: Provider) -> RateSettings:
    """Return what the settings say of `provider`'s mailboxes: `GMAIL_CONCURRENCY`, and so on."""
    return RateSettings(
        units_per_minute=getattr(settings, f"{provider.rate_setting_prefix}_UNITS_PER_MINUTE"),
        concurrency=getattr(settings, f"{provider.rate_setting_prefix}_CONCURRENCY"),
        minutes=provider.rate_window_minutes,
    )


def redirect_uri(provider: str) -> str:
    """Return where `provider` sends people back to: an address for it alone (mix-up attacks)."""
    return f"{settings.PUBLIC_URL}/connect/{provider}/callback"


def admin_consent_url(provider: str) -> str:
    """Return where an administrator agrees for everybody; empty where none can."""
    return str(_get_settings(provider).admin_consent_url)


def admin_consent_redirect_uri() -> str:
    """Return where administrators are sent back to, from wherever: what they bring is no code."""
    return f"{settings.PUBLIC_URL}/connect/administrator"


@dataclass(frozen=True, slots=True)
class _PushNames:
    """
    What `settings.PUSH` has of a provider.

    :param webhook_flag: attribute that says whether the provider may call our webhook
    :param publishes: whether the provider publishes to our Pub/Sub topic
    """

    webhook_flag: str
    publishes: bool


_PUSH_NAMES: Final = {
    "google": _PushNames(webhook_flag="calendar_channels", publishes=True),
    "microsoft": _PushNames(webhook_flag="graph_subscriptions", publishes=False),
}


@dataclass(frozen=True, slots=True)
class PushEndpoints:
    """
    How a provider tells us of news; empty where it is not to.

    `topic` is where it publishes, `account` and `audience` say who may call us of that topic, and
    `hook` is the address that channels and subscriptions call.
    """

    topic: str
    pubsub_account: str
    pubsub_audience: str
    webhook_url: str


def get_push_endpoints(provider: str) -> PushEndpoints:
    """Return what the settings say about news from `provider`."""
    push, names = settings.PUSH, _PUSH_NAMES[provider]
    accepts_webhooks = getattr(push, names.webhook_flag)
    return PushEndpoints(
        topic=push.pubsub_topic if names.publishes else "",
        pubsub_account=push.pubsub_account if names.publishes else "",
        pubsub_audience=push.pubsub_audience if names.publishes else "",
        webhook_url=f"{push.webhook_url}/webhooks/{provider}/channel" if accepts_webhooks else "",
    )
