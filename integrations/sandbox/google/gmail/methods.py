"""Handlers by method of the discovery document."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.google.gmail import (
    drafts,
    history,
    labels,
    messages,
    send_as,
    sending,
    threads,
)
from integrations.sandbox.google.gmail.request import GmailRequest

Handler = Callable[[GmailRequest], Any]

HANDLERS: dict[str, Handler] = {
    f"gmail.users.{name}": handler
    for name, handler in {
        "getProfile": messages.get_profile,
        "watch": history.watch_mailbox,
        "stop": history.stop_watch,
        "history.list": history.list_history,
        "messages.list": messages.list_messages,
        "messages.get": messages.get_message,
        "messages.send": sending.send_message,
        "messages.modify": messages.modify_labels,
        "messages.trash": messages.trash_message,
        "messages.untrash": messages.untrash_message,
        "messages.delete": messages.delete_message,
        "messages.batchModify": messages.batch_modify,
        "messages.batchDelete": messages.batch_delete,
        "messages.insert": messages.insert_message,
        "messages.import": messages.insert_message,
        "messages.attachments.get": messages.get_attachment,
        "threads.list": threads.list_threads,
        "threads.get": threads.get_thread,
        "threads.modify": threads.modify_thread,
        "threads.trash": threads.trash_thread,
        "threads.untrash": threads.untrash_thread,
        "threads.delete": threads.delete_thread,
        "labels.list": labels.list_labels,
        "labels.get": labels.get_label,
        "labels.create": labels.create_label,
        "labels.update": labels.update_label,
        "labels.patch": labels.update_label,
        "labels.delete": labels.delete_label,
        "drafts.list": drafts.list_drafts,
        "drafts.get": drafts.get_draft,
        "drafts.create": drafts.create_draft,
        "drafts.update": drafts.update_draft,
        "drafts.delete": drafts.delete_draft,
        "drafts.send": sending.send_draft,
        "settings.sendAs.list": send_as.list_send_as,
        "settings.sendAs.get": send_as.get_send_as,
        "settings.sendAs.update": send_as.update_send_as,
        "settings.sendAs.patch": send_as.update_send_as,
    }.items()
}
