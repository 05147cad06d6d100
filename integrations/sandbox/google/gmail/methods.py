"""Which handler plays which method of the discovery document."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.google.gmail import history, labels, messages, sending, threads
from integrations.sandbox.google.gmail.ask import Ask

Handler = Callable[[Ask], Any]

HANDLERS: dict[str, Handler] = {
    f"gmail.users.{name}": handler
    for name, handler in {
        "getProfile": messages.profile,
        "watch": history.watch,
        "stop": history.stop,
        "history.list": history.list_,
        "messages.list": messages.list_,
        "messages.get": messages.get,
        "messages.send": sending.send,
        "messages.modify": messages.modify,
        "messages.trash": messages.trash,
        "messages.untrash": messages.untrash,
        "messages.delete": messages.delete,
        "messages.batchModify": messages.batch_modify,
        "messages.batchDelete": messages.batch_delete,
        "messages.insert": messages.insert,
        "messages.import": messages.insert,
        "messages.attachments.get": messages.attachment,
        "threads.list": threads.list_,
        "threads.get": threads.get,
        "threads.modify": threads.modify,
        "threads.trash": threads.trash,
        "threads.untrash": threads.untrash,
        "threads.delete": threads.delete,
        "labels.list": labels.list_,
        "labels.get": labels.get,
        "labels.create": labels.create,
        "labels.update": labels.update,
        "labels.patch": labels.update,
        "labels.delete": labels.delete,
        "drafts.list": sending.list_,
        "drafts.get": sending.get,
        "drafts.create": sending.create,
        "drafts.update": sending.update,
        "drafts.delete": sending.delete,
        "drafts.send": sending.send_draft,
    }.items()
}
