"""users.labels."""

from typing import Any

from integrations.sandbox.google import problems
from integrations.sandbox.google.gmail.ask import Ask
from integrations.sandbox.mail.entry import Label

MAX_LABELS = 10_000
COLOURS = ("textColor", "backgroundColor")


def list_(ask: Ask) -> dict[str, Any]:
    return {"labels": [label.as_dict() for label in ask.box.labels.values()]}


def _label(ask: Ask) -> Label:
    label = ask.box.labels.get(ask.path["id"])
    if label is None:
        raise problems.not_found()
    return label


def get(ask: Ask) -> dict[str, Any]:
    label = _label(ask)
    mine = [entry for entry in ask.box.entries.values() if label.id in entry.labels]
    unread = [entry for entry in mine if "UNREAD" in entry.labels]
    return label.as_dict() | {
        "messagesTotal": len(mine),
        "messagesUnread": len(unread),
        "threadsTotal": len({entry.thread_id for entry in mine}),
        "threadsUnread": len({entry.thread_id for entry in unread}),
    }


def _name(ask: Ask, body: dict[str, Any], current: Label | None) -> str:
    """:raises Problem: empty, or already someone else's"""
    name = str(body.get("name", "")).strip()
    if not name:
        raise problems.invalid_argument("Label name is required")
    taken = {label.name.lower() for label in ask.box.labels.values() if label is not current}
    if name.lower() in taken:
        raise problems.label_exists()
    return name


def create(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    label = ask.box.create_label(_name(ask, body, None))
    _apply(label, body)
    return label.as_dict()


def _apply(label: Label, body: dict[str, Any]) -> None:
    label.message_visibility = body.get("messageListVisibility", label.message_visibility)
    label.list_visibility = body.get("labelListVisibility", label.list_visibility)
    if colour := body.get("color"):
        label.color = {name: colour[name] for name in COLOURS if name in colour}


def _own(ask: Ask) -> Label:
    label = _label(ask)
    if label.system:
        raise problems.invalid_argument("Invalid delete request")
    return label


def update(ask: Ask) -> dict[str, Any]:
    """PUT and PATCH; PATCH may leave the name out."""
    body, label = ask.json(), _own(ask)
    if "name" in body or ask.method.http_method == "PUT":
        label.name = _name(ask, body, label)
    _apply(label, body)
    return label.as_dict()


def delete(ask: Ask) -> None:
    ask.box.delete_label(_own(ask))
