"""
Rounds of changes: one page of each folder, with as many folders as fit into a batch.

Each folder has its own link. The first round lists all messages; each round ends with the link of
the next. Source: https://learn.microsoft.com/en-us/graph/delta-query-messages

While a folder is within a round, the others wait. Exchange forgets a link after a few responses,
so a response may be dropped only once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from integrations.providers import errors
from integrations.providers.provider_access import ProviderAccess

from . import graph_message
from .graph_batch import MAX_PARTS, send_in_batches
from .graph_http import GraphApiRequest, GraphOutcome, quote_segment, send_graph_reads
from .mail_cursor import FolderCursor, GraphMailCursor
from .mail_folders import FolderList
from .mailbox_concurrency import MAX_CONCURRENT_REQUESTS

#: All properties of a head, so that a new message needs no second request.
SELECT: Final = graph_message.HEAD_FIELDS + ",lastModifiedDateTime"
# A page is fetched completely or repeated, so it must fit into the quota that can be spent at once.
CHANGES_PAGE: Final = 50
FIRST_PAGE: Final = 500
# Pages of each folder before the first listing; a larger folder continues after it.
FIRST_ROUNDS: Final = 20


@dataclass(slots=True)
class DeltaItems:
    items: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items) + len(self.removed)


def start_delta(folders: FolderList, access: ProviderAccess, *, since: str) -> GraphMailCursor:
    """
    :param since: a past moment. In a folder too large for `FIRST_ROUNDS`, later changes are
        reported
    """
    folder_cursors = {
        folder_id: FolderCursor(since=since) for folder_id in folders.find_readable().folder_ids
    }
    cursor = GraphMailCursor(folder_cursors, folders=folders)
    for _ in range(FIRST_ROUNDS):
        under_way = [
            folder_id for folder_id, folder in cursor.folder_cursors.items() if folder.is_under_way
        ]
        if not under_way:
            break
        requests = [
            _build_request(folder_id, cursor.folder_cursors[folder_id], FIRST_PAGE)
            for folder_id in under_way
        ]
        answers = send_graph_reads(requests, access)
        cursor = _apply_answers(cursor, under_way, answers, DeltaItems(), takes_all=True)
    return cursor


def find_under_way(cursor: GraphMailCursor) -> list[str]:
    return [
        folder_id
        for folder_id, folder in cursor.folder_cursors.items()
        if folder.is_under_way and folder.link
    ]


def fetch_next_pages(
    cursor: GraphMailCursor,
    access: ProviderAccess,
    delta: DeltaItems,
    extra_requests: Sequence[GraphApiRequest],
) -> tuple[GraphMailCursor, list[GraphOutcome]]:
    """
    :param delta: receives a page or two, or a page for each of `MAX_CONCURRENT_REQUESTS`
    :param extra_requests: sent in the same batch
    :raises CursorExpired: if a link has expired, or a folder was deleted
    """
    under_way = find_under_way(cursor)[:MAX_CONCURRENT_REQUESTS]
    ids, room = under_way or list(cursor.folder_cursors), MAX_PARTS - len(extra_requests)
    first, rest = ids[:room], ids[room:]
    requests = [
        _build_request(folder_id, cursor.folder_cursors[folder_id], CHANGES_PAGE)
        for folder_id in first
    ]
    answers = send_in_batches([*extra_requests, *requests], access)
    cursor = _apply_answers(
        cursor, first, answers[len(extra_requests) :], delta, takes_all=bool(under_way)
    )
    return fetch_folders(cursor, rest, access, delta), answers[: len(extra_requests)]


def fetch_folders(
    cursor: GraphMailCursor, ids: Sequence[str], access: ProviderAccess, delta: DeltaItems
) -> GraphMailCursor:
    """Continue until the page of changes is full."""
    for start in range(0, len(ids), MAX_PARTS):
        batch = ids[start : start + MAX_PARTS]
        if len(delta) < CHANGES_PAGE:
            requests = [
                _build_request(folder_id, cursor.folder_cursors[folder_id], CHANGES_PAGE)
                for folder_id in batch
            ]
            cursor = _apply_answers(cursor, batch, send_in_batches(requests, access), delta)
        else:
            cursor = _postpone_folders(cursor, batch)
    return cursor


def _build_request(folder_id: str, folder: FolderCursor, size: int) -> GraphApiRequest:
    prefer = (f"odata.maxpagesize={size}",)
    if folder.link:
        return GraphApiRequest(folder.link, prefer=prefer)
    path = f"/me/mailFolders/{quote_segment(folder_id)}/messages/delta"
    return GraphApiRequest(path, {"$select": SELECT}, prefer=prefer)


def _apply_answers(
    cursor: GraphMailCursor,
    ids: Sequence[str],
    answers: Sequence[GraphOutcome],
    delta: DeltaItems,
    *,
    takes_all: bool = False,
) -> GraphMailCursor:
    """:param takes_all: add the items that exceed a page of changes, too"""
    folder_cursors = dict(cursor.folder_cursors)
    for folder_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, errors.Gone):
            raise errors.CursorExpired("a folder that was read is gone", reason="folder-gone")
        if isinstance(answer, errors.ProviderError):
            raise answer
        folder, items = folder_cursors[folder_id], graph_message.list_messages(answer)
        if items and len(delta) >= CHANGES_PAGE and not takes_all:
            # The next page requests the same link again.
            folder_cursors[folder_id] = replace(folder, is_under_way=True)
            continue
        for item in items:
            _add_item(item, folder, delta)
        folder_cursors[folder_id] = _advance_cursor(answer, folder)
    return replace(cursor, folder_cursors=folder_cursors)


def _postpone_folders(cursor: GraphMailCursor, ids: Sequence[str]) -> GraphMailCursor:
    postponed = {
        folder_id: replace(cursor.folder_cursors[folder_id], is_under_way=True) for folder_id in ids
    }
    return replace(cursor, folder_cursors={**cursor.folder_cursors, **postponed})


def _advance_cursor(answer: Mapping[str, Any], folder: FolderCursor) -> FolderCursor:
    if next_link := answer.get("@odata.nextLink"):
        if next_link == folder.link:
            raise errors.Unexpected("a page of changes leads to itself")
        return replace(folder, link=str(next_link), is_under_way=True)
    if delta_link := answer.get("@odata.deltaLink"):
        return FolderCursor(link=str(delta_link), is_under_way=False)
    raise errors.Unexpected("a page of changes leads nowhere")


def _add_item(item: Mapping[str, Any], folder: FolderCursor, delta: DeltaItems) -> None:
    message_id = str(item["id"])
    if "@removed" in item:
        delta.removed[message_id] = None
    elif not folder.since or str(item.get("lastModifiedDateTime") or folder.since) >= folder.since:
        # The last item counts, at the position of the first.
        delta.items[message_id] = {**delta.items.get(message_id, {}), **item}
