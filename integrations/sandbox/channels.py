"""Targets of notifications: web hook channels, and subscriptions to Pub/Sub topics."""

from dataclasses import dataclass


@dataclass
class WatchChannel:
    """`expires_at` is in seconds since the epoch; `number` is the number of the last message."""

    id: str
    resource: str
    resource_id: str
    resource_uri: str
    address: str
    token: str
    owner: str
    client_id: str
    expires_at: float
    number: int = 0


@dataclass
class PubSubSubscription:
    """Pushes messages of `topic` with a token for `audience`."""

    name: str
    topic: str
    endpoint: str
    audience: str
    account: str
