"""
Descriptions of events as views show them: made safe when the event was written.

A view parses nothing. Where an older version made a description safe, or none has yet, a parser
process makes it again from the original, and it is stored again. Called inside sinks only.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import Error, transaction

from integrations.formats.mime import safe_bodies
from integrations.formats.mime.event_descriptions import ShownDescription
from integrations.formats.mime.message import MAX_TEXT
from integrations.models import Event
from integrations.parsers import parse_requests
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks.rows import Permits
from limited_use.vault.compression import TooLarge
from limited_use.vault.keyring.port import KeyStoreUnavailable
from limited_use.vault.keys import Destroyed
from limited_use.vault.sealing import sealer

from . import event_codec
from .event_rows import EventRow
from .occurrences import Happening

logger = logging.getLogger(__name__)

Opened = Mapping[str, bytes]
#: In place of a description that cannot be made safe within the limits.
NOT_SHOWN: Final = "This description is too large or too complicated to be shown safely."


def document(record: Mapping[str, Any]) -> str:
    """Return the description as a document of its own; empty where there is none."""
    if not record["description"].strip():
        return ""
    shown = event_codec.shown_of(record)
    return f"<p>{NOT_SHOWN}</p>" if shown is None else shown.html


def field(record: Mapping[str, Any]) -> str | None:
    """Return the description as the API tells it, safe HTML; None if it cannot be shown."""
    text: str = record["description"]
    if not text.strip():
        return ""
    shown = event_codec.shown_of(record)
    if shown is None:
        return None
    if shown.is_plain:
        return html.escape(text[:MAX_TEXT], quote=False).strip()
    return shown.html.strip()


def update_happenings(found: Sequence[Happening], permits: Permits) -> list[Happening]:
    """
    Return happenings with their descriptions as the current version makes them.

    :param permits: by which the rows were opened
    :raises integrations.parsers.process_pool.Busy: if one has to be made, and no process is free
    """
    contents = _make_current({one.row.id: (one.row, one.opened) for one in found}, permits)
    return [
        replace(one, opened={**one.opened, "content": contents[one.row.id]})
        if one.row.id in contents
        else one
        for one in found
    ]


def update_row(row: EventRow, opened: Opened, permits: Permits) -> Opened:
    """Return what a row holds, with its description as the current version makes it."""
    contents = _make_current({row.id: (row, opened)}, permits)
    return {**opened, "content": contents[row.id]} if row.id in contents else opened


def _make_current(
    rows: Mapping[UUID, tuple[EventRow, Opened]], permits: Permits
) -> dict[UUID, bytes]:
    """Return the records of those rows that an older version made, by id."""
    older = {
        row.id: (row, opened["content"])
        for row, opened in rows.values()
        if "content" in opened and row.shown_version < safe_bodies.VERSION
    }
    if not older:
        return {}
    shown = _show([str(orjson.loads(data)["description"]) for _, data in older.values()])
    made = {
        row.id: event_codec.with_shown(data, one)
        for (row, data), one in zip(older.values(), shown, strict=True)
    }
    # What is shared with somebody is stored again when its owner looks.
    mine = [row for row, _ in older.values() if row.seen.share is None]
    _store_again(mine, made, permits)
    return made


def _show(texts: Sequence[str]) -> list[ShownDescription | None]:
    wanted = list(dict.fromkeys(text for text in texts if text.strip()))
    found = (
        dict(zip(wanted, parse_requests.show_descriptions(wanted), strict=True)) if wanted else {}
    )
    return [found.get(text) for text in texts]


def _store_again(rows: Iterable[EventRow], made: Mapping[UUID, bytes], permits: Permits) -> None:
    """Store what was made of these rows. That it cannot be stored now is no failure of the view."""
    by_copy = sorted(rows, key=_copy_of)
    try:
        for holder, held in groupby(by_copy, key=_copy_of):
            _store(holder, list(held), made, permits)
    except (Error, Destroyed, KeyStoreUnavailable, TooLarge) as error:
        logger.warning("shown_descriptions.not_stored", extra={"reason": type(error).__name__})


def _copy_of(row: EventRow) -> UUID:
    copy_id: UUID = row.seen.calendar.cache_id
    return copy_id


def _store(
    holder: UUID, rows: Sequence[EventRow], made: Mapping[UUID, bytes], permits: Permits
) -> None:
    key = sealer(holder=holder, epoch=permits[holder, DataClass.CALENDAR_EVENT].epoch)
    sealed = {row.id: key.seal(Event, "content", row=row.id, data=made[row.id]) for row in rows}
    read_at = {row.id: row.synced_at for row in rows}
    with transaction.atomic():
        # A row that was written since stays as it is; one that is being written now is not waited
        # for.
        same = Event.objects.filter(
            id__in=list(sealed), cache_id=holder, shown_version__lt=safe_bodies.VERSION
        ).select_for_update(skip_locked=True, no_key=True)
        for row_id, synced_at in same.values_list("id", "synced_at"):
            if synced_at == read_at[row_id]:
                Event.objects.filter(id=row_id).update(
                    content=sealed[row_id], shown_version=safe_bodies.VERSION
                )
