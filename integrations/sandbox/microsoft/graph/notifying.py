"""What is sent to subscriptions: changes, and what becomes of the subscription itself."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import orjson

from integrations.sandbox.microsoft.graph.subscriptions import Subscription, living, stamp

if TYPE_CHECKING:
    from integrations.sandbox.mail.entry import Change
    from integrations.sandbox.microsoft.accounts import Account
    from integrations.sandbox.world import World

KINDS = {"messagesAdded": "created", "messagesDeleted": "deleted"}
LIFECYCLE = ("reauthorizationRequired", "subscriptionRemoved", "missed")


def mail_changed(world: World, account: Account, change: Change) -> None:
    outlook = account.outlook
    if outlook is None:
        return
    kind = KINDS.get(change.kind, "updated")
    labels = {outlook.label_of(change.labels), outlook.label_of(outlook.before(change))}
    for one in living(world):
        if one.oid != account.oid or kind not in one.change_types.split(","):
            continue
        folder = one.resource.lower().removesuffix("/messages").rpartition("/mailfolders")[2]
        wanted = outlook.folder(folder.strip("/()'")) if folder.strip("/()'") != "me" else None
        whole = one.resource.lower().endswith("me/messages")
        if whole or (wanted and wanted.label in labels):
            item = outlook.id_of(change.message_id, immutable=one.immutable)
            _send(world, one, kind, "Messages", "#Microsoft.Graph.Message", item)


def calendar_changed(world: World, account: Account, event: dict[str, Any]) -> None:
    from integrations.sandbox.microsoft.calendar import shapes

    is_new = event["created"] == event["updated"]
    kind = "deleted" if event["status"] == "cancelled" else "created" if is_new else "updated"
    for one in living(world):
        wants = one.resource.lower().endswith("/events") and kind in one.change_types.split(",")
        if one.oid == account.oid and wants:
            item = shapes.id_of(event["id"], immutable=one.immutable)
            _send(world, one, kind, "Events", "#Microsoft.Graph.Event", item)


def _base(one: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": one.id,
        "subscriptionExpirationDateTime": stamp(one.until),
        "clientState": one.state or None,
        "tenantId": one.tid,
    }


def _send(  # noqa: PLR0913, PLR0917 - the fields of a notification
    world: World, one: Subscription, kind: str, name: str, type_: str, item: str
) -> None:
    resource = f"Users/{one.oid}/{name}/{item}"
    etag = f'W/"{secrets.token_urlsafe(12)}"'
    data = {"@odata.type": type_, "@odata.id": resource, "@odata.etag": etag, "id": item}
    value = _base(one) | {"changeType": kind, "resource": resource, "resourceData": data}
    body = orjson.dumps({"value": [value]})
    world.pushes.post(one.url, body, f"graph {one.id} {kind}", proof=one.state)


def lifecycle(world: World, one: Subscription, event: str) -> bool:
    """Whether anybody is told: only who gave an address for it when it was made."""
    if event == "subscriptionRemoved":
        world.microsoft.subscriptions.pop(one.id, None)
    if not one.lifecycle_url:
        return False
    body = orjson.dumps({"value": [_base(one) | {"lifecycleEvent": event}]})
    world.pushes.post(one.lifecycle_url, body, f"graph {one.id} {event}", proof=one.state)
    return True
