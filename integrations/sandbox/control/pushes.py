"""Subscriptions of Pub/Sub, and what was sent to whom."""

from dataclasses import asdict
from typing import Any

from integrations.sandbox.channels import Subscription
from integrations.sandbox.control.errors import Misuse, text
from integrations.sandbox.people import Person
from integrations.sandbox.world import World

Values = dict[str, Any]
ACCOUNT = "gmail-push@sandbox-project.iam.gserviceaccount.com"


def subscribe(world: World, values: Values) -> Values:
    """{topic, endpoint, name?, audience? (the endpoint), account?}"""
    topic, endpoint = text(values, "topic"), text(values, "endpoint")
    name = values.get("name") or topic.replace("/topics/", "/subscriptions/")
    world.subscriptions[name] = Subscription(
        name=name,
        topic=topic,
        endpoint=endpoint,
        audience=values.get("audience") or endpoint,
        account=values.get("account") or ACCOUNT,
    )
    return {"name": name}


def publish(world: World, values: Values) -> Values:
    """{name, data: {emailAddress, historyId}}: a message that nobody's mailbox caused."""
    found = world.subscriptions.get(text(values, "name"))
    if found is None:
        raise Misuse("no such subscription")
    world.pushes.publish(found, dict(values.get("data", {})))
    return {}


def look(world: World, _: Values) -> Values:
    pushes = world.pushes
    return {
        "waiting": len(pushes.queue) + pushes.under_way,
        "sent": [asdict(one) for one in pushes.sent],
        "channels": [
            {"id": one.id, "resource": one.resource, "until": one.until}
            for one in world.channels.values()
        ],
        "topics": {one.email: topic for one in world.people.all() if (topic := _topic(world, one))},
    }


def _topic(world: World, one: Person) -> str:
    """Where the mailbox's news goes now."""
    watch = one.mailbox.watch if one.mailbox else None
    if watch is None or float(str(watch["until"])) <= world.clock.now():
        return ""
    return str(watch["topic"])
