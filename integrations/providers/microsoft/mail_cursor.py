"""
The cursor of a mailbox at Graph: how far its changes were followed. Only this package reads it.

It holds names of folders, which are the person's own data: whoever stores a cursor seals it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.providers import errors

from .folders import FolderList


@dataclass(frozen=True, slots=True)
class FolderCursor:
    """
    How far the changes of one folder were followed: `link` is empty before the first round.

    With `since`, a moment in Graph's form, the first round is under way, and what was last
    changed before it is no news.
    """

    link: str = ""
    is_under_way: bool = True
    since: str = ""


@dataclass(frozen=True, slots=True)
class GraphMailCursor:
    """
    `places` by the folders' ids. `folders` is the list as it was last read; None in a cursor from
    before lists were kept.
    """

    places: Mapping[str, FolderCursor] = field(default_factory=dict)
    folders: FolderList | None = None

    def __str__(self) -> str:
        places = {
            folder_id: [folder.link, folder.is_under_way, folder.since]
            for folder_id, folder in self.places.items()
        }
        content: dict[str, Any] = {"places": places}
        if self.folders is not None:
            content["folders"] = self.folders.to_json()
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> GraphMailCursor:
        """:raises CursorExpired: if it is none of ours"""
        try:
            content = json.loads(text)
            places = {
                folder_id: FolderCursor(*values) for folder_id, values in content["places"].items()
            }
            folders = FolderList.from_json(content["folders"]) if "folders" in content else None
            return cls(places, folders)
        except (ValueError, LookupError, TypeError, AttributeError):
            pass
        raise errors.CursorExpired("the cursor cannot be read")
