"""Filters of a list."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

#: Folders of the list filter, in our names: common folders, then Gmail's. A message may be in other
#: folders that Gmail names; spam and deleted mail are never stored.
FOLDERS: Final = (
    "inbox",
    "sent",
    "drafts",
    "archive",
    "important",
    "chat",
    "category_personal",
    "category_social",
    "category_promotions",
    "category_updates",
    "category_forums",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFilters:
    """
    A None filter narrows nothing.

    :param folder: one of `FOLDERS`
    :param received_after: aware; exclusive
    :param received_before: aware; exclusive
    """

    folder: str | None = None
    unread: bool | None = None
    starred: bool | None = None
    has_attachments: bool | None = None
    thread_id: UUID | None = None
    connection_id: UUID | None = None
    received_after: datetime | None = None
    received_before: datetime | None = None

    @property
    def canonical_json(self) -> str:
        """Equal filters have equal text, which cursors are bound to."""
        active_filters = {name: value for name, value in asdict(self).items() if value is not None}
        return orjson.dumps(active_filters, option=orjson.OPT_SORT_KEYS).decode()
