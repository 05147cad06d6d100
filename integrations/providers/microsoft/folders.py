"""
A mailbox's folders: what each is in our words, which of them are read, and whether they changed.

Exchange has each message in one folder. Junk, the bin, what is on its way out, recorded chats, and
whatever Outlook itself hides, with all that lies inside them, are not read.

The list is kept in the cursor from one poll to the next. A poll asks Graph for changes of folders
and reads the list again if Graph tells of a folder that is new, gone, renamed, moved or hidden.
Graph's delta does not tell which folder has a well-known name, so the list is also read again
after `KEPT_FOR`. https://learn.microsoft.com/en-us/graph/api/mailfolder-delta
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from integrations.providers import errors, values
from integrations.providers.access import Access
from integrations.providers.base import provider_id

from .batch import call_in_batches
from .calls import Outcome, Request, call, segment

# https://learn.microsoft.com/en-us/graph/api/resources/mailfolder: names that stand for an id,
# whatever language the folder is shown in. An id does not tell its name.
_WORDS: Final[Mapping[str, str]] = {
    "inbox": "inbox",
    "drafts": "drafts",
    "sentitems": "sent",
    "archive": "archive",
}
_UNREAD: Final = ("deleteditems", "junkemail", "outbox", "conversationhistory")
_SELECT: Final = "id,displayName,parentFolderId,totalItemCount,isHidden"
_PAGE: Final = "odata.maxpagesize=200"
# A mailbox has hundreds at the most; a list that goes on for ever ends somewhere.
_MOST_PAGES: Final = 100
_DEEPEST: Final = 100
#: Seconds after which the list is read again, whatever the changes of folders tell.
KEPT_FOR: Final = 3_600.0

# Its name, the id of the folder that it lies in, and whether Outlook shows it.
Entry = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders that are read, by id: `words` of ours, `names` of the person's own folders."""

    words: Mapping[str, str]
    names: Mapping[str, str]

    def __contains__(self, folder_id: object) -> bool:
        return folder_id in self.words or folder_id in self.names

    @property
    def ids(self) -> tuple[str, ...]:
        return (*self.words, *self.names)


@dataclass(frozen=True, slots=True)
class FolderList:
    """
    All folders of a mailbox, as they were read at one moment.

    :param well_known: ids by the name that stands for them
    :param entries: by id
    :param link: where Graph tells what changed of the folders since; empty if it gave none
    :param read_at: in seconds since 1970
    :param message_count: of all folders; 0 in a list that was kept
    """

    well_known: Mapping[str, str]
    entries: Mapping[str, Entry]
    link: str
    read_at: float
    message_count: int = 0

    def to_json(self) -> list[Any]:
        return [self.well_known, self.entries, self.link, int(self.read_at)]

    @classmethod
    def from_json(cls, kept: list[Any]) -> FolderList:
        """:raises ValueError, TypeError, AttributeError: if it is none of ours"""
        well_known, entries, link, read_at = kept
        return cls(
            {name: str(folder_id) for name, folder_id in well_known.items()},
            {
                folder_id: (str(name), str(parent), bool(is_shown))
                for folder_id, (name, parent, is_shown) in entries.items()
            },
            str(link),
            float(read_at),
        )

    def is_current(self, now: float) -> bool:
        """Return whether it is enough to ask Graph what has changed since."""
        return bool(self.link) and 0 <= now - self.read_at < KEPT_FOR

    def find_readable(self) -> Folders:
        """Return the folders that are read."""
        known = self.well_known
        unread = {known[name] for name in _UNREAD if name in known}
        words = {known[name]: word for name, word in _WORDS.items() if name in known}
        paths = {one: _path(one, self.entries) for one in self.entries}
        names = {
            one: " / ".join(self.entries[step][0] for step in path)
            for one, path in paths.items()
            if one not in words
            and not unread.intersection(path)
            and all(self.entries[step][2] for step in path)
        }
        return Folders(words, names)

    def has_same_folders(self, other: FolderList) -> bool:
        """Return whether both have the same names and places, also of folders that are not read."""
        return self.entries == other.entries and self.well_known == other.well_known

    def changes_request(self) -> Request:
        """Return the request for what changed of the folders since the list was read."""
        return Request(self.link, prefer=(_PAGE,))

    def follow(self, answer: Outcome, access: Access) -> FolderList | None:
        """
        Return this list with the link that ends `answer`; None if the list has changed.

        Graph may also tell of a folder because a message came or was read. That is no change.
        """
        try:
            if isinstance(answer, errors.ProviderError):
                raise answer
            told, link = _read_round(answer, access)
        except (errors.CursorExpired, errors.Gone):
            return None
        if any(self._is_changed_by(one) for one in told):
            return None
        return replace(self, link=link)

    def _is_changed_by(self, told: Any) -> bool:
        if not isinstance(told, dict):
            return True
        known = self.entries.get(str(told.get("id")))
        if known is None or "@removed" in told:
            return known is not None or "@removed" not in told
        # Graph tells at least the properties that changed.
        before = dict(zip(("displayName", "parentFolderId", "isHidden"), known, strict=True))
        now = dict(zip(before, _entry(told), strict=True))
        return any(before[name] != now[name] for name in before if name in told)


def read(access: Access, *, at: float) -> FolderList:
    """
    Return the folders as they are now: with one request, as long as they fit on a page.

    :param at: the present moment, in seconds since 1970
    """
    names = (*_WORDS, *_UNREAD)
    requests = [Request(f"/me/mailFolders/{segment(name)}", {"$select": "id"}) for name in names]
    # A first round of their changes lists all of them flat, at whatever depth.
    every = Request("/me/mailFolders/delta", {"$select": _SELECT}, prefer=(_PAGE,))
    *named, first = call_in_batches([*requests, every], access)
    well_known = _well_known(dict(zip(names, named, strict=True)))
    if isinstance(first, errors.ProviderError):
        raise first
    told, link = _read_round(first, access)
    there = [one for one in told if "@removed" not in one]
    return FolderList(
        well_known,
        {provider_id(one["id"]): _entry(one) for one in there},
        link,
        at,
        values.number(sum(values.number(one.get("totalItemCount")) for one in there)),
    )


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
    name, parent = values.text(told.get("displayName")), str(told.get("parentFolderId") or "")
    return name, parent, not (told.get("isHidden") or is_search)


def _path(folder_id: str, entries: Mapping[str, Entry]) -> Sequence[str]:
    """Return the folder and those that it lies in, the outermost first."""
    path: list[str] = []
    step = folder_id
    while step in entries and len(path) < _DEEPEST:
        path.append(step)
        step = entries[step][1]
    return tuple(reversed(path))
