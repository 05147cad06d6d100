"""The Drive of an account: files, folders, and which project may see them."""

import secrets
from collections import Counter
from dataclasses import dataclass, field

from integrations.sandbox.google.drive.content import StoredContent

FOLDER_TYPE = "application/vnd.google-apps.folder"
# Types without content of their own: folders, shortcuts, Docs.
GOOGLE_TYPES = "application/vnd.google-apps."
# Bytes of a free account.
DEFAULT_LIMIT = 15 * 2**30


def new_file_id() -> str:
    return f"1{secrets.token_urlsafe(24)}"


@dataclass
class DriveFile:
    """
    Times are seconds since the epoch. The files of the user have no project.

    `app_properties` are private to each project.
    """

    id: str
    name: str
    mime_type: str
    parent: str
    project: str
    created_at: float
    modified_at: float
    content: StoredContent | None = None
    revision: str = ""
    version: int = 1
    explicitly_trashed: bool = False
    deleted: bool = False
    app_properties: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        return self.mime_type == FOLDER_TYPE

    @property
    def size(self) -> int:
        return self.content.size if self.content else 0


class AccountDrive:
    """
    `limit` is the storage in bytes; 0 is unlimited. `other_usage` is that of other services.

    Deleted files stay as entries: their ids are never free again.
    """

    def __init__(self, *, limit: int = DEFAULT_LIMIT, other_usage: int = 0) -> None:
        self.root_id = f"0A{secrets.token_urlsafe(12)}"
        self.limit, self.other_usage = limit, other_usage
        self.entries: dict[str, DriveFile] = {}
        self.generated_ids: set[str] = set()
        self.creations: Counter[str] = Counter()
        self._picked: set[tuple[str, str]] = set()

    @property
    def usage_in_drive(self) -> int:
        """Bytes, those of the trash too."""
        return sum(file.size for file in self.entries.values() if not file.deleted)

    def has_room(self, size: int) -> bool:
        return not self.limit or self.other_usage + self.usage_in_drive + size <= self.limit

    def add_file(self, file: DriveFile) -> None:
        self.entries[file.id] = file
        self.creations[file.id] += 1

    def find_file(self, file_id: str, project: str | None = None) -> DriveFile | None:
        """:param project: that has to see the file; None is the user"""
        file = self.entries.get(file_id)
        if file is None or file.deleted:
            return None
        return file if project is None or self.is_visible(file, project) else None

    def is_visible(self, file: DriveFile, project: str) -> bool:
        """As with the scope drive.file: the project created the file, or the user picked it."""
        return file.project == project or (project, file.id) in self._picked

    def pick_file(self, file_id: str, project: str) -> None:
        self._picked.add((project, file_id))

    def list_files(self, project: str | None = None) -> list[DriveFile]:
        return [
            file
            for file in self.entries.values()
            if not file.deleted and (project is None or self.is_visible(file, project))
        ]

    def is_trashed(self, file: DriveFile) -> bool:
        """A file is trashed with its folder."""
        seen: set[str] = set()
        current: DriveFile | None = file
        while current is not None and current.id not in seen:
            if current.explicitly_trashed:
                return True
            seen.add(current.id)
            current = self.entries.get(current.parent)
        return False

    def delete_file(self, file: DriveFile) -> None:
        """For good, and a folder with what is inside."""
        file.deleted = True
        if file.content:
            file.content.release()
        for child in list(self.entries.values()):
            if child.parent == file.id and not child.deleted:
                self.delete_file(child)

    def is_inside(self, file_id: str, folder_id: str) -> bool:
        """Whether the folder is the file itself or one of its ancestors."""
        current: str = file_id
        seen: set[str] = set()
        while current not in seen:
            if current == folder_id:
                return True
            seen.add(current)
            current = self.entries[current].parent if current in self.entries else ""
        return False
