"""Providers' addresses, our registration and our limits, from the settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from django.conf import settings

from integrations.providers.oauth_client import OAuthEndpoints
from integrations.providers.provider_definition import Provider


def get_provider_endpoints(provider: str) -> OAuthEndpoints:
    configured = _get_settings(provider)
    return OAuthEndpoints(
        **{field.name: getattr(configured, field.name) for field in fields(OAuthEndpoints)}
    )


def is_provider_registered(provider: str) -> bool:
    """Return whether the settings have a client id; without one, the provider is off."""
    return bool(_get_settings(provider).client_id)


def _get_settings(provider: str) -> Any:
    # `settings.GOOGLE` or `settings.MICROSOFT`: a `ProviderSettings` of `config.provider_settings`.
    return getattr(settings, provider.upper())


@dataclass(frozen=True, slots=True)
class RateSettings:
    """
    :param units_per_minute: quota units; 0: no limit
    :param concurrency: calls in flight
    :param minutes: the provider's counting window
    """

    units_per_minute: int
    concurrency: int
    minutes: int = 1


def get_mailbox_rate_settings(provider: Provider) -> RateSettings:
    """Read settings such as `GMAIL_CONCURRENCY`."""
    return RateSettings(
        units_per_minute=getattr(settings, f"{provider.rate_setting_prefix}_UNITS_PER_MINUTE"),
        concurrency=getattr(settings, f"{provider.rate_setting_prefix}_CONCURRENCY"),
        minutes=provider.rate_window_minutes,
    )


def redirect_uri(provider: str) -> str:
    """Each provider has its own URI, against mix-up attacks."""
    return f"{settings.PUBLIC_URL}/connect/{provider}/callback"


def folder_redirect_uri(provider: str) -> str:
    """Return where the provider's page for choosing a folder returns to."""
    return f"{settings.PUBLIC_URL}/drive/{provider}/folder"


def admin_consent_url(provider: str) -> str:
    """Return an empty string if the provider has no such page."""
    return str(_get_settings(provider).admin_consent_url)


def admin_consent_redirect_uri() -> str:
    """All providers share this URI, which receives no code."""
    return f"{settings.PUBLIC_URL}/connect/administrator"


@dataclass(frozen=True, slots=True)
class _PushNames:
    """
    :param webhook_flag: the setting that enables calls of our webhook
    :param publishes: to our Pub/Sub topic
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
    A mechanism with empty fields is off.

    :param pubsub_account: calls us for the topic
    :param pubsub_audience: of its tokens
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
