"""
The list of folders, as Graph tells it, and rounds of its changes.

The list is kept in the cursor from one poll to the next. A poll asks Graph for changes of folders
and reads the list again if Graph tells of a folder that is new, gone, renamed, moved or hidden.
Graph's delta does not tell which folder has a well-known name, so the list is also read again
after `KEPT_FOR`. https://learn.microsoft.com/en-us/graph/api/mailfolder-delta
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from integrations.providers import errors, storable_values
from integrations.providers.access import Access
from integrations.providers.mail import provider_id

from .batch import call_in_batches
from .folders import WELL_KNOWN, Entry, FolderList
from .http import Outcome, Request, call, segment

_SELECT: Final = "id,displayName,parentFolderId,totalItemCount,isHidden"
_PAGE: Final = "odata.maxpagesize=200"
# A mailbox has hundreds at the most; a list that goes on for ever ends somewhere.
_MOST_PAGES: Final = 100


def read(access: Access, *, at: float) -> FolderList:
    """
    Return the folders as they are now: with one request, as long as they fit on a page.

    :param at: the present moment, in seconds since 1970
    """
    requests = [
        Request(f"/me/mailFolders/{segment(name)}", {"$select": "id"}) for name in WELL_KNOWN
    ]
    # A first round of their changes lists all of them flat, at whatever depth.
    every = Request("/me/mailFolders/delta", {"$select": _SELECT}, prefer=(_PAGE,))
    *named, first = call_in_batches([*requests, every], access)
    well_known = _well_known(dict(zip(WELL_KNOWN, named, strict=True)))
    if isinstance(first, errors.ProviderError):
        raise first
    told, link = _read_round(first, access)
    folders = [folder for folder in told if "@removed" not in folder]
    return FolderList(
        well_known,
        {provider_id(folder["id"]): _entry(folder) for folder in folders},
        link,
        at,
        storable_values.number(
            sum(storable_values.number(folder.get("totalItemCount")) for folder in folders)
        ),
    )


def next_request(listed: FolderList) -> Request:
    """Return the request for changes of the folders since the list was read."""
    return Request(listed.link, prefer=(_PAGE,))


def follow(listed: FolderList, answer: Outcome, access: Access) -> FolderList | None:
    """
    Return the list with the link that ends `answer`; None if the list has changed.

    Graph may also tell of a folder because a message came or was read. That is no change.
    """
    try:
        if isinstance(answer, errors.ProviderError):
            raise answer
        told, link = _read_round(answer, access)
    except (errors.CursorExpired, errors.Gone):
        return None
    if any(_is_change(folder, listed) for folder in told):
        return None
    return replace(listed, link=link)


def _is_change(told: Any, listed: FolderList) -> bool:
    if not isinstance(told, dict):
        return True
    known = listed.entries.get(str(told.get("id")))
    if known is None or "@removed" in told:
        return known is not None or "@removed" not in told
    # Graph tells at least the properties that changed.
    before = dict(zip(("displayName", "parentFolderId", "isHidden"), known, strict=True))
    now = dict(zip(before, _entry(told), strict=True))
    return any(before[name] != now[name] for name in before if name in told)


def _well_known(named: Mapping[str, Outcome]) -> dict[str, str]:
    """Return the ids of the folders that have a name everywhere, by it; some mailboxes lack one."""
    found: dict[str, str] = {}
    for name, answer in named.items():
        if isinstance(answer, errors.Gone):
            continue
        if isinstance(answer, errors.ProviderError):
            raise answer
        found[name] = provider_id(answer["id"])
    return found


def _read_round(answer: Mapping[str, Any], access: Access) -> tuple[list[Any], str]:
    """Return what a round of changes of folders tells, and the link to the next round."""
    told: list[Any] = []
    for _ in range(_MOST_PAGES):
        told += answer.get("value") or ()
        following = answer.get("@odata.nextLink")
        if not following:
            return told, str(answer.get("@odata.deltaLink") or "")
        answer = call(Request(str(following), prefer=(_PAGE,)), access)
    raise errors.Unexpected("the list of folders does not end")


def _entry(told: Mapping[str, Any]) -> Entry:
    # A saved search is no folder.
    is_search = "searchfolder" in str(told.get("@odata.type")).lower()
    name, parent = (
        storable_values.text(told.get("displayName")),
        str(told.get("parentFolderId") or ""),
    )
    return name, parent, not (told.get("isHidden") or is_search)
