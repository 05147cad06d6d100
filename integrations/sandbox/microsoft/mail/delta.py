"""
What changed in one folder since a link was handed out; `folders` has what changed of folders.

A link holds where in the mailbox's history its round began, and where in the folder it stands. A
message that left is `@removed`, whether it was moved or is gone: learn.microsoft.com/graph/
delta-query-messages, and what was reported of it.
"""

import base64
from dataclasses import dataclass, replace
from typing import Any

import orjson

from integrations.sandbox.mail.entry import Change, Entry
from integrations.sandbox.microsoft.graph import odata, problems
from integrations.sandbox.microsoft.graph.ask import Ask
from integrations.sandbox.microsoft.mail import exchange, reading
from integrations.sandbox.microsoft.mail.outlook import Folder

DEFAULT_PAGE = 10
# What a change of these labels changes of a message in its folder.
PROPERTIES = {"UNREAD": "isRead", "STARRED": "flag", "IMPORTANT": "importance"}


@dataclass(frozen=True)
class Link:
    """
    `since` is the history id of the last round (0 in the first), `until` that at which this one
    began; `place` how many items were shown, or the key of the last; `is_empty` the page that
    shows nothing.
    """

    folder: str
    select: str
    filtered: str
    kinds: str
    since: int
    until: int
    place: int = 0
    last: tuple[int, int] | None = None
    is_empty: bool = False
    # Of one first round and all that follows; and which of its links this is.
    chain: int = 0
    generation: int = 0

    def __str__(self) -> str:
        values = [*self.__dict__.values()]
        return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Link":
        try:
            body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            values = dict(zip(cls.__dataclass_fields__, orjson.loads(body), strict=True))
            values["last"] = tuple(values["last"]) if values["last"] else None
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise problems.bad_request("Badly formed token.", "syncStateInvalid") from error


def messages(ask: Ask) -> dict[str, Any]:
    folder = ask.folder()
    token = ask.call.first("$deltatoken") or ask.call.first("$skiptoken")
    exchange.check_select(ask.option("select"))
    history = ask.outlook.box.history_id
    link = Link.read(token) if token else Link(
        folder.id, ask.option("select"), ask.option("filter"), ask.call.first("changeType"),
        0, history,
    )  # fmt: skip
    if link.folder != folder.id:
        raise problems.bad_request("Badly formed token.", "syncStateInvalid")
    if not token:
        link = replace(link, chain=ask.outlook.begin_chain())
    elif not ask.outlook.remembers(link.chain, link.generation, ask.world.dials.graph_links_kept):
        raise problems.sync_state_not_found(f"{ask.url}?$deltatoken=")
    if "$deltatoken" in ask.call.query:
        link = Link(
            link.folder, link.select, link.filtered, link.kinds, link.until, history,
            chain=link.chain,
        )  # fmt: skip
    if link.is_empty:
        after = Link(**(link.__dict__ | {"is_empty": False}))
        return _body(ask, [], after, is_last=False)
    size = ask.page_size(DEFAULT_PAGE)
    if not link.since:
        return _first(ask, folder, link, size)
    return _later(ask, folder, link, size)


def _first(ask: Ask, folder: Folder, link: Link, size: int) -> dict[str, Any]:
    """Everything, newest first."""
    test = odata.compile_filter(link.filtered)
    value: list[dict[str, Any]] = []
    last = link.last
    is_last = True
    for entry in ask.outlook.box.newest_first(link.last):
        if ask.outlook.label_of(entry.labels) != folder.label:
            continue
        if len(value) == size:
            is_last = False
            break
        last = (entry.date, entry.id)
        if link.filtered and not test(reading.shown(ask, entry, "")):
            continue
        value.append(reading.shown(ask, entry, link.select))
    after = Link(**(link.__dict__ | {"last": last, "place": link.place + len(value)}))
    return _body(ask, value, after, is_last=is_last)


def _later(ask: Ask, folder: Folder, link: Link, size: int) -> dict[str, Any]:
    changes = ask.outlook.box.changes_since(link.since)
    if changes is None:
        location = f"{ask.url}?$deltatoken="
        raise problems.sync_state_not_found(location)
    told: dict[int, list[Change]] = {}
    for change in changes:
        if change.id <= link.until:
            told.setdefault(change.message_id, []).append(change)
    value = [
        made
        for number, its in told.items()
        if (made := _told(ask, folder, link, ask.outlook.box.entries.get(number), its))
    ]
    if ask.world.dials.graph_repetition and value:
        value = [*value[-1:], *value]
    page = value[link.place : link.place + size]
    is_last = link.place + size >= len(value)
    after = Link(**(link.__dict__ | {"place": link.place + len(page)}))
    return _body(ask, page, after, is_last=is_last)


def _told(
    ask: Ask, folder: Folder, link: Link, entry: Entry | None, its: list[Change]
) -> dict[str, Any] | None:
    outlook = ask.outlook
    is_new = its[0].kind == "messagesAdded"
    was = not is_new and outlook.label_of(outlook.before(its[0])) == folder.label
    seen = [outlook.label_of(one.labels) == folder.label for one in its]
    here = entry is not None and outlook.label_of(entry.labels) == folder.label
    left = was and not all(seen)
    if here and entry is not None and not (left and ask.world.dials.graph_round_trips_lost):
        wanted = "created" if not was else "updated"
        if link.kinds not in ("", wanted):
            return None
        made = reading.shown(ask, entry, link.select)
        return _part(ask, made, its) if was and ask.world.dials.graph_partial_changes else made
    if not was and not any(seen):
        return None
    if link.kinds not in ("", "deleted"):
        return None
    reason = "deleted" if entry is None else ask.world.dials.graph_move_reason
    number = its[0].message_id
    return {
        "@odata.type": "#microsoft.graph.message",
        "id": outlook.id_of(number, immutable=ask.immutable),
        "@removed": {"reason": reason},
    }


def _part(ask: Ask, made: dict[str, Any], its: list[Change]) -> dict[str, Any]:
    """Only what these changes changed of a message: at least that is promised."""
    beside = ask.outlook.beside.get(its[0].message_id)
    names = {PROPERTIES[label] for one in its for label in one.changed & PROPERTIES.keys()}
    for one in its:
        names |= beside.changed.get(one.id, set()) if beside else set()
    return {name: value for name, value in made.items() if name in names | {"id", "@odata.etag"}}


def _body(ask: Ask, value: list[dict[str, Any]], after: Link, *, is_last: bool) -> dict[str, Any]:
    after = replace(after, generation=ask.outlook.next_generation(after.chain))
    body: dict[str, Any] = {
        "@odata.context": f"{ask.world.url}/v1.0/$metadata#Collection(message)",
        "value": value,
    }
    if is_last:
        body["@odata.deltaLink"] = f"{ask.url}?$deltatoken={after}"
        return body
    if ask.world.dials.graph_empty_pages and value:
        after = Link(**(after.__dict__ | {"is_empty": True}))
    body["@odata.nextLink"] = f"{ask.url}?$skiptoken={after}"
    return body
