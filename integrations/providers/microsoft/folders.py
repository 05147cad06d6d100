"""
A mailbox's folders: what each is in our words, and which of them are read.

Exchange has each message in one folder. Junk, the bin, what is on its way out, recorded chats, and
whatever Outlook itself hides, with all that lies inside them, are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# https://learn.microsoft.com/en-us/graph/api/resources/mailfolder: names that stand for an id,
# whatever language the folder is shown in. An id does not tell its name.
_WORDS: Final[Mapping[str, str]] = {
    "inbox": "inbox",
    "drafts": "drafts",
    "sentitems": "sent",
    "archive": "archive",
}
_UNREAD: Final = ("deleteditems", "junkemail", "outbox", "conversationhistory")
#: Names that stand for the folders that we know by name, whether or not they are read.
WELL_KNOWN: Final = (*_WORDS, *_UNREAD)
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
        paths = {folder_id: _path(folder_id, self.entries) for folder_id in self.entries}
        names = {
            folder_id: " / ".join(self.entries[step][0] for step in path)
            for folder_id, path in paths.items()
            if folder_id not in words
            and not unread.intersection(path)
            and all(self.entries[step][2] for step in path)
        }
        return Folders(words, names)

    def has_same_folders(self, other: FolderList) -> bool:
        """Return whether both have the same names and places, also of folders that are not read."""
        return self.entries == other.entries and self.well_known == other.well_known


def _path(folder_id: str, entries: Mapping[str, Entry]) -> Sequence[str]:
    """Return the folder and those that it lies in, the outermost first."""
    path: list[str] = []
    step = folder_id
    while step in entries and len(path) < _DEEPEST:
        path.append(step)
        step = entries[step][1]
    return tuple(reversed(path))
