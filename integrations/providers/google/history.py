"""
Gmail's history, folded into what is to be done.

Typed lists only: the plain `messages` of a record says that something happened,
not what. Records are chronological, so the last word on a message is the one
that counts. https://developers.google.com/workspace/gmail/api/guides/sync
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.providers.mail import ChangePage, MessageRef, Relabelled

from .gmail_message import HIDDEN, filing, is_hidden


class _Fold:
    def __init__(self) -> None:
        self.upserted: dict[str, MessageRef] = {}
        self.relabelled: dict[str, Relabelled] = {}
        self.deleted: dict[str, None] = {}

    def added(self, entry: Mapping[str, Any]) -> None:
        if is_hidden(entry["message"]):
            self.removed(entry)
        else:
            self._upsert(entry["message"])

    def removed(self, entry: Mapping[str, Any]) -> None:
        message_id = str(entry["message"]["id"])
        self.upserted.pop(message_id, None)
        self.relabelled.pop(message_id, None)
        self.deleted[message_id] = None

    def labels_changed(self, entry: Mapping[str, Any], *, taken: bool) -> None:
        message = entry["message"]
        if is_hidden(message):
            self.removed(entry)
            return
        came_back = taken and not HIDDEN.isdisjoint(entry.get("labelIds") or ())
        known = message["id"] not in self.deleted and message["id"] not in self.upserted
        if came_back or not known or "labelIds" not in message:
            # Out of spam or trash we never had it; without labels we would have to guess.
            self._upsert(message)
        else:
            self.relabelled[message["id"]] = Relabelled(_ref(message), filing(message["labelIds"]))

    def _upsert(self, message: Mapping[str, Any]) -> None:
        self.deleted.pop(message["id"], None)
        self.relabelled.pop(message["id"], None)
        self.upserted[message["id"]] = _ref(message)


def _ref(message: Mapping[str, Any]) -> MessageRef:
    return MessageRef(str(message["id"]), str(message["threadId"]))


def page(records: Iterable[Mapping[str, Any]], *, cursor: str, more: bool) -> ChangePage:
    """Return `records` as one page of changes."""
    fold = _Fold()
    for record in records:
        for entry in record.get("messagesAdded") or ():
            fold.added(entry)
        for entry in record.get("labelsAdded") or ():
            fold.labels_changed(entry, taken=False)
        for entry in record.get("labelsRemoved") or ():
            fold.labels_changed(entry, taken=True)
        for entry in record.get("messagesDeleted") or ():
            fold.removed(entry)
    return ChangePage(
        upserted=tuple(fold.upserted.values()),
        relabelled=tuple(fold.relabelled.values()),
        deleted=tuple(fold.deleted),
        cursor=cursor,
        more=more,
    )
