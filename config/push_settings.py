"""
Settings of push notifications. Without them no provider notifies this service, and it polls.

Gmail publishes to a Pub/Sub topic; its subscription calls this service with a token of our
service account. Google Calendar uses channels, one per calendar; Microsoft uses subscriptions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from config.address_checks import is_https_url
from config.environment import Environment

_TOPIC: Final = re.compile(r"projects/[a-z0-9.:-]+/topics/[A-Za-z][A-Za-z0-9._~%+-]{2,254}")
# The route in `integrations.push.webhooks`.
PUBSUB_PATH: Final = "/webhooks/google/pubsub"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """
    Push notifications of the providers.

    :param webhook_url: address of this service for providers
    :param pubsub_topic: topic that Gmail publishes to; empty: Gmail is polled
    :param pubsub_account: e-mail of the service account of the topic's subscription
    :param pubsub_audience: audience of that account's tokens
    :param calendar_channels: whether to open channels at Google Calendar
    :param graph_subscriptions: whether to open subscriptions at Microsoft
    """

    webhook_url: str
    pubsub_topic: str
    pubsub_account: str
    pubsub_audience: str
    calendar_channels: bool
    graph_subscriptions: bool


def read_push_settings(
    env: Environment, *, production: bool, public_url: str, hosts: list[str]
) -> PushSettings:
    """
    Read the settings of push notifications.

    :param hosts: host names of this service
    """
    configured_url = env.read_text("WEBHOOK_URL").rstrip("/")
    url = configured_url or public_url
    topic, account = env.read_text("GOOGLE_PUBSUB_TOPIC"), env.read_text("GOOGLE_PUSH_ACCOUNT")
    if topic and not _TOPIC.fullmatch(topic):
        env.add_problem("GOOGLE_PUBSUB_TOPIC must be projects/PROJECT/topics/TOPIC")
    if bool(topic) != bool(account):
        env.add_problem("GOOGLE_PUBSUB_TOPIC and GOOGLE_PUSH_ACCOUNT must be set together")
    if account and "@" not in account:
        env.add_problem(
            "GOOGLE_PUSH_ACCOUNT must be the email address of the subscription's service account"
        )
    configured_audience = env.read_text("GOOGLE_PUSH_AUDIENCE")
    if production and configured_audience and not is_https_url(configured_audience):
        env.add_problem("GOOGLE_PUSH_AUDIENCE must be an https:// address")
    # `config.settings` checks PUBLIC_URL itself.
    if production and configured_url:
        _check_url(env, configured_url, hosts)
    return PushSettings(
        webhook_url=url,
        pubsub_topic=topic,
        pubsub_account=account,
        pubsub_audience=configured_audience or url + PUBSUB_PATH,
        # Off in development: providers call https addresses only; an emulator calls others too.
        calendar_channels=env.read_flag("GOOGLE_CALENDAR_CHANNELS", default=production),
        graph_subscriptions=env.read_flag("MICROSOFT_SUBSCRIPTIONS", default=production),
    )


def _check_url(env: Environment, url: str, hosts: list[str]) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_plain = parts.scheme == "https" and parts.username is None and not parts.query
    except ValueError:
        host, is_plain = "", False
    if not host or not is_plain:
        env.add_problem("WEBHOOK_URL must be an https:// address")
    elif not any(host == name or (name[0] == "." and host.endswith(name)) for name in hosts):
        env.add_problem("the host of WEBHOOK_URL must be in ALLOWED_HOSTS")
