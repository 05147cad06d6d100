"""The person's files on their way, and those that Antares put into their Drive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from integrations.access import drive_permits
from integrations.access.request_context import RequestContext
from integrations.models import DriveFile
from integrations.web.newest_rows import NewestRows, find_newest
from limited_use.sinks import json_sink
from limited_use.sinks.sealed_rows import Permits, SealedRow

from . import uploads

_KIND: Final = "files"


def get_file_page(
    context: RequestContext,
    *,
    drive_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> NewestRows[DriveFile]:
    """
    :param drive_id: of one Drive; None: of all
    :raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor:
    """
    own = uploads.filter_own_files(context)
    if drive_id is not None:
        own = own.filter(integration_id=drive_id)
    kind = _KIND if drive_id is None else f"{_KIND} {drive_id}"
    return find_newest(own, context, kind=kind, cursor=cursor, limit=limit)


def make_rows(files: Sequence[DriveFile]) -> list[SealedRow]:
    return [
        SealedRow(file, {"descriptor": file.descriptor, "transfer": file.transfer})
        for file in files
    ]


def permit_rows(context: RequestContext, rows: Sequence[SealedRow]) -> Permits:
    """
    Ask the guard once for all rows.

    :raises limited_use.guard.guard.AccessRefused:
    """
    integration_ids = dict.fromkeys(row.row.integration_id for row in rows)
    if not integration_ids:
        return {}
    return drive_permits.to_list_files(
        actor=context.actor, integration_ids=list(integration_ids), at=context.at
    )


def list_files(
    context: RequestContext,
    *,
    drive_id: UUID | None,
    cursor: str | None,
    limit: int,
    envelope: Mapping[str, Any],
) -> bytes:
    """Return a page of files as JSON. Raises as `get_file_page` and `permit_rows`."""
    page = get_file_page(context, drive_id=drive_id, cursor=cursor, limit=limit)
    rows = make_rows(page.rows)
    return json_sink.render_json_page(
        rows,
        permits=permit_rows(context, rows),
        actor=context.actor,
        shape=_get_shape(context),
        at=context.at,
        envelope={
            **envelope,
            "next_cursor": page.next_cursor,
            "has_more": page.next_cursor is not None,
        },
        under="data",
    )


def read_file(context: RequestContext, file_id: UUID) -> bytes:
    """
    Return one file as JSON.

    :raises ObjectNotFound, limited_use.guard.guard.AccessRefused:
    """
    rows = make_rows([uploads.find_own_file(context, file_id)])
    return json_sink.render_json_object(
        rows[0],
        permits=permit_rows(context, rows),
        actor=context.actor,
        shape=_get_shape(context),
        at=context.at,
    )


def _get_shape(context: RequestContext) -> json_sink.Shape:
    is_feature = context.actor.delegation_id is not None

    def shape_file(file: DriveFile, opened: Mapping[str, bytes]) -> dict[str, Any]:
        shaped = describe_file(file, opened)
        if is_feature:
            # The place in the owner's Drive, and other files there, are the owner's alone.
            shaped["link"] = None
            shaped["is_namesake"] = False
        return shaped

    return shape_file


def describe_file(file: DriveFile, opened: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what owners, and features of their own files, see."""
    descriptor = orjson.loads(opened["descriptor"]) if "descriptor" in opened else {}
    transfer = orjson.loads(opened["transfer"]) if "transfer" in opened else {}
    return {
        "id": file.id,
        "drive": file.integration_id,
        "filename": descriptor.get("filename") or None,
        "content_type": descriptor.get("content_type") or None,
        "size": file.size,
        "received": file.received,
        "state": file.state,
        "problem": file.problem or None,
        "origin": file.source,
        "proposed_by": file.proposed_by or None,
        "standing_consent": file.standing_consent_id,
        "is_namesake": file.is_namesake,
        "link": transfer.get("link") or None,
        "created_at": file.created_at,
        "changed_at": file.changed_at,
        "finished_at": file.finished_at,
        "expires_at": file.expires_at if file.state in uploads.STOPPABLE else None,
    }
