"""
Where providers tell us of news, and who may: without these settings nobody does, and we ask.

Gmail publishes to a topic of Pub/Sub, whose subscription calls us with a token of a service account
of ours; Calendar calls us by channels, one for each calendar; Microsoft by subscriptions.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from config.addresses import is_https_url
from config.env import Environment

_TOPIC: Final = re.compile(r"projects/[a-z0-9.:-]+/topics/[A-Za-z][A-Za-z0-9._~%+-]{2,254}")
# Of `integrations.webhooks`.
PUBSUB_PATH: Final = "/webhooks/google/pubsub"


def pushes(env: Environment, *, production: bool, public_url: str, hosts: list[str]) -> Any:
    """
    Return the settings of push.

    :param hosts: that we answer to
    """
    given = env.text("WEBHOOK_URL").rstrip("/")
    url = given or public_url
    topic, account = env.text("GOOGLE_PUBSUB_TOPIC"), env.text("GOOGLE_PUSH_ACCOUNT")
    if topic and not _TOPIC.fullmatch(topic):
        env.problem("GOOGLE_PUBSUB_TOPIC must be projects/PROJECT/topics/TOPIC")
    if bool(topic) != bool(account):
        env.problem("GOOGLE_PUBSUB_TOPIC and GOOGLE_PUSH_ACCOUNT are set together, or neither is")
    if account and "@" not in account:
        env.problem("GOOGLE_PUSH_ACCOUNT must be the e-mail of the subscription's service account")
    given_audience = env.text("GOOGLE_PUSH_AUDIENCE")
    if production and given_audience and not is_https_url(given_audience):
        env.problem("GOOGLE_PUSH_AUDIENCE must be an https:// address")
    # The public address is checked where it is read.
    if production and given:
        _check_url(env, given, hosts)
    return {
        "WEBHOOK_URL": url,
        "GOOGLE_PUBSUB_TOPIC": topic,
        "GOOGLE_PUSH_ACCOUNT": account,
        "GOOGLE_PUSH_AUDIENCE": given_audience or url + PUBSUB_PATH,
        # They call https addresses alone; an emulator others as well.
        "GOOGLE_CALENDAR_CHANNELS": env.flag("GOOGLE_CALENDAR_CHANNELS", default=production),
        "MICROSOFT_SUBSCRIPTIONS": env.flag("MICROSOFT_SUBSCRIPTIONS", default=production),
    }


def _check_url(env: Environment, url: str, hosts: list[str]) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_plain = parts.scheme == "https" and parts.username is None and not parts.query
    except ValueError:
        host, is_plain = "", False
    if not host or not is_plain:
        env.problem("WEBHOOK_URL must be an https:// address")
    elif not any(host == one or (one.startswith(".") and host.endswith(one)) for one in hosts):
        env.problem("WEBHOOK_URL names a host that ALLOWED_HOSTS lacks")
