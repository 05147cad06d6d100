"""
Folders: lists, one, what becomes of it, and what changed of them since a link was handed out.

A folder that is deleted goes to Deleted Items with all that is in it, and from there for good.
learn.microsoft.com/graph/api/mailfolder-delta, mailfolder-move, mailfolder-permanentdelete; and, of
what the delta refuses, github.com/microsoftgraph reports: ErrorInvalidUrlQuery.
"""

import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail.outlook import Folder, FolderRound

DEFAULT_PAGE = 100
# What the delta refuses. $select it takes.
REFUSED = ("orderby", "filter", "search", "top")


def shown(ask: Ask, folder: Folder, counts: dict[str, list[int]] | None = None) -> dict[str, Any]:
    total, unread = (counts or _counts(ask)).get(folder.label, [0, 0])
    children = sum(one.parent == folder.id for one in ask.outlook.folders.values())
    return {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent,
        "childFolderCount": children,
        "unreadItemCount": unread,
        "totalItemCount": total,
        "isHidden": folder.is_hidden,
    }


def _counts(ask: Ask) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for entry in ask.outlook.box.entries.values():
        one = found.setdefault(ask.outlook.label_of(entry.labels), [0, 0])
        one[0] += 1
        one[1] += "UNREAD" in entry.labels
    return found


def list_(ask: Ask) -> dict[str, Any]:
    return _folders(ask, ask.outlook.root)


def list_children(ask: Ask) -> dict[str, Any]:
    return _folders(ask, ask.folder().id)


def _folders(ask: Ask, parent: str) -> dict[str, Any]:
    hidden = ask.call.first("includeHiddenFolders").lower() == "true"
    counts = _counts(ask)
    value = [
        odata.select(shown(ask, one, counts), ask.option("select"))
        for one in ask.outlook.folders.values()
        if one.parent == parent and (hidden or not one.is_hidden)
    ]
    top, skip = ask.page_size(), ask.number("skip", 0, 10**9)
    body = ask.context("mailFolders") | {"value": value[skip : skip + top]}
    if skip + top < len(value):
        body["@odata.nextLink"] = f"{ask.url}?{urlencode({'$top': top, '$skip': skip + top})}"
    return body


def get(ask: Ask) -> dict[str, Any]:
    return ask.context("mailFolders/$entity") | shown(ask, ask.folder())


def rename(ask: Ask) -> dict[str, Any]:
    found = ask.folder()
    if found.well_known:
        raise problems.access_denied()
    found.name = str(ask.json().get("displayName") or found.name)
    return get(ask)


def make(ask: Ask) -> tuple[int, dict[str, Any]]:
    name = str(ask.json().get("displayName", ""))
    parent = ask.folder().id if "folder" in ask.path else ask.outlook.root
    siblings = {one.name.lower() for one in ask.outlook.folders.values() if one.parent == parent}
    if not name:
        raise problems.bad_request("displayName is required.", "ErrorInvalidRequest")
    if name.lower() in siblings:
        raise problems.error(409, "ErrorFolderExists", "A folder with the specified name exists.")
    made = ask.outlook.make_folder(name, parent)
    made.is_hidden = bool(ask.json().get("isHidden"))
    return 201, ask.context("mailFolders/$entity") | shown(ask, made)


def move(ask: Ask) -> dict[str, Any]:
    found = ask.folder()
    wanted = ask.outlook.folder(str(ask.parameters().get("destinationId", "")))
    if wanted is None:
        raise problems.not_found()
    _moved(ask, found, wanted)
    return get(ask)


def _moved(ask: Ask, folder: Folder, into: Folder) -> None:
    """:raises Problem: Exchange's own folder, or one into itself"""
    if folder.well_known or folder in ask.outlook.above(into):
        raise problems.error(400, "ErrorMoveCopyFailed", "The move or copy operation failed.")
    folder.parent = into.id


def delete(ask: Ask) -> None:
    found, bin_ = ask.folder(), ask.outlook.folder("deleteditems")
    if bin_ is None or bin_ in ask.outlook.above(found):
        delete_for_good(ask)
    else:
        _moved(ask, found, bin_)


def delete_for_good(ask: Ask) -> None:
    found = ask.folder()
    if found.well_known:
        raise problems.error(
            400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."
        )
    ask.outlook.delete_folder(found)


def delta(ask: Ask) -> dict[str, Any]:
    """All folders at whatever depth; with a token, those that changed since."""
    refused = [f"${name}" for name in REFUSED if ask.option(name)]
    if refused:
        raise problems.bad_request(
            "The following parameters are not supported with change tracking over the 'Folders'"
            f" resource: '{', '.join(refused)}'.",
            "ErrorInvalidUrlQuery",
        )
    token = ask.call.first("$deltatoken") or ask.call.first("$skiptoken")
    before = _find_round(ask, token) if token else _begin_round(ask)
    mine, counts = ask.outlook.folders, _counts(ask)
    now = {folder.id: _mark(ask, folder, counts) for folder in mine.values()}
    size = ask.page_size(DEFAULT_PAGE)
    changed = [folder for folder in mine.values() if before.marks.get(folder.id) != now[folder.id]]
    changed = changed[:size]
    gone = [folder_id for folder_id in before.marks if folder_id not in mine]
    gone = gone[: size - len(changed)]
    marks = {key: mark for key, mark in before.marks.items() if key not in gone}
    marks |= {folder.id: now[folder.id] for folder in changed}
    name, kind = ("deltaLink", "$deltatoken") if marks == now else ("nextLink", "$skiptoken")
    return {
        "@odata.context": f"{ask.world.url}/v1.0/$metadata#mailFolders",
        "value": [
            *(odata.select(shown(ask, folder, counts), before.select) for folder in changed),
            *({"id": folder_id, "@removed": {"reason": "deleted"}} for folder_id in gone),
        ],
        f"@odata.{name}": f"{ask.url}?{kind}={_keep_round(ask, before, marks)}",
    }


def _begin_round(ask: Ask) -> FolderRound:
    history_id = ask.outlook.box.history_id
    return FolderRound(ask.option("select"), {}, history_id, ask.outlook.begin_chain(), 0)


def _keep_round(ask: Ask, before: FolderRound, marks: dict[str, str]) -> str:
    """Keep where the next link leads on from, and return its token."""
    token = secrets.token_urlsafe(32)
    ask.outlook.folder_rounds[token] = replace(
        before,
        marks=marks,
        history_id=ask.outlook.box.history_id,
        generation=ask.outlook.next_generation(before.chain),
    )
    return token


def _find_round(ask: Ask, token: str) -> FolderRound:
    """:raises Problem: what was never handed out, or is too old"""
    found = ask.outlook.folder_rounds.get(token)
    if found is None:
        raise problems.bad_request("Badly formed token.", "syncStateInvalid")
    kept = ask.world.dials.graph_links_kept
    is_remembered = ask.outlook.remembers(found.chain, found.generation, kept)
    if not is_remembered or found.history_id < ask.outlook.box.history_floor:
        raise problems.sync_state_not_found(f"{ask.url}?$deltatoken=")
    return found


def _mark(ask: Ask, folder: Folder, counts: dict[str, list[int]]) -> str:
    """Return what makes a folder another one; with its counts, if the dial says so."""
    counted = counts.get(folder.label, []) if ask.world.dials.graph_folder_counts else []
    return f"{folder.name} {folder.parent} {folder.is_hidden} {counted}"
