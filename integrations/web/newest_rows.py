"""Pages of a person's rows, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import QuerySet

from integrations.access.request_context import RequestContext
from integrations.models import DraftProposal, DriveFile, OutboxCommand
from integrations.web import page_cursors
from integrations.web.page_cursors import CursorPagePosition

Row = TypeVar("Row", OutboxCommand, DraftProposal, DriveFile)


@dataclass(frozen=True, slots=True)
class NewestRows(Generic[Row]):
    rows: Sequence[Row]
    next_cursor: str | None


def find_newest(
    own: QuerySet[Row], context: RequestContext, *, kind: str, cursor: str | None, limit: int
) -> NewestRows[Row]:
    """
    :param own: rows of the person
    :param kind: of the list that the cursor belongs to
    :raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor:
    """
    if cursor is not None:
        position = page_cursors.read(
            cursor, kind=kind, audience=context.audience_key, filters="", at=context.at
        )
        own = own.filter(id__lt=position.id)
    found = list(own.order_by("-id")[: limit + 1])
    rows, next_cursor = found[:limit], None
    if len(found) > limit:
        last = rows[-1]
        next_cursor = page_cursors.write(
            CursorPagePosition(last.created_at, last.id),
            kind=kind,
            audience=context.audience_key,
            filters="",
            at=context.at,
        )
    return NewestRows(rows, next_cursor)
