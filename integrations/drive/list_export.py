"""
Stream the list of a person's uploads as a CSV file.

Only one part is in memory. Each has its own permits, so the file ends with the Drive's connection;
its last line then says that it is incomplete.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext

from accounts.rate_limit_counters import Rate
from integrations.access import drive_permits
from integrations.access.request_context import RequestContext
from integrations.formats import csv_rows
from integrations.models import DriveFile
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import export_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import file_list, uploads

logger = logging.getLogger(__name__)

#: A download occupies a web thread.
RATE: Final = Rate("file-list", 30, 3600)
CONTENT_TYPE: Final = "text/csv; charset=utf-8"
_MAX_FILES: Final = 200

#: By their names, members of a file in the API. Times are UTC, and the name says so.
COLUMNS: Final[Mapping[str, str]] = {
    "id": "id",
    "filename": "filename",
    "content_type": "content_type",
    "size_bytes": "size",
    "state": "state",
    "problem": "problem",
    "origin": "origin",
    "proposed_by": "proposed_by",
    "created_at_utc": "created_at",
    "finished_at_utc": "finished_at",
    "link": "link",
}


def stream_list(context: RequestContext, now: Callable[[], datetime]) -> Iterator[bytes]:
    """
    Yield the lines, newest file last. The policy decides before the first part.

    :raises limited_use.guard.guard.AccessRefused:
    """
    drive_ids = _list_drive_ids(context)
    rows = _get_part_rows(context, None)
    part = _build_part(context, rows, now())
    return _stream_parts(context, part, rows, now, drive_ids)


def make_filename(at: datetime) -> str:
    return f"antares-files-{at:%Y-%m-%d}.csv"


def _stream_parts(
    context: RequestContext,
    part: bytes,
    rows: Sequence[SealedRow],
    now: Callable[[], datetime],
    drive_ids: set[UUID],
) -> Iterator[bytes]:
    """:param drive_ids: Drives that the list covers"""
    yield csv_rows.format_row(COLUMNS)
    yield part
    # It is plaintext, and already sent: an error report must not find it in this frame.
    del part
    try:
        while rows:
            rows = _get_part_rows(context, rows[-1].row.id)
            yield _build_part(context, rows, now())
        # A disconnected Drive has no rows here.
        is_complete = drive_ids <= _list_drive_ids(context)
    except (AccessRefused, Unopenable, KeyStoreUnavailable):
        is_complete = False
    if not is_complete:
        logger.warning("file_list.interrupted", extra={"about": context.user_id})
        yield csv_rows.format_row(["", gettext("The list is incomplete. Download it again.")])


def _list_drive_ids(context: RequestContext) -> set[UUID]:
    return set(uploads.list_own_drives(context).values_list("id", flat=True))


def _get_part_rows(context: RequestContext, after: UUID | None) -> list[SealedRow]:
    own = uploads.filter_own_files(context)
    own = own if after is None else own.filter(id__gt=after)
    return file_list.make_rows(list(own.order_by("id")[:_MAX_FILES]))


def _build_part(context: RequestContext, rows: Sequence[SealedRow], at: datetime) -> bytes:
    if not rows:
        return b""
    permits = drive_permits.to_export_list(
        actor=context.actor,
        integration_ids=list(dict.fromkeys(row.row.integration_id for row in rows)),
        count=len(rows),
        at=at,
    )
    return export_sink.build_part(
        rows, permits=permits, actor=context.actor, shape=_format_file, at=at
    )


def _format_file(file: DriveFile, opened: Mapping[str, bytes]) -> bytes:
    described = file_list.describe_file(file, opened)
    return csv_rows.format_row(_format_value(described[name]) for name in COLUMNS.values())


def _format_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    # Names come from senders and from features.
    return csv_rows.escape_formula(value) if isinstance(value, str) else value
