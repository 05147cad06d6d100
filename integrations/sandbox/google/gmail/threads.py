"""users.threads."""

from typing import Any

from integrations.sandbox.google.gmail import listing
from integrations.sandbox.google.gmail.ask import Ask
from integrations.sandbox.google.gmail.messages import brief, form_of
from integrations.sandbox.mail.entry import Entry, shown_id


def list_(ask: Ask) -> dict[str, Any]:
    return listing.threads(ask)


def get(ask: Ask) -> bytes:
    form, only = form_of(ask)
    entries = ask.thread(ask.path["id"])
    newest = max(entry.history_id for entry in entries)
    shown = b",".join(
        ask.gallery.message(entry, form, only)
        for entry in entries
        if not ask.omissions.from_get(entry.id)
    )
    thread_id = shown_id(entries[0].thread_id).encode()
    return b'{"id":"%s","historyId":"%d","messages":[%s]}' % (thread_id, newest, shown)


def _brief(entries: list[Entry]) -> dict[str, Any]:
    return {"id": shown_id(entries[0].thread_id), "messages": [brief(entry) for entry in entries]}


def modify(ask: Ask) -> dict[str, Any]:
    body = ask.json()
    add, remove = ask.labels("addLabelIds", body), ask.labels("removeLabelIds", body)
    entries = ask.thread(ask.path["id"])
    for entry in entries:
        ask.box.relabel(entry, add=add, remove=remove)
    return _brief(entries)


def trash(ask: Ask) -> dict[str, Any]:
    entries = ask.thread(ask.path["id"])
    for entry in entries:
        ask.box.trash(entry)
    return _brief(entries)


def untrash(ask: Ask) -> dict[str, Any]:
    entries = ask.thread(ask.path["id"])
    for entry in entries:
        ask.box.relabel(entry, remove=["TRASH"])
    return _brief(entries)


def delete(ask: Ask) -> None:
    for entry in ask.thread(ask.path["id"]):
        ask.box.delete(entry)
