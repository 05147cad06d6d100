"""users.labels."""

from typing import Any

from integrations.sandbox.google import api_problems
from integrations.sandbox.google.gmail import problems
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.mail.entry import MailLabel

MAX_LABELS = 10_000
COLOURS = ("textColor", "backgroundColor")


def list_labels(request: GmailRequest) -> dict[str, Any]:
    return {"labels": [label.as_dict() for label in request.mailbox.labels.values()]}


def _find_label(request: GmailRequest) -> MailLabel:
    label = request.mailbox.labels.get(request.path["id"])
    if label is None:
        raise problems.not_found()
    return label


def get_label(request: GmailRequest) -> dict[str, Any]:
    label = _find_label(request)
    entries = [entry for entry in request.mailbox.entries.values() if label.id in entry.labels]
    unread = [entry for entry in entries if "UNREAD" in entry.labels]
    return label.as_dict() | {
        "messagesTotal": len(entries),
        "messagesUnread": len(unread),
        "threadsTotal": len({entry.thread_id for entry in entries}),
        "threadsUnread": len({entry.thread_id for entry in unread}),
    }


def _read_name(request: GmailRequest, body: dict[str, Any], current: MailLabel | None) -> str:
    """:raises HttpProblem: empty, or used by another label"""
    name = str(body.get("name", "")).strip()
    if not name:
        raise api_problems.invalid_argument("Label name is required")
    taken_names = {
        label.name.lower() for label in request.mailbox.labels.values() if label is not current
    }
    if name.lower() in taken_names:
        raise problems.label_exists()
    return name


def create_label(request: GmailRequest) -> dict[str, Any]:
    body = request.read_json()
    label = request.mailbox.create_label(_read_name(request, body, None))
    _apply_fields(label, body)
    return label.as_dict()


def _apply_fields(label: MailLabel, body: dict[str, Any]) -> None:
    label.message_visibility = body.get("messageListVisibility", label.message_visibility)
    label.list_visibility = body.get("labelListVisibility", label.list_visibility)
    if colour := body.get("color"):
        label.color = {name: colour[name] for name in COLOURS if name in colour}


def _find_user_label(request: GmailRequest) -> MailLabel:
    label = _find_label(request)
    if label.system:
        raise api_problems.invalid_argument("Invalid delete request")
    return label


def update_label(request: GmailRequest) -> dict[str, Any]:
    body, label = request.read_json(), _find_user_label(request)
    if "name" in body or request.method.http_method == "PUT":
        label.name = _read_name(request, body, label)
    _apply_fields(label, body)
    return label.as_dict()


def delete_label(request: GmailRequest) -> None:
    request.mailbox.delete_label(_find_user_label(request))
