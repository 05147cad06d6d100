"""
The cursor of a mailbox at Graph. Only this package reads it.

It contains names of folders, which are personal data: it must be sealed when stored.
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
    The position in the changes of one folder. `link` is empty before the first round.

    With `since`, a moment in Graph's form, the first round is under way, and messages last
    changed before it are not reported.
    """

    link: str = ""
    is_under_way: bool = True
    since: str = ""


@dataclass(frozen=True, slots=True)
class GraphMailCursor:
    """
    `places` by folder id. `folders` is the list as last read; None in a cursor from before lists
    were stored.
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
        """:raises CursorExpired: if `text` is malformed"""
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
