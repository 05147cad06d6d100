"""
Folders and their delta.

Deleted folders move to Deleted Items, and from there go permanently.
learn.microsoft.com/graph/api/mailfolder-delta, mailfolder-move, mailfolder-permanentdelete; refused
options: reports at github.com/microsoftgraph, ErrorInvalidUrlQuery.
"""

import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail.outlook_mailbox import FolderRound, OutlookFolder

DEFAULT_PAGE = 100
# The delta accepts $select.
REFUSED_OPTIONS = ("orderby", "filter", "search", "top")


def format_folder(
    request: GraphRequest, folder: OutlookFolder, counts: dict[str, list[int]] | None = None
) -> dict[str, Any]:
    total, unread = (counts or _count_messages(request)).get(folder.label, [0, 0])
    children = sum(child.parent == folder.id for child in request.outlook.folders.values())
    return {
        "id": folder.id,
        "displayName": folder.name,
        "parentFolderId": folder.parent,
        "childFolderCount": children,
        "unreadItemCount": unread,
        "totalItemCount": total,
        "isHidden": folder.is_hidden,
    }


def _count_messages(request: GraphRequest) -> dict[str, list[int]]:
    counts: dict[str, list[int]] = {}
    for entry in request.outlook.store.entries.values():
        folder_counts = counts.setdefault(request.outlook.get_folder_label(entry.labels), [0, 0])
        folder_counts[0] += 1
        folder_counts[1] += "UNREAD" in entry.labels
    return counts


def list_folders(request: GraphRequest) -> dict[str, Any]:
    return _list_inside(request, request.outlook.root)


def list_children(request: GraphRequest) -> dict[str, Any]:
    return _list_inside(request, request.find_folder().id)


def _list_inside(request: GraphRequest, parent: str) -> dict[str, Any]:
    shows_hidden = request.call.get_param("includeHiddenFolders").lower() == "true"
    counts = _count_messages(request)
    value = [
        odata.select_properties(
            format_folder(request, folder, counts), request.get_option("select")
        )
        for folder in request.outlook.folders.values()
        if folder.parent == parent and (shows_hidden or not folder.is_hidden)
    ]
    top, skip = request.get_page_size(), request.get_number("skip", 0, 10**9)
    body = request.make_context("mailFolders") | {"value": value[skip : skip + top]}
    if skip + top < len(value):
        body["@odata.nextLink"] = f"{request.url}?{urlencode({'$top': top, '$skip': skip + top})}"
    return body


def get_folder(request: GraphRequest) -> dict[str, Any]:
    return request.make_context("mailFolders/$entity") | format_folder(
        request, request.find_folder()
    )


def rename_folder(request: GraphRequest) -> dict[str, Any]:
    folder = request.find_folder()
    if folder.well_known:
        raise problems.access_denied()
    folder.name = str(request.read_json().get("displayName") or folder.name)
    return get_folder(request)


def create_folder(request: GraphRequest) -> tuple[int, dict[str, Any]]:
    name = str(request.read_json().get("displayName", ""))
    parent = request.find_folder().id if "folder" in request.path else request.outlook.root
    siblings = {
        sibling.name.lower()
        for sibling in request.outlook.folders.values()
        if sibling.parent == parent
    }
    if not name:
        raise problems.bad_request("displayName is required.", "ErrorInvalidRequest")
    if name.lower() in siblings:
        raise problems.make_problem(
            409, "ErrorFolderExists", "A folder with the specified name exists."
        )
    folder = request.outlook.create_folder(name, parent)
    folder.is_hidden = bool(request.read_json().get("isHidden"))
    return 201, request.make_context("mailFolders/$entity") | format_folder(request, folder)


def move_folder(request: GraphRequest) -> dict[str, Any]:
    folder = request.find_folder()
    destination = request.outlook.find_folder(
        str(request.read_parameters().get("destinationId", ""))
    )
    if destination is None:
        raise problems.not_found()
    _move_into(request, folder, destination)
    return get_folder(request)


