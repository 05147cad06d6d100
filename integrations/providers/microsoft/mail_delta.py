"""
What changed in a mailbox, folded into what is to be done.

A poll is one batch: the links of all folders, and the changes of the folders themselves. A mailbox
of more than nineteen folders takes more.

A message that was moved is told as removed where it was, and at times as nothing else, so that
what was removed is looked up. Also one that came since the last poll is told so, from junk for
example. What is told is not said to be new or changed: its filing goes along, and it is fetched
unless it is here since before.

An item of a changed message has at least the properties that changed, and may have no others. It is
merged with the message as it is now, and never read alone. If nothing but the filing of the message
changed, its content is not fetched.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from integrations.providers import errors, unexpected_responses
from integrations.providers.access import Access
from integrations.providers.mail import ChangePage, Labels, MessageRef, Relabelled

from . import folder_delta
from . import graph_message as reading
from .batch import call_in_batches
from .folders import FolderList, Folders
from .http import Request, segment
from .mail_cursor import Cursor, Place
from .mail_delta_pages import SELECT, Told, ask_folders, ask_next, find_under_way

# What an item may have if nothing but the filing of its message changed.
_OF_FILING: Final = frozenset({"isRead", "flag", "categories", "importance", "parentFolderId"})
_BESIDE_FILING: Final = frozenset({"id", "changeKey", "lastModifiedDateTime"})


@dataclass(frozen=True, slots=True)
class Followed:
    """
    One page of changes, and what was learnt on the way.

    :param heads: of the messages that are to be fetched
    :param folders: as they are now
    """

    page: ChangePage
    heads: list[Mapping[str, Any]]
    folders: Folders


def follow(cursor: Cursor, access: Access) -> Followed:
    """
    Return one page of what changed after `cursor`.

    :raises CursorExpired: if a link is no longer good, or a folder went with what is in it
    """
    told, at = Told(), time.time()
    kept = cursor.folders
    listed: FolderList | None
    if kept is not None and kept.is_current(at):
        after, (changed,) = ask_next(cursor, access, told, [folder_delta.next_request(kept)])
        listed = folder_delta.follow(kept, changed, access)
    else:
        listed = folder_delta.read(access, at=at)
        after, _ = ask_next(_placed(cursor, listed), access, told, [])
    found = _look_up(told, access, {})
    if listed is None or _has_unlisted_folder(found.values(), listed):
        listed = folder_delta.read(access, at=at)
        after = _placed(after, listed)
        new = [one for one in after.places if one not in cursor.places]
        after = ask_folders(after, new, access, told)
        found = _look_up(told, access, found)
    folders = listed.find_readable()
    is_under_way = any(place.is_under_way for place in after.places.values())
    page = _folded(
        told,
        folders,
        found,
        cursor=replace(after, folders=listed),
        # While folders were in the middle of a round, the others were not asked.
        more=is_under_way or bool(find_under_way(cursor)),
        has_new_names=kept is None or not kept.has_same_folders(listed),
    )
    heads = (found[one.message_id] for one in page.upserted)
    return Followed(page, [one for one in heads if one is not None], folders)


def _placed(cursor: Cursor, listed: FolderList) -> Cursor:
    """Return `cursor` with a place for each folder that is read now."""
    folders = listed.find_readable()
    if any(one not in folders for one in cursor.places):
        raise errors.CursorExpired("a folder that was read is gone", reason="folder-gone")
    # What is in a new folder is news, all of it.
    return replace(cursor, places={one: cursor.places.get(one, Place()) for one in folders.ids})


def _has_unlisted_folder(items: Iterable[Mapping[str, Any] | None], listed: FolderList) -> bool:
    """Return whether one of the messages is in a folder that was made after the list was read."""
    there = (str(item.get("parentFolderId") or "") for item in items if item is not None)
    return any(one and one not in listed.entries for one in there)


def _look_up(
    told: Told, access: Access, known: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Mapping[str, Any] | None]:
    """
    Return what was told, as it is now; None of what is gone.

    What was removed or told in part is looked up, unless it is among `known`.
    """
    in_part = [one for one, item in told.shown.items() if not reading.is_whole(item)]
    wanted = dict.fromkeys(one for one in [*told.removed, *in_part] if one not in known)
    requests = [Request(f"/me/messages/{segment(one)}", {"$select": SELECT}) for one in wanted]
    found = {**told.shown, **known}
    for message_id, answer in zip(wanted, call_in_batches(requests, access), strict=True):
        if isinstance(answer, errors.ProviderError) and not isinstance(answer, errors.Gone):
            raise answer
        found[message_id] = None if isinstance(answer, errors.ProviderError) else answer
    return found


def _changes_only_filing(item: Mapping[str, Any]) -> bool:
    """Return whether an item of a delta has nothing but a new filing of its message."""
    names = {name for name in item if not name.startswith("@")} - _BESIDE_FILING
    return bool(names) and names <= _OF_FILING


def _folded(  # noqa: PLR0913
    told: Told,
    folders: Folders,
    now: Mapping[str, Mapping[str, Any] | None],
    *,
    cursor: Cursor,
    more: bool,
    has_new_names: bool,
) -> ChangePage:
    upserted: list[MessageRef] = []
    relabelled: list[Relabelled] = []
    deleted: list[str] = []
    filings: dict[str, Labels] = {}
    for message_id in dict.fromkeys([*told.shown, *told.removed]):
        item = now[message_id]
        if item is None or not reading.is_in(item, folders):
            deleted.append(message_id)
        elif message_id not in told.removed and _changes_only_filing(told.shown[message_id]):
            relabelled.append(Relabelled(reading.ref(item), reading.filing(item, folders)))
        else:
            upserted.append(reading.ref(item))
            # One that says it in another way is fetched, and set aside if it stays so.
            with suppress(*unexpected_responses.KINDS):
                if reading.keeps_its_content(item, folders):
                    filings[message_id] = reading.filing(item, folders)
    return ChangePage(
        tuple(upserted),
        tuple(relabelled),
        tuple(deleted),
        str(cursor),
        more,
        filings,
        has_new_names,
    )
