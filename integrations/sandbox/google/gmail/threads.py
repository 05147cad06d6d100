"""users.threads."""

from typing import Any

from integrations.sandbox.google.gmail import message_lists
from integrations.sandbox.google.gmail.messages import describe_briefly, read_format
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.mail.entry import MailboxEntry, format_id


def list_threads(request: GmailRequest) -> dict[str, Any]:
    return message_lists.list_threads(request)


def get_thread(request: GmailRequest) -> bytes:
    format_name, header_names = read_format(request)
    entries = request.find_thread(request.path["id"])
    newest = max(entry.history_id for entry in entries)
    messages = b",".join(
        request.rendering_cache.render_json(entry, format_name, header_names)
        for entry in entries
        if not request.omissions.hides_from_get(entry.id)
    )
    thread_id = format_id(entries[0].thread_id).encode()
    return b'{"id":"%s","historyId":"%d","messages":[%s]}' % (thread_id, newest, messages)


def _describe_thread(entries: list[MailboxEntry]) -> dict[str, Any]:
    return {
        "id": format_id(entries[0].thread_id),
        "messages": [describe_briefly(entry) for entry in entries],
    }


def modify_thread(request: GmailRequest) -> dict[str, Any]:
    body = request.read_json()
    add, remove = (
        request.read_labels("addLabelIds", body),
        request.read_labels("removeLabelIds", body),
    )
    entries = request.find_thread(request.path["id"])
    for entry in entries:
        request.mailbox.relabel(entry, add=add, remove=remove)
    return _describe_thread(entries)


def trash_thread(request: GmailRequest) -> dict[str, Any]:
    entries = request.find_thread(request.path["id"])
    for entry in entries:
        request.mailbox.trash_message(entry)
    return _describe_thread(entries)


def untrash_thread(request: GmailRequest) -> dict[str, Any]:
    entries = request.find_thread(request.path["id"])
    for entry in entries:
        request.mailbox.relabel(entry, remove=["TRASH"])
    return _describe_thread(entries)


def delete_thread(request: GmailRequest) -> None:
    for entry in request.find_thread(request.path["id"]):
        request.mailbox.delete_message(entry)
