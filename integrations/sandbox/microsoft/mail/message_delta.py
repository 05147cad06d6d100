"""
Changes of messages in a folder since a link.

A message that left is `@removed`, moved or deleted: learn.microsoft.com/graph/delta-query-messages,
and reported observations.
"""

import base64
from dataclasses import dataclass, replace
from typing import Any

import orjson

from integrations.sandbox.mail.entry import HistoryRecord, MailboxEntry
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.request import GraphRequest
from integrations.sandbox.microsoft.mail import exchange_format, message_queries
from integrations.sandbox.microsoft.mail.outlook_mailbox import OutlookFolder

DEFAULT_PAGE = 10
# Properties that change with these labels.
PROPERTIES = {"UNREAD": "isRead", "STARRED": "flag", "IMPORTANT": "importance"}


@dataclass(frozen=True)
class DeltaLink:
    """
    `since` is the history id of the last round (0 in the first), `until` of this one; `offset`
    counts shown items, `last` is the key of the last.
    """

    folder: str
    select: str
    filter_text: str
    kinds: str
    since: int
    until: int
    offset: int = 0
    last: tuple[int, int] | None = None
    is_empty: bool = False
    # The chain after one first round, and the link's number in it.
    chain: int = 0
    generation: int = 0

    def __str__(self) -> str:
        values = [*self.__dict__.values()]
        return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "DeltaLink":
        try:
            body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            values = dict(zip(cls.__dataclass_fields__, orjson.loads(body), strict=True))
            values["last"] = tuple(values["last"]) if values["last"] else None
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise problems.bad_request("Badly formed token.", "syncStateInvalid") from error


def list_changes(request: GraphRequest) -> dict[str, Any]:
    folder = request.find_folder()
    token = request.call.get_param("$deltatoken") or request.call.get_param("$skiptoken")
    exchange_format.check_select(request.get_option("select"))
    history = request.outlook.store.history_id
    link = (
        DeltaLink.parse(token)
        if token
        else DeltaLink(
            folder.id,
            request.get_option("select"),
            request.get_option("filter"),
            request.call.get_param("changeType"),
            0,
            history,
        )
    )
    if link.folder != folder.id:
        raise problems.bad_request("Badly formed token.", "syncStateInvalid")
    if not token:
        link = replace(link, chain=request.outlook.begin_chain())
    elif not request.outlook.remembers_link(
        link.chain, link.generation, request.state.knobs.graph_links_kept
    ):
        raise problems.sync_state_not_found(f"{request.url}?$deltatoken=")
    if "$deltatoken" in request.call.query:
        link = DeltaLink(
            link.folder, link.select, link.filter_text, link.kinds, link.until, history,
            chain=link.chain,
        )  # fmt: skip
    if link.is_empty:
        next_link = replace(link, is_empty=False)
        return _make_page(request, [], next_link, is_last=False)
    size = request.get_page_size(DEFAULT_PAGE)
    if not link.since:
        return _list_first_round(request, folder, link, size)
    return _list_next_round(request, folder, link, size)


def _list_first_round(
    request: GraphRequest, folder: OutlookFolder, link: DeltaLink, size: int
) -> dict[str, Any]:
    test = odata.compile_filter(link.filter_text)
    value: list[dict[str, Any]] = []
    last = link.last
    is_last = True
    for entry in request.outlook.store.iterate_newest_first(link.last):
        if request.outlook.get_folder_label(entry.labels) != folder.label:
            continue
        if len(value) == size:
            is_last = False
            break
        last = (entry.date, entry.id)
        if link.filter_text and not test(message_queries.format_message(request, entry, "")):
            continue
        value.append(message_queries.format_message(request, entry, link.select))
    next_link = replace(link, last=last, offset=link.offset + len(value))
    return _make_page(request, value, next_link, is_last=is_last)


def _list_next_round(
    request: GraphRequest, folder: OutlookFolder, link: DeltaLink, size: int
) -> dict[str, Any]:
    changes = request.outlook.store.get_changes_since(link.since)
    if changes is None:
        location = f"{request.url}?$deltatoken="
        raise problems.sync_state_not_found(location)
    changes_by_message: dict[int, list[HistoryRecord]] = {}
    for change in changes:
        if change.id <= link.until:
            changes_by_message.setdefault(change.message_id, []).append(change)
    value = [
        item
        for message_id, message_changes in changes_by_message.items()
        if (
            item := _describe_changes(
                request,
                folder,
                link,
                request.outlook.store.entries.get(message_id),
                message_changes,
            )
        )
    ]
    if request.state.knobs.graph_repetition and value:
        value = [*value[-1:], *value]
    page = value[link.offset : link.offset + size]
    is_last = link.offset + size >= len(value)
    next_link = replace(link, offset=link.offset + len(page))
    return _make_page(request, page, next_link, is_last=is_last)


def _describe_changes(
    request: GraphRequest,
    folder: OutlookFolder,
    link: DeltaLink,
    entry: MailboxEntry | None,
    message_changes: list[HistoryRecord],
) -> dict[str, Any] | None:
    outlook = request.outlook
    is_new = message_changes[0].kind == "messagesAdded"
    was_in_folder = (
        not is_new
        and outlook.get_folder_label(outlook.get_labels_before(message_changes[0])) == folder.label
    )
    was_inside = [
        outlook.get_folder_label(change.labels) == folder.label for change in message_changes
    ]
    is_inside = entry is not None and outlook.get_folder_label(entry.labels) == folder.label
    has_left = was_in_folder and not all(was_inside)
    if (
        is_inside
        and entry is not None
        and not (has_left and request.state.knobs.graph_round_trips_lost)
    ):
        change_type = "created" if not was_in_folder else "updated"
        if link.kinds not in ("", change_type):
            return None
        item = message_queries.format_message(request, entry, link.select)
        return (
            _keep_changed_properties(request, item, message_changes)
            if was_in_folder and request.state.knobs.graph_partial_changes
            else item
        )
    if not was_in_folder and not any(was_inside):
        return None
    if link.kinds not in ("", "deleted"):
        return None
    reason = "deleted" if entry is None else request.state.knobs.graph_move_reason
    message_id = message_changes[0].message_id
    return {
        "@odata.type": "#microsoft.graph.message",
        "id": outlook.make_id(message_id, immutable=request.wants_immutable_ids),
        "@removed": {"reason": reason},
    }


def _keep_changed_properties(
    request: GraphRequest, item: dict[str, Any], message_changes: list[HistoryRecord]
) -> dict[str, Any]:
    """The minimum that Graph promises."""
    extras = request.outlook.extras.get(message_changes[0].message_id)
    names = {
        PROPERTIES[label]
        for change in message_changes
        for label in change.changed_labels & PROPERTIES.keys()
    }
    for change in message_changes:
        names |= extras.changed.get(change.id, set()) if extras else set()
    return {name: value for name, value in item.items() if name in names | {"id", "@odata.etag"}}


def _make_page(
    request: GraphRequest, value: list[dict[str, Any]], next_link: DeltaLink, *, is_last: bool
) -> dict[str, Any]:
    next_link = replace(next_link, generation=request.outlook.next_generation(next_link.chain))
    body: dict[str, Any] = {
        "@odata.context": f"{request.state.url}/v1.0/$metadata#Collection(message)",
        "value": value,
    }
    if is_last:
        body["@odata.deltaLink"] = f"{request.url}?$deltatoken={next_link}"
        return body
    if request.state.knobs.graph_empty_pages and value:
        next_link = replace(next_link, is_empty=True)
    body["@odata.nextLink"] = f"{request.url}?$skiptoken={next_link}"
    return body
