"""
The list of a mailbox's folders, and its changes.

A poll reads the list again after a change, and after `KEPT_FOR`, because Graph's delta does not
report well-known names. Source:
https://learn.microsoft.com/en-us/graph/api/mailfolder-delta
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from integrations.providers import errors, storable_values
from integrations.providers.mail import parse_provider_id
from integrations.providers.provider_access import ProviderAccess

from .graph_batch import send_in_batches
from .graph_http import GraphApiRequest, GraphOutcome, quote_segment, send_graph_read
from .mail_folders import WELL_KNOWN, FolderEntry, FolderList

_SELECT: Final = "id,displayName,parentFolderId,totalItemCount,isHidden"
_PAGE_SIZE: Final = "odata.maxpagesize=200"
# A mailbox has hundreds of folders at most; an endless list is cut off.
_MAX_PAGES: Final = 100


def read_folders(access: ProviderAccess, *, at: float) -> FolderList:
    """:param at: seconds since 1970"""
    requests = [
        GraphApiRequest(f"/me/mailFolders/{quote_segment(name)}", {"$select": "id"})
        for name in WELL_KNOWN
    ]
    # The first round of the delta lists all folders flat, at any depth.
    every = GraphApiRequest("/me/mailFolders/delta", {"$select": _SELECT}, prefer=(_PAGE_SIZE,))
    *well_known_answers, first = send_in_batches([*requests, every], access)
    well_known = _read_well_known(dict(zip(WELL_KNOWN, well_known_answers, strict=True)))
    if isinstance(first, errors.ProviderError):
        raise first
    items, link = _read_round(first, access)
    folders = [folder for folder in items if "@removed" not in folder]
    return FolderList(
        well_known,
        {parse_provider_id(folder["id"]): _map_entry(folder) for folder in folders},
        link,
        at,
        storable_values.clamp_number(
            sum(storable_values.clamp_number(folder.get("totalItemCount")) for folder in folders)
        ),
    )


def build_next_request(listed: FolderList) -> GraphApiRequest:
    return GraphApiRequest(listed.link, prefer=(_PAGE_SIZE,))


def follow_changes(
    listed: FolderList, answer: GraphOutcome, access: ProviderAccess
) -> FolderList | None:
    """
    None if the list has changed.

    Graph may also report a folder because a message arrived or was read.
    """
    try:
        if isinstance(answer, errors.ProviderError):
            raise answer
        items, link = _read_round(answer, access)
    except (errors.CursorExpired, errors.Gone):
        return None
    if any(_is_change(folder, listed) for folder in items):
        return None
    return replace(listed, link=link)


def _is_change(item: Any, listed: FolderList) -> bool:
    if not isinstance(item, dict):
        return True
    known = listed.entries.get(str(item.get("id")))
    if known is None or "@removed" in item:
        return known is not None or "@removed" not in item
    # Graph sends at least the changed properties.
    old_values = dict(zip(("displayName", "parentFolderId", "isHidden"), known, strict=True))
    new_values = dict(zip(old_values, _map_entry(item), strict=True))
    return any(old_values[name] != new_values[name] for name in old_values if name in item)


def _read_well_known(answers: Mapping[str, GraphOutcome]) -> dict[str, str]:
    """A mailbox may lack some well-known folders."""
    ids: dict[str, str] = {}
    for name, answer in answers.items():
        if isinstance(answer, errors.Gone):
            continue
        if isinstance(answer, errors.ProviderError):
            raise answer
        ids[name] = parse_provider_id(answer["id"])
    return ids


def _read_round(answer: Mapping[str, Any], access: ProviderAccess) -> tuple[list[Any], str]:
    items: list[Any] = []
    for _ in range(_MAX_PAGES):
        items += answer.get("value") or ()
        following = answer.get("@odata.nextLink")
        if not following:
            return items, str(answer.get("@odata.deltaLink") or "")
        answer = send_graph_read(GraphApiRequest(str(following), prefer=(_PAGE_SIZE,)), access)
    raise errors.Unexpected("the list of folders does not end")


def _map_entry(item: Mapping[str, Any]) -> FolderEntry:
    # A saved search is no folder.
    is_search = "searchfolder" in str(item.get("@odata.type")).lower()
    name, parent = (
        storable_values.clean_text(item.get("displayName")),
        str(item.get("parentFolderId") or ""),
    )
    return name, parent, not (item.get("isHidden") or is_search)
