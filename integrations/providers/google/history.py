"""
Gmail's history, folded into changes.

The plain `messages` of a record do not say how they changed, so only typed lists are read. A
message's last record decides. Source:
https://developers.google.com/workspace/gmail/api/guides/sync
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.providers.mail import FilingChange, MailChangePage, MessageRef

from .gmail_message import HIDDEN, is_hidden, map_filing


class _HistoryFold:
    def __init__(self) -> None:
        self.upserted: dict[str, MessageRef] = {}
        self.relabelled: dict[str, FilingChange] = {}
        self.deleted: dict[str, None] = {}

    def add_message(self, entry: Mapping[str, Any]) -> None:
        if is_hidden(entry["message"]):
            self.remove_message(entry)
        else:
            self._upsert_message(entry["message"])

    def remove_message(self, entry: Mapping[str, Any]) -> None:
        message_id = str(entry["message"]["id"])
        self.upserted.pop(message_id, None)
        self.relabelled.pop(message_id, None)
        self.deleted[message_id] = None

    def change_labels(self, entry: Mapping[str, Any], *, is_removal: bool) -> None:
        message = entry["message"]
        if is_hidden(message):
            self.remove_message(entry)
            return
        is_restored = is_removal and not HIDDEN.isdisjoint(entry.get("labelIds") or ())
        is_known = message["id"] not in self.deleted and message["id"] not in self.upserted
        if is_restored or not is_known or "labelIds" not in message:
            # A message restored from spam or trash was never stored. Without labels its filing is
            # unknown.
            self._upsert_message(message)
        else:
            self.relabelled[message["id"]] = FilingChange(
                _map_ref(message), map_filing(message["labelIds"])
            )

    def _upsert_message(self, message: Mapping[str, Any]) -> None:
        self.deleted.pop(message["id"], None)
        self.relabelled.pop(message["id"], None)
        self.upserted[message["id"]] = _map_ref(message)


def _map_ref(message: Mapping[str, Any]) -> MessageRef:
    return MessageRef(str(message["id"]), str(message["threadId"]))


def fold_history(
    records: Iterable[Mapping[str, Any]], *, cursor: str, has_more: bool
) -> MailChangePage:
    fold = _HistoryFold()
    for record in records:
        for entry in record.get("messagesAdded") or ():
            fold.add_message(entry)
        for entry in record.get("labelsAdded") or ():
            fold.change_labels(entry, is_removal=False)
        for entry in record.get("labelsRemoved") or ():
            fold.change_labels(entry, is_removal=True)
        for entry in record.get("messagesDeleted") or ():
            fold.remove_message(entry)
    return MailChangePage(
        upserted=tuple(fold.upserted.values()),
        refiled=tuple(fold.relabelled.values()),
        deleted=tuple(fold.deleted),
        cursor=cursor,
        has_more=has_more,
    )
