from dataclasses import dataclass


@dataclass
class WatchChannel:
    """`expires_at` in seconds since the epoch; `number` of the last message."""

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
    name: str
    topic: str
    endpoint: str
    audience: str
    account: str
