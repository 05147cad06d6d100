"""Control functions for Pub/Sub subscriptions and sent notifications."""

from dataclasses import asdict
from typing import Any

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.channels import PubSubSubscription
from integrations.sandbox.control.errors import Misuse, require_text
from integrations.sandbox.state import SandboxState

Values = dict[str, Any]
ACCOUNT = "gmail-push@sandbox-project.iam.gserviceaccount.com"


def add_subscription(state: SandboxState, values: Values) -> Values:
    """{topic, endpoint, name?, audience? (the endpoint), account?}"""
    topic, endpoint = require_text(values, "topic"), require_text(values, "endpoint")
    name = values.get("name") or topic.replace("/topics/", "/subscriptions/")
    state.subscriptions[name] = PubSubSubscription(
        name=name,
        topic=topic,
        endpoint=endpoint,
        audience=values.get("audience") or endpoint,
        account=values.get("account") or ACCOUNT,
    )
    return {"name": name}


def publish_message(state: SandboxState, values: Values) -> Values:
    """{name, data: {emailAddress, historyId}}"""
    subscription = state.subscriptions.get(require_text(values, "name"))
    if subscription is None:
        raise Misuse("no such subscription")
    state.pushes.publish_message(subscription, dict(values.get("data", {})))
    return {}


def show_pushes(state: SandboxState, _: Values) -> Values:
    pushes = state.pushes
    return {
        "waiting": len(pushes.queue) + pushes.sending_count,
        "sent": [asdict(sent_push) for sent_push in pushes.sent],
        "channels": [
            {"id": channel.id, "resource": channel.resource, "until": channel.expires_at}
            for channel in state.channels.values()
        ],
        "topics": {
            account.email: topic
            for account in state.accounts.list_all()
            if (topic := _get_topic(state, account))
        },
    }


def _get_topic(state: SandboxState, account: SandboxAccount) -> str:
    watch = account.mailbox.watch if account.mailbox else None
    if watch is None or float(str(watch["until"])) <= state.clock.now():
        return ""
    return str(watch["topic"])
