"""Addresses of each provider, our registration and our limits there, from the settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from django.conf import settings

from integrations.providers.oauth import Endpoints
from integrations.providers.provider import Provider


def get_endpoints(provider: str) -> Endpoints:
    """Return the provider's addresses and our registration."""
    configured = _get_settings(provider)
    return Endpoints(**{field.name: getattr(configured, field.name) for field in fields(Endpoints)})


def is_registered(provider: str) -> bool:
    """Return whether the settings have a client id for `provider`. Without one it is off."""
    return bool(_get_settings(provider).client_id)


def _get_settings(provider: str) -> Any:
    # `settings.GOOGLE` or `settings.MICROSOFT`: a `ProviderSettings` of `config.provider_settings`.
    return getattr(settings, provider.upper())


@dataclass(frozen=True, slots=True)
class RateSettings:
    """
    How fast one mailbox may be read.

    :param units_per_minute: quota units; 0: no limit
    :param concurrency: calls in flight at once
    :param minutes: the window over which the provider counts
    """

    units_per_minute: int
    concurrency: int
    minutes: int = 1


def get_rate_settings(provider: Provider) -> RateSettings:
    """Return the settings for the provider's mailboxes, such as `GMAIL_CONCURRENCY`."""
    return RateSettings(
        units_per_minute=getattr(settings, f"{provider.rate_setting_prefix}_UNITS_PER_MINUTE"),
        concurrency=getattr(settings, f"{provider.rate_setting_prefix}_CONCURRENCY"),
        minutes=provider.rate_window_minutes,
    )


def redirect_uri(provider: str) -> str:
    """Return the OAuth redirect URI. Each provider has its own, against mix-up attacks."""
    return f"{settings.PUBLIC_URL}/connect/{provider}/callback"


def admin_consent_url(provider: str) -> str:
    """Return the provider's page for an administrator's consent; empty if it has none."""
    return str(_get_settings(provider).admin_consent_url)


def admin_consent_redirect_uri() -> str:
    """Return the redirect URI for administrators of all providers. It receives no code."""
    return f"{settings.PUBLIC_URL}/connect/administrator"


@dataclass(frozen=True, slots=True)
class _PushNames:
    """
    Names of a provider's push settings in `settings.PUSH`.

    :param webhook_flag: the setting that says whether the provider may call our webhook
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
    Where a provider sends notifications. Empty fields: this mechanism is off.

    :param topic: the Pub/Sub topic
    :param pubsub_account: the service account that calls us for the topic
    :param pubsub_audience: the audience of its tokens
    :param webhook_url: the address that channels and subscriptions call
    """

    topic: str
    pubsub_account: str
    pubsub_audience: str
    webhook_url: str


def get_push_endpoints(provider: str) -> PushEndpoints:
    push, names = settings.PUSH, _PUSH_NAMES[provider]
    accepts_webhooks = getattr(push, names.webhook_flag)
    return PushEndpoints(
        topic=push.pubsub_topic if names.publishes else "",
        pubsub_account=push.pubsub_account if names.publishes else "",
        pubsub_audience=push.pubsub_audience if names.publishes else "",
        webhook_url=f"{push.webhook_url}/webhooks/{provider}/channel" if accepts_webhooks else "",
    )