def _move_into(request: GraphRequest, folder: OutlookFolder, destination: OutlookFolder) -> None:
    """:raises HttpProblem: a folder of Exchange, or a move into itself"""
    if folder.well_known or folder in request.outlook.list_ancestors(destination):
        raise problems.make_problem(
            400, "ErrorMoveCopyFailed", "The move or copy operation failed."
        )
    folder.parent = destination.id


def delete_folder(request: GraphRequest) -> None:
    folder, deleted_items = request.find_folder(), request.outlook.find_folder("deleteditems")
    if deleted_items is None or deleted_items in request.outlook.list_ancestors(folder):
        delete_for_good(request)
    else:
        _move_into(request, folder, deleted_items)


def delete_for_good(request: GraphRequest) -> None:
    folder = request.find_folder()
    if folder.well_known:
        raise problems.make_problem(
            400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."
        )
    request.outlook.delete_folder(folder)


def list_folder_changes(request: GraphRequest) -> dict[str, Any]:
    """Of any depth; with a token, those changed since."""
    refused = [f"${name}" for name in REFUSED_OPTIONS if request.get_option(name)]
    if refused:
        raise problems.bad_request(
            "The following parameters are not supported with change tracking over the 'Folders'"
            f" resource: '{', '.join(refused)}'.",
            "ErrorInvalidUrlQuery",
        )
    token = request.call.get_param("$deltatoken") or request.call.get_param("$skiptoken")
    last_round = _find_round(request, token) if token else _begin_round(request)
    folders, counts = request.outlook.folders, _count_messages(request)
    now = {folder.id: _make_mark(request, folder, counts) for folder in folders.values()}
    size = request.get_page_size(DEFAULT_PAGE)
    changed = [
        folder for folder in folders.values() if last_round.marks.get(folder.id) != now[folder.id]
    ]
    changed = changed[:size]
    gone_ids = [folder_id for folder_id in last_round.marks if folder_id not in folders]
    gone_ids = gone_ids[: size - len(changed)]
    marks = {
        key: folder_mark for key, folder_mark in last_round.marks.items() if key not in gone_ids
    }
    marks |= {folder.id: now[folder.id] for folder in changed}
    name, kind = ("deltaLink", "$deltatoken") if marks == now else ("nextLink", "$skiptoken")
    return {
        "@odata.context": f"{request.state.url}/v1.0/$metadata#mailFolders",
        "value": [
            *(
                odata.select_properties(format_folder(request, folder, counts), last_round.select)
                for folder in changed
            ),
            *({"id": folder_id, "@removed": {"reason": "deleted"}} for folder_id in gone_ids),
        ],
        f"@odata.{name}": f"{request.url}?{kind}={_keep_round(request, last_round, marks)}",
    }


def _begin_round(request: GraphRequest) -> FolderRound:
    history_id = request.outlook.store.history_id
    return FolderRound(
        request.get_option("select"), {}, history_id, request.outlook.begin_chain(), 0
    )


def _keep_round(request: GraphRequest, last_round: FolderRound, marks: dict[str, str]) -> str:
    """Return the next link's token."""
    token = secrets.token_urlsafe(32)
    request.outlook.folder_rounds[token] = replace(
        last_round,
        marks=marks,
        history_id=request.outlook.store.history_id,
        generation=request.outlook.next_generation(last_round.chain),
    )
    return token


def _find_round(request: GraphRequest, token: str) -> FolderRound:
    """:raises HttpProblem: unknown token, or too old"""
    folder_round = request.outlook.folder_rounds.get(token)
    if folder_round is None:
        raise problems.bad_request("Badly formed token.", "syncStateInvalid")
    links_kept = request.state.knobs.graph_links_kept
    is_remembered = request.outlook.remembers_link(
        folder_round.chain, folder_round.generation, links_kept
    )
    if not is_remembered or folder_round.history_id < request.outlook.store.history_floor:
        raise problems.sync_state_not_found(f"{request.url}?$deltatoken=")
    return folder_round


def _make_mark(request: GraphRequest, folder: OutlookFolder, counts: dict[str, list[int]]) -> str:
    """Differs when the folder changes; a knob adds its counts."""
    counted = counts.get(folder.label, []) if request.state.knobs.graph_folder_counts else []
    return f"{folder.name} {folder.parent} {folder.is_hidden} {counted}"
