"""Notifications to subscriptions: changes and lifecycle events."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import orjson

from integrations.sandbox.microsoft.graph.subscriptions import (
    GraphSubscription,
    format_timestamp,
    list_live,
)

if TYPE_CHECKING:
    from integrations.sandbox.mail.entry import HistoryRecord
    from integrations.sandbox.microsoft.accounts import MicrosoftAccount
    from integrations.sandbox.state import SandboxState

KINDS = {"messagesAdded": "created", "messagesDeleted": "deleted"}
LIFECYCLE_EVENTS = ("reauthorizationRequired", "subscriptionRemoved", "missed")


def notify_mail_changed(
    state: SandboxState, account: MicrosoftAccount, change: HistoryRecord
) -> None:
    outlook = account.outlook
    if outlook is None:
        return
    kind = KINDS.get(change.kind, "updated")
    labels = {
        outlook.get_folder_label(change.labels),
        outlook.get_folder_label(outlook.get_labels_before(change)),
    }
    for subscription in list_live(state):
        if subscription.oid != account.oid or kind not in subscription.change_types.split(","):
            continue
        folder_name = (
            subscription.resource.lower().removesuffix("/messages").rpartition("/mailfolders")[2]
        )
        folder = (
            outlook.find_folder(folder_name.strip("/()'"))
            if folder_name.strip("/()'") != "me"
            else None
        )
        is_mailbox_wide = subscription.resource.lower().endswith("me/messages")
        if is_mailbox_wide or (folder and folder.label in labels):
            item = outlook.make_id(change.message_id, immutable=subscription.wants_immutable_ids)
            _send_change(state, subscription, kind, "Messages", "#Microsoft.Graph.Message", item)


def notify_calendar_changed(
    state: SandboxState, account: MicrosoftAccount, event: dict[str, Any]
) -> None:
    from integrations.sandbox.microsoft.calendar import event_format

    is_new = event["created"] == event["updated"]
    kind = "deleted" if event["status"] == "cancelled" else "created" if is_new else "updated"
    for subscription in list_live(state):
        is_subscribed = subscription.resource.lower().endswith(
            "/events"
        ) and kind in subscription.change_types.split(",")
        if subscription.oid == account.oid and is_subscribed:
            item = event_format.make_event_id(
                event["id"], immutable=subscription.wants_immutable_ids
            )
            _send_change(state, subscription, kind, "Events", "#Microsoft.Graph.Event", item)


def _make_base(subscription: GraphSubscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": format_timestamp(subscription.expires_at),
        "clientState": subscription.client_state or None,
        "tenantId": subscription.tid,
    }


def _send_change(  # noqa: PLR0913, PLR0917 - the fields of a notification
    state: SandboxState,
    subscription: GraphSubscription,
    kind: str,
    name: str,
    type_: str,
    item: str,
) -> None:
    resource = f"Users/{subscription.oid}/{name}/{item}"
    etag = f'W/"{secrets.token_urlsafe(12)}"'
    data = {"@odata.type": type_, "@odata.id": resource, "@odata.etag": etag, "id": item}
    value = _make_base(subscription) | {
        "changeType": kind,
        "resource": resource,
        "resourceData": data,
    }
    body = orjson.dumps({"value": [value]})
    state.pushes.post_json(
        subscription.url, body, f"graph {subscription.id} {kind}", proof=subscription.client_state
    )


def send_lifecycle_event(state: SandboxState, subscription: GraphSubscription, event: str) -> bool:
    """Only subscriptions with a lifecycle address receive it."""
    if event == "subscriptionRemoved":
        state.microsoft.subscriptions.pop(subscription.id, None)
    if not subscription.lifecycle_url:
        return False
    body = orjson.dumps({"value": [_make_base(subscription) | {"lifecycleEvent": event}]})
    state.pushes.post_json(
        subscription.lifecycle_url,
        body,
        f"graph {subscription.id} {event}",
        proof=subscription.client_state,
    )
    return True
