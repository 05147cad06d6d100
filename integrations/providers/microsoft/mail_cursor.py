"""
The cursor of a mailbox at Graph.

Seal stored cursors: they contain names of folders, which are personal data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.providers import errors

from .mail_folders import FolderList


@dataclass(frozen=True, slots=True)
class FolderCursor:
    """
    The position in one folder. `link` is empty before the first round.

    With `since`, a moment in Graph's form, the first round is under way, and messages last
    changed earlier are not reported.
    """

    link: str = ""
    is_under_way: bool = True
    since: str = ""


@dataclass(frozen=True, slots=True)
class GraphMailCursor:
    """`folder_cursors` are by folder id. `folders` is None in cursors without a stored list."""

    folder_cursors: Mapping[str, FolderCursor] = field(default_factory=dict)
    folders: FolderList | None = None

    def __str__(self) -> str:
        folder_cursors = {
            folder_id: [folder.link, folder.is_under_way, folder.since]
            for folder_id, folder in self.folder_cursors.items()
        }
        content: dict[str, Any] = {"places": folder_cursors}
        if self.folders is not None:
            content["folders"] = self.folders.to_json()
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> GraphMailCursor:
        """:raises CursorExpired: if `text` is malformed"""
        try:
            content = json.loads(text)
            folder_cursors = {
                folder_id: FolderCursor(*values) for folder_id, values in content["places"].items()
            }
            folders = FolderList.from_json(content["folders"]) if "folders" in content else None
            return cls(folder_cursors, folders)
        except (ValueError, LookupError, TypeError, AttributeError):
            pass
        raise errors.CursorExpired("the cursor cannot be read")
