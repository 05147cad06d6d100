"""
What changed in a mailbox, folder by folder, folded into what is to be done.

Graph tells changes of one folder at a time, behind a link for each: the cursor is these links. A
round of a folder begins with all that is in it and ends with the link for the next.
https://learn.microsoft.com/en-us/graph/delta-query-messages

A message that was moved is told as removed where it was, and at times as nothing else, so that
what was removed is looked up. What is told is not said to be new or changed: its filing goes
along, and it is fetched unless it is here since before.

An item of a changed message has at least the properties that changed, and may have no others. It is
merged with the message as it is now, and never read alone. If nothing but the filing of the message
changed, its content is not fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from integrations.providers import errors, misread
from integrations.providers.access import Access
from integrations.providers.base import ChangePage, Labels, MessageRef, Relabelled

from . import mail_reading as reading
from .batch import call_in_batches
from .calls import Request, call_each, segment
from .client import AT_ONCE
from .folders import Folders

# With all that is shown of a message but its MIME, so that what is news is not asked for twice.
_SELECT: Final = reading.HEAD + ",createdDateTime,lastModifiedDateTime"
# What an item may have if nothing but the filing of its message changed.
_OF_FILING: Final = frozenset({"isRead", "flag", "categories", "importance", "parentFolderId"})
_BESIDE_FILING: Final = frozenset({"id", "changeKey", "lastModifiedDateTime"})
# A page is fetched whole or begun anew, so that it has to fit into what may be spent at once.
CHANGES_PAGE: Final = 50
FIRST_PAGE: Final = 500
# Pages of each folder that are gone through before the first listing; a folder with more is gone
# on with after it.
FIRST_ROUNDS: Final = 20


@dataclass(frozen=True, slots=True)
class Place:
    """
    How far the changes of one folder were followed: `link` is empty before the first round.

    With `since`, a moment in Graph's form, the first round is under way, and what was last
    changed before it is no news.
    """

    link: str = ""
    is_under_way: bool = True
    since: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """
    `places` by the folders' ids. `newest` is when the newest message was made that was ever told:
    what was made until then has been told before.
    """

    places: Mapping[str, Place] = field(default_factory=dict)
    newest: str = ""

    def __str__(self) -> str:
        places = {
            one: [place.link, place.is_under_way, place.since] for one, place in self.places.items()
        }
        return json.dumps({"places": places, "newest": self.newest}, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Cursor:
        """:raises CursorExpired: if it is none of ours"""
        try:
            found = json.loads(text)
            places = {one: Place(*said) for one, said in found["places"].items()}
            return cls(places, str(found["newest"]))
        except (ValueError, LookupError, TypeError, AttributeError):
            pass
        raise errors.CursorExpired("the cursor cannot be read")


@dataclass(slots=True)
class _Told:
    """What some pages told, by message id. `shown` keeps the order."""

    shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.shown) + len(self.removed)


def begin(folders: Folders, access: Access, *, since: str) -> Cursor:
    """
    Return where the changes of all folders begin, with what is in them gone through.

    :param since: a moment before now: what changed later is news where a folder is too large to be
        gone through here
    """
    cursor = Cursor({one: Place(since=since) for one in folders.ids})
    for _ in range(FIRST_ROUNDS):
        going_on = [one for one, place in cursor.places.items() if place.is_under_way]
        if not going_on:
            break
        cursor = _asked(cursor, going_on, access, size=FIRST_PAGE, told=_Told())
    return cursor


def follow(
    cursor: Cursor, folders: Folders, access: Access
) -> tuple[ChangePage, list[Mapping[str, Any]]]:
    """
    Return one page of what changed after `cursor`, and heads of what is to be fetched.

    :raises CursorExpired: if a link is no longer good, or a folder went with what is in it
    """
    if any(one not in folders for one in cursor.places):
        raise errors.CursorExpired("a folder that was read is gone", reason="folder-gone")
    # What is in a new folder is news, all of it.
    after = replace(cursor, places={one: cursor.places.get(one, Place()) for one in folders.ids})
    told, ids = _Told(), list(after.places)
    asked = 0
    while asked < len(ids) and len(told) < CHANGES_PAGE:
        some = ids[asked : asked + AT_ONCE]
        after = _asked(after, some, access, size=CHANGES_PAGE, told=told)
        asked += len(some)
    is_under_way = any(place.is_under_way for place in after.places.values())
    now = {**told.shown, **_now(told, access)}
    page = _folded(
        told,
        folders,
        now,
        known_until=cursor.newest,
        cursor=str(after),
        more=is_under_way or asked < len(ids),
    )
    heads = (now[one.message_id] for one in page.upserted)
    return page, [one for one in heads if one is not None]


def _asked(cursor: Cursor, ids: Sequence[str], access: Access, *, size: int, told: _Told) -> Cursor:
    """Return `cursor` one page further in each of these folders; what they told goes to `told`."""
    requests = [_request(one, cursor.places[one], size) for one in ids]
    answers = call_each(requests, access, not_found=errors.CursorExpired)
    places, newest = dict(cursor.places), cursor.newest
    for folder_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, errors.ProviderError):
            raise answer
        place = places[folder_id]
        for item in reading.listed(answer):
            newest = max(newest, str(item.get("createdDateTime") or ""))
            _tell(item, place, told)
        places[folder_id] = _following(answer, place)
    return Cursor(places, newest)


def _request(folder_id: str, place: Place, size: int) -> Request:
    prefer = (f"odata.maxpagesize={size}",)
    if place.link:
        return Request(place.link, prefer=prefer)
    path = f"/me/mailFolders/{segment(folder_id)}/messages/delta"
    return Request(path, {"$select": _SELECT}, prefer=prefer)


def _following(answer: Mapping[str, Any], place: Place) -> Place:
    if going_on := answer.get("@odata.nextLink"):
        if going_on == place.link:
            raise errors.Unexpected("a page of changes leads to itself")
        return replace(place, link=str(going_on), is_under_way=True)
    if end := answer.get("@odata.deltaLink"):
        return Place(link=str(end), is_under_way=False)
    raise errors.Unexpected("a page of changes leads nowhere")


def _tell(item: Mapping[str, Any], place: Place, told: _Told) -> None:
    message_id = str(item["id"])
    if "@removed" in item:
        told.removed[message_id] = None
    elif not place.since or str(item.get("lastModifiedDateTime") or place.since) >= place.since:
        # The last word counts, at the place of the first.
        told.shown[message_id] = {**told.shown.get(message_id, {}), **item}


def _now(told: _Told, access: Access) -> dict[str, Mapping[str, Any] | None]:
    """Return as they are now those that were removed, or told in part; None of what is gone."""
    wanted = dict.fromkeys(
        [*told.removed, *(one for one, item in told.shown.items() if not reading.is_whole(item))]
    )
    requests = [Request(f"/me/messages/{segment(one)}", {"$select": _SELECT}) for one in wanted]
    found: dict[str, Mapping[str, Any] | None] = {}
    for message_id, answer in zip(wanted, call_in_batches(requests, access), strict=True):
        if isinstance(answer, errors.ProviderError) and not isinstance(answer, errors.Gone):
            raise answer
        found[message_id] = None if isinstance(answer, errors.ProviderError) else answer
    return found


def _is_only_moved(item: Mapping[str, Any], folders: Folders, known_until: str) -> bool:
    """
    Return whether what was removed was in a folder that is read, and is in another, or there again.

    A draft that was sent left its folder as well, perhaps with its last words.
    """
    is_known = str(item.get("createdDateTime")) <= known_until
    return is_known and "sent" not in reading.filing(item, folders).folders


def _changes_only_filing(item: Mapping[str, Any]) -> bool:
    """Return whether an item of a delta has nothing but a new filing of its message."""
    names = {name for name in item if not name.startswith("@")} - _BESIDE_FILING
    return bool(names) and names <= _OF_FILING


def _folded(  # noqa: PLR0913
    told: _Told,
    folders: Folders,
    now: Mapping[str, Mapping[str, Any] | None],
    *,
    known_until: str,
    cursor: str,
    more: bool,
) -> ChangePage:
    upserted: list[MessageRef] = []
    relabelled: list[Relabelled] = []
    deleted: list[str] = []
    filings: dict[str, Labels] = {}
    for message_id in dict.fromkeys([*told.shown, *told.removed]):
        item = now[message_id]
        if item is None or not reading.is_in(item, folders):
            deleted.append(message_id)
        elif (
            message_id in told.removed and _is_only_moved(item, folders, known_until)
        ) or _changes_only_filing(told.shown.get(message_id, {})):
            relabelled.append(Relabelled(reading.ref(item), reading.filing(item, folders)))
        else:
            upserted.append(reading.ref(item))
            # One that says it in another way is fetched, and set aside if it stays so.
            with suppress(*misread.KINDS):
                if reading.keeps_its_content(item, folders):
                    filings[message_id] = reading.filing(item, folders)
    return ChangePage(tuple(upserted), tuple(relabelled), tuple(deleted), cursor, more, filings)
