"""
Microsoft's calls to the webhook. Pure.

Only the subscription's client state proves a call: our id and that id's token, repeated in every
item. Source: https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from integrations.providers import errors, storable_values
from integrations.providers.push import SubscriptionNotification, WebhookChannel

#: Characters of a validation token; Microsoft's has about a hundred.
MAX_VALIDATION_TOKEN: Final = 1024
# Microsoft calls the token opaque. It sends a percent-encoded sentence with an id at its end,
# "Validation: Testing client application reachability for subscription Request-Id: …". Allowed are
# letters, digits, spaces, and the signs of sentences, addresses and base64. Refused are signs that
# begin markup, scripts and templates: anyone can make our address repeat a token.
_VALIDATION_TOKEN: Final = re.compile(
    rf"[A-Za-z0-9 .,:;!*()@/|+=_~%-]{{1,{MAX_VALIDATION_TOKEN}}}", re.ASCII
)
# https://learn.microsoft.com/en-us/graph/api/resources/subscription
MAX_STATE: Final = 128
#: Further items of a call are ignored.
MAX_ITEMS: Final = 500
# Lifecycle events that end a subscription, in lower case. `missed` means unknown changes.
_LIFECYCLE_EVENTS: Final = frozenset({"reauthorizationrequired", "subscriptionremoved"})


def build_client_state(channel: WebhookChannel) -> str:
    return f"{channel.channel_id}.{channel.token}"


def check_validation_token(token: str) -> str | None:
    """None if the token is not Microsoft's."""
    return token if _VALIDATION_TOKEN.fullmatch(token) else None


def parse_notifications(body: bytes) -> list[SubscriptionNotification]:
    """:raises Rejected: if the body is malformed"""
    items: Any = None
    with suppress(ValueError, LookupError, TypeError, RecursionError):
        items = json.loads(body)["value"]
    if not isinstance(items, list):
        raise errors.Rejected("the notification cannot be read", reason="unreadable")
    notifications = (_parse_item(item) for item in items[:MAX_ITEMS] if isinstance(item, Mapping))
    # Ten changes at once are ten items.
    return list(
        dict.fromkeys(notification for notification in notifications if notification is not None)
    )


def _parse_item(item: Mapping[str, Any]) -> SubscriptionNotification | None:
    subscription, state = item.get("subscriptionId"), item.get("clientState")
    if not isinstance(subscription, str) or not isinstance(state, str) or len(state) > MAX_STATE:
        return None
    # Ids and states are ours or GUIDs, so both are ASCII.
    if not subscription.isascii() or not state.isascii():
        return None
    channel_id, _, token = state.partition(".")
    event = storable_values.clean_text(item.get("lifecycleEvent")).lower()
    return SubscriptionNotification(
        subscription, channel_id, token, is_lifecycle_event=event in _LIFECYCLE_EVENTS
    )
