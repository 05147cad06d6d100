"""
A mailbox's folders, and whether their mail is read.

Each message is in one folder. Junk, deleted items, the outbox, recorded chats, hidden folders,
and their subfolders are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# https://learn.microsoft.com/en-us/graph/api/resources/mailfolder: well-known names, independent of
# the display language. An id does not reveal its name.
_SYSTEM_FOLDERS: Final[Mapping[str, str]] = {
    "inbox": "inbox",
    "drafts": "drafts",
    "sentitems": "sent",
    "archive": "archive",
}
_SKIPPED_FOLDERS: Final = ("deleteditems", "junkemail", "outbox", "conversationhistory")
#: All well-known names in use, read or not.
WELL_KNOWN: Final = (*_SYSTEM_FOLDERS, *_SKIPPED_FOLDERS)
_MAX_DEPTH: Final = 100
#: Seconds until the list is read again, even without changes.
KEPT_FOR: Final = 3_600.0

# Name, id of the parent folder, and whether Outlook shows the folder.
FolderEntry = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class ReadableFolders:
    """By id: `system_names` of Antares, `names` of the user's own folders."""

    system_names: Mapping[str, str]
    names: Mapping[str, str]

    def __contains__(self, folder_id: object) -> bool:
        return folder_id in self.system_names or folder_id in self.names

    @property
    def folder_ids(self) -> tuple[str, ...]:
        return (*self.system_names, *self.names)


@dataclass(frozen=True, slots=True)
class FolderList:
    """
    All folders at one moment.

    :param well_known: ids by well-known name
    :param entries: by id
    :param link: Graph's link to later changes, if any
    :param read_at: seconds since 1970
    :param message_count: 0 in a stored list
    """

    well_known: Mapping[str, str]
    entries: Mapping[str, FolderEntry]
    link: str
    read_at: float
    message_count: int = 0

    def to_json(self) -> list[Any]:
        return [self.well_known, self.entries, self.link, int(self.read_at)]

    @classmethod
    def from_json(cls, values: list[Any]) -> FolderList:
        """:raises ValueError, TypeError, AttributeError: if `values` are malformed"""
        well_known, entries, link, read_at = values
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
        return bool(self.link) and 0 <= now - self.read_at < KEPT_FOR

    def find_readable(self) -> ReadableFolders:
        well_known = self.well_known
        skipped = {well_known[name] for name in _SKIPPED_FOLDERS if name in well_known}
        system_names = {
            well_known[name]: system_name
            for name, system_name in _SYSTEM_FOLDERS.items()
            if name in well_known
        }
        paths = {folder_id: _find_path(folder_id, self.entries) for folder_id in self.entries}
        names = {
            folder_id: " / ".join(self.entries[step][0] for step in path)
            for folder_id, path in paths.items()
            if folder_id not in system_names
            and not skipped.intersection(path)
            and all(self.entries[step][2] for step in path)
        }
        return ReadableFolders(system_names, names)

    def has_same_folders(self, other: FolderList) -> bool:
        """Include folders that are not read."""
        return self.entries == other.entries and self.well_known == other.well_known


def _find_path(folder_id: str, entries: Mapping[str, FolderEntry]) -> Sequence[str]:
    path: list[str] = []
    step = folder_id
    while step in entries and len(path) < _MAX_DEPTH:
        path.append(step)
        step = entries[step][1]
    return tuple(reversed(path))
