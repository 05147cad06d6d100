"""
Changes of a mailbox, folded into one page.

Graph reports a moved message as removed, so each removed message is looked up. New and changed
messages look alike: each is reported with its filing, and fetched unless it is stored. An item
may hold only the changed properties, and is merged with the current message.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from integrations.providers import errors, unexpected_responses
from integrations.providers.mail import FilingChange, MailChangePage, MessageFiling, MessageRef
from integrations.providers.provider_access import ProviderAccess

from . import folder_delta, graph_message
from .graph_batch import send_in_batches
from .graph_http import GraphApiRequest, quote_segment
from .mail_cursor import FolderCursor, GraphMailCursor
from .mail_delta_pages import SELECT, DeltaItems, fetch_folders, fetch_next_pages, find_under_way
from .mail_folders import FolderList, ReadableFolders

# The possible properties of a delta item if only the filing changed.
_FILING_FIELDS: Final = frozenset({"isRead", "flag", "categories", "importance", "parentFolderId"})
_VERSION_FIELDS: Final = frozenset({"id", "changeKey", "lastModifiedDateTime"})


@dataclass(frozen=True, slots=True)
class MailDeltaResult:
    page: MailChangePage
    heads: list[Mapping[str, Any]]
    folders: ReadableFolders


def follow_changes(cursor: GraphMailCursor, access: ProviderAccess) -> MailDeltaResult:
    """:raises CursorExpired: if a link has expired, or a folder was deleted with its mail"""
    delta, at = DeltaItems(), time.time()
    stored_folders = cursor.folders
    listed: FolderList | None
    if stored_folders is not None and stored_folders.is_current(at):
        after, (folder_answer,) = fetch_next_pages(
            cursor, access, delta, [folder_delta.build_next_request(stored_folders)]
        )
        listed = folder_delta.follow_changes(stored_folders, folder_answer, access)
    else:
        listed = folder_delta.read_folders(access, at=at)
        after, _ = fetch_next_pages(_match_folders(cursor, listed), access, delta, [])
    messages = _look_up_messages(delta, access, {})
    if listed is None or _has_unlisted_folder(messages.values(), listed):
        listed = folder_delta.read_folders(access, at=at)
        after = _match_folders(after, listed)
        new = [
            folder_id
            for folder_id in after.folder_cursors
            if folder_id not in cursor.folder_cursors
        ]
        after = fetch_folders(after, new, access, delta)
        messages = _look_up_messages(delta, access, messages)
    folders = listed.find_readable()
    is_under_way = any(folder.is_under_way for folder in after.folder_cursors.values())
    page = _fold_changes(
        delta,
        folders,
        messages,
        cursor=replace(after, folders=listed),
        # While some folders were within a round, the others were not requested.
        has_more=is_under_way or bool(find_under_way(cursor)),
        has_new_names=stored_folders is None or not stored_folders.has_same_folders(listed),
    )
    heads = (messages[ref.message_id] for ref in page.upserted)
    return MailDeltaResult(page, [head for head in heads if head is not None], folders)


def _match_folders(cursor: GraphMailCursor, listed: FolderList) -> GraphMailCursor:
    folders = listed.find_readable()
    if any(folder_id not in folders for folder_id in cursor.folder_cursors):
        raise errors.CursorExpired("a folder that was read is gone", reason="folder-gone")
    # All messages in a new folder are new.
    return replace(
        cursor,
        folder_cursors={
            folder_id: cursor.folder_cursors.get(folder_id, FolderCursor())
            for folder_id in folders.folder_ids
        },
    )


def _has_unlisted_folder(items: Iterable[Mapping[str, Any] | None], listed: FolderList) -> bool:
    """A folder may be newer than the list."""
    folder_ids = (str(item.get("parentFolderId") or "") for item in items if item is not None)
    return any(folder_id and folder_id not in listed.entries for folder_id in folder_ids)


def _look_up_messages(
    delta: DeltaItems, access: ProviderAccess, known: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Mapping[str, Any] | None]:
    """None for deleted messages. Removed and incomplete ones are looked up, unless `known`."""
    incomplete = [
        item_id for item_id, item in delta.items.items() if not graph_message.is_complete(item)
    ]
    needed = dict.fromkeys(
        item_id for item_id in [*delta.removed, *incomplete] if item_id not in known
    )
    requests = [
        GraphApiRequest(f"/me/messages/{quote_segment(item_id)}", {"$select": SELECT})
        for item_id in needed
    ]
    messages = {**delta.items, **known}
    for message_id, answer in zip(needed, send_in_batches(requests, access), strict=True):
        if isinstance(answer, errors.ProviderError) and not isinstance(answer, errors.Gone):
            raise answer
        messages[message_id] = None if isinstance(answer, errors.ProviderError) else answer
    return messages


def _changes_only_filing(item: Mapping[str, Any]) -> bool:
    names = {name for name in item if not name.startswith("@")} - _VERSION_FIELDS
    return bool(names) and names <= _FILING_FIELDS


def _fold_changes(  # noqa: PLR0913
    delta: DeltaItems,
    folders: ReadableFolders,
    messages: Mapping[str, Mapping[str, Any] | None],
    *,
    cursor: GraphMailCursor,
    has_more: bool,
    has_new_names: bool,
) -> MailChangePage:
    upserted: list[MessageRef] = []
    refiled: list[FilingChange] = []
    deleted: list[str] = []
    filings: dict[str, MessageFiling] = {}
    for message_id in dict.fromkeys([*delta.items, *delta.removed]):
        item = messages[message_id]
        if item is None or not graph_message.is_in_folders(item, folders):
            deleted.append(message_id)
        elif message_id not in delta.removed and _changes_only_filing(delta.items[message_id]):
            refiled.append(
                FilingChange(
                    graph_message.map_message_ref(item), graph_message.map_filing(item, folders)
                )
            )
        else:
            upserted.append(graph_message.map_message_ref(item))
            # A message with malformed filing is fetched, and quarantined if it stays malformed.
            with suppress(*unexpected_responses.UNREADABLE_ERRORS):
                if graph_message.is_content_final(item, folders):
                    filings[message_id] = graph_message.map_filing(item, folders)
    return MailChangePage(
        tuple(upserted),
        tuple(refiled),
        tuple(deleted),
        str(cursor),
        has_more,
        filings,
        has_new_names,
    )
