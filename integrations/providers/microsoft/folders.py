"""
A mailbox's folders: what each is in our words, and which of them are read.

Exchange has each message in one folder. Junk, the bin, what is on its way out, recorded chats, and
whatever Outlook itself hides, with all that lies inside them, are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from integrations.mime.message import bounded_size
from integrations.providers import errors
from integrations.providers.access import Access

from .calls import Request, call, call_each, segment

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


@dataclass(frozen=True, slots=True)
class Folders:
    """
    Those that are read, by id: `words` of ours, and `names` of the person's own, with those above.

    `message_count` is of all folders, also of those that are not read.
    """

    words: Mapping[str, str]
    names: Mapping[str, str]
    message_count: int

    def __contains__(self, folder_id: object) -> bool:
        return folder_id in self.words or folder_id in self.names

    @property
    def ids(self) -> tuple[str, ...]:
        return (*self.words, *self.names)


def read(access: Access) -> Folders:
    """Return the folders as they are now."""
    known = _well_known(access)
    unread = {known[name] for name in _UNREAD if name in known}
    words = {known[name]: word for name, word in _WORDS.items() if name in known}
    every = {str(one["id"]): one for one in _all(access)}
    paths = {one: _path(one, every) for one in every}
    names = {
        one: " / ".join(str(every[step].get("displayName") or "") for step in path)
        for one, path in paths.items()
        if one not in words and not unread.intersection(path) and _is_shown(path, every)
    }
    return Folders(
        words=words,
        names=names,
        message_count=bounded_size(
            sum(bounded_size(one.get("totalItemCount")) for one in every.values())
        ),
    )


def _well_known(access: Access) -> dict[str, str]:
    """Return the ids of the folders that have a name everywhere, by it; some mailboxes lack one."""
    names = (*_WORDS, *_UNREAD)
    requests = [Request(f"/me/mailFolders/{segment(name)}", {"$select": "id"}) for name in names]
    found: dict[str, str] = {}
    for name, answer in zip(names, call_each(requests, access), strict=True):
        if isinstance(answer, errors.Gone):
            continue
        if isinstance(answer, errors.ProviderError):
            raise answer
        found[name] = str(answer["id"])
    return found


def _all(access: Access) -> list[dict[str, Any]]:
    """Return every folder at whatever depth: a first round of their changes lists them flat."""
    found: list[dict[str, Any]] = []
    request = Request("/me/mailFolders/delta", {"$select": _SELECT}, prefer=(_PAGE,))
    for _ in range(_MOST_PAGES):
        answer = call(request, access)
        found += [one for one in answer.get("value") or () if "@removed" not in one]
        following = answer.get("@odata.nextLink")
        if not following:
            return found
        request = Request(str(following), prefer=(_PAGE,))
    raise errors.Unexpected("the list of folders does not end")


def _path(folder_id: str, every: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the folder and those that it lies in, the outermost first."""
    path: list[str] = []
    step: str | None = folder_id
    while step is not None and step in every and len(path) < _DEEPEST:
        path.append(step)
        step = every[step].get("parentFolderId")
    return tuple(reversed(path))


def _is_shown(path: Sequence[str], every: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether Outlook shows the last of `path`; a saved search is no folder."""
    return not any(
        every[step].get("isHidden") or "searchfolder" in str(every[step].get("@odata.type")).lower()
        for step in path
    )
