"""
Rounds of changes: a page of each folder, as many folders as go into a batch.

Graph tells changes of one folder at a time, behind a link for each. A round of a folder begins with
all that is in it and ends with the link for the next.
https://learn.microsoft.com/en-us/graph/delta-query-messages

A folder with more changes than fit on a page is under way until its round ends. As long as a folder
is under way, the others are not asked. Exchange forgets a link after a few answers to it. So the
answer to a link may be left unused once; the next answer to the same link is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from integrations.providers import errors
from integrations.providers.access import Access

from . import graph_message as reading
from .batch import MOST_PARTS, call_in_batches
from .folders import FolderList
from .http import Outcome, Request, call_each, segment
from .mail_cursor import Cursor, Place
from .mailbox_concurrency import AT_ONCE

#: All that is shown of a message but its MIME, so that what is news is not asked for twice.
SELECT: Final = reading.HEAD + ",lastModifiedDateTime"
# A page is fetched whole or begun anew, so that it has to fit into what may be spent at once.
CHANGES_PAGE: Final = 50
FIRST_PAGE: Final = 500
# Pages of each folder that are gone through before the first listing; a folder with more is gone
# on with after it.
FIRST_ROUNDS: Final = 20


@dataclass(slots=True)
class Told:
    """What some pages told, by message id. `shown` keeps the order."""

    shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.shown) + len(self.removed)


def begin(folders: FolderList, access: Access, *, since: str) -> Cursor:
    """
    Return where the changes of all folders begin, with what is in them gone through.

    :param since: a moment before now: what changed later is news where a folder is too large to be
        gone through here
    """
    places = {one: Place(since=since) for one in folders.find_readable().ids}
    cursor = Cursor(places, folders=folders)
    for _ in range(FIRST_ROUNDS):
        under_way = [one for one, place in cursor.places.items() if place.is_under_way]
        if not under_way:
            break
        requests = [_request(one, cursor.places[one], FIRST_PAGE) for one in under_way]
        answers = call_each(requests, access)
        cursor = _advance(cursor, under_way, answers, Told(), takes_all=True)
    return cursor


def find_under_way(cursor: Cursor) -> list[str]:
    """Return the folders in the middle of a round; a new folder has not begun its first."""
    return [one for one, place in cursor.places.items() if place.is_under_way and place.link]


def ask_next(
    cursor: Cursor, access: Access, told: Told, beside: Sequence[Request]
) -> tuple[Cursor, list[Outcome]]:
    """
    Return `cursor` one page further, and the answers to `beside`, which go into the same batch.

    :param told: receives what the folders tell: a page or two, or a page of each of `AT_ONCE`
    :raises CursorExpired: if a link is no longer good, or a folder is gone
    """
    under_way = find_under_way(cursor)[:AT_ONCE]
    ids, room = under_way or list(cursor.places), MOST_PARTS - len(beside)
    first, rest = ids[:room], ids[room:]
    requests = [_request(one, cursor.places[one], CHANGES_PAGE) for one in first]
    answers = call_in_batches([*beside, *requests], access)
    cursor = _advance(cursor, first, answers[len(beside) :], told, takes_all=bool(under_way))
    return ask_folders(cursor, rest, access, told), answers[: len(beside)]


def ask_folders(cursor: Cursor, ids: Sequence[str], access: Access, told: Told) -> Cursor:
    """Return `cursor` one page further in these folders, as far as the page of changes has room."""
    for at in range(0, len(ids), MOST_PARTS):
        some = ids[at : at + MOST_PARTS]
        if len(told) < CHANGES_PAGE:
            requests = [_request(one, cursor.places[one], CHANGES_PAGE) for one in some]
            cursor = _advance(cursor, some, call_in_batches(requests, access), told)
        else:
            cursor = _put_off(cursor, some)
    return cursor


def _request(folder_id: str, place: Place, size: int) -> Request:
    prefer = (f"odata.maxpagesize={size}",)
    if place.link:
        return Request(place.link, prefer=prefer)
    path = f"/me/mailFolders/{segment(folder_id)}/messages/delta"
    return Request(path, {"$select": SELECT}, prefer=prefer)


def _advance(
    cursor: Cursor,
    ids: Sequence[str],
    answers: Sequence[Outcome],
    told: Told,
    *,
    takes_all: bool = False,
) -> Cursor:
    """
    Return `cursor` at the end of these answers, one for each folder, and add them to `told`.

    :param takes_all: add also what goes beyond a page of changes
    """
    places = dict(cursor.places)
    for folder_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, errors.Gone):
            raise errors.CursorExpired("a folder that was read is gone", reason="folder-gone")
        if isinstance(answer, errors.ProviderError):
            raise answer
        place, items = places[folder_id], reading.listed(answer)
        if items and len(told) >= CHANGES_PAGE and not takes_all:
            # The next page asks for it again, from where it stands.
            places[folder_id] = replace(place, is_under_way=True)
            continue
        for item in items:
            _tell(item, place, told)
        places[folder_id] = _following(answer, place)
    return replace(cursor, places=places)


def _put_off(cursor: Cursor, ids: Sequence[str]) -> Cursor:
    """Return `cursor` with these folders to be asked on the next page."""
    put_off = {one: replace(cursor.places[one], is_under_way=True) for one in ids}
    return replace(cursor, places={**cursor.places, **put_off})


def _following(answer: Mapping[str, Any], place: Place) -> Place:
    if going_on := answer.get("@odata.nextLink"):
        if going_on == place.link:
            raise errors.Unexpected("a page of changes leads to itself")
        return replace(place, link=str(going_on), is_under_way=True)
    if end := answer.get("@odata.deltaLink"):
        return Place(link=str(end), is_under_way=False)
    raise errors.Unexpected("a page of changes leads nowhere")


def _tell(item: Mapping[str, Any], place: Place, told: Told) -> None:
    message_id = str(item["id"])
    if "@removed" in item:
        told.removed[message_id] = None
    elif not place.since or str(item.get("lastModifiedDateTime") or place.since) >= place.since:
        # The last word counts, at the place of the first.
        told.shown[message_id] = {**told.shown.get(message_id, {}), **item}
