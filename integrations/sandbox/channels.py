"""Where notifications go: web hook channels, and subscriptions to topics of Pub/Sub."""

from dataclasses import dataclass


@dataclass
class Channel:
    """`until` in seconds since the epoch; `number` is that of the last message."""

    id: str
    resource: str
    resource_id: str
    resource_uri: str
    address: str
    token: str
    owner: str
    client_id: str
    until: float
    number: int = 0


@dataclass
class Subscription:
    """Pushes what is published to `topic`, with a token for `audience` that names `account`."""

    name: str
    topic: str
    endpoint: str
    audience: str
    account: str
