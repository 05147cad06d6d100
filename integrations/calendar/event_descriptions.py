"""
Descriptions of events in views. Called inside sinks only.

Views parse nothing: a parser process sanitises outdated or missing descriptions.
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
from django.utils.translation import gettext_lazy as _

from integrations.formats.mime import safe_bodies
from integrations.formats.mime.event_descriptions import SanitisedDescription
from integrations.formats.mime.message import MAX_TEXT
from integrations.models import Event
from integrations.parsers import parse_requests
from integrations.parsers.parser_frames import UnreadableItem
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.sealed_rows import Permits
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from limited_use.vault.record_compression import RecordTooLarge
from limited_use.vault.sealing import get_sealer

from . import event_codec
from .event_rows import EventRow
from .occurrences import EventOccurrence

logger = logging.getLogger(__name__)

OpenedValues = Mapping[str, bytes]
#: Shown instead of a description that cannot be sanitised within the limits.
NOT_SHOWN: Final = _("This description is too large or too complex to be shown safely.")


def render_description_document(record: Mapping[str, Any]) -> str:
    """Return an HTML document; empty without a description."""
    if not record["description"].strip():
        return ""
    description = event_codec.decode_description(record)
    return f"<p>{NOT_SHOWN}</p>" if description is None else description.html


def render_description_html(record: Mapping[str, Any]) -> str | None:
    """Return safe HTML; None if it cannot be shown."""
    text: str = record["description"]
    if not text.strip():
        return ""
    description = event_codec.decode_description(record)
    if description is None:
        return None
    if description.is_plain:
        return html.escape(text[:MAX_TEXT], quote=False).strip()
    return description.html.strip()


def render_description_text(record: Mapping[str, Any]) -> str:
    """
    Return plain text, which is safe once it is escaped. Nothing is stored.

    :raises integrations.parsers.parser_pool.ParsersBusy: if it is HTML
    """
    text: str = record["description"]
    description = event_codec.decode_description(record)
    if not text.strip() or (description is not None and description.is_plain):
        return text[:MAX_TEXT].strip()
    result = parse_requests.sanitise_text("", text)
    return str(NOT_SHOWN) if isinstance(result, UnreadableItem) else result.text.strip()


def update_occurrence_descriptions(
    occurrences: Sequence[EventOccurrence], permits: Permits
) -> list[EventOccurrence]:
    """
    Return occurrences with descriptions of the current sanitiser.

    :raises integrations.parsers.parser_pool.ParsersBusy:
    """
    contents = _sanitize_outdated(
        {occurrence.row.id: (occurrence.row, occurrence.values) for occurrence in occurrences},
        permits,
    )
    return [
        replace(occurrence, values={**occurrence.values, "content": contents[occurrence.row.id]})
        if occurrence.row.id in contents
        else occurrence
        for occurrence in occurrences
    ]


def update_row_description(row: EventRow, values: OpenedValues, permits: Permits) -> OpenedValues:
    """See `update_occurrence_descriptions`."""
    contents = _sanitize_outdated({row.id: (row, values)}, permits)
    return {**values, "content": contents[row.id]} if row.id in contents else values


def _sanitize_outdated(
    rows: Mapping[UUID, tuple[EventRow, OpenedValues]], permits: Permits
) -> dict[UUID, bytes]:
    outdated = {
        row.id: (row, values["content"])
        for row, values in rows.values()
        if "content" in values and row.shown_version < safe_bodies.VERSION
    }
    if not outdated:
        return {}
    descriptions = _sanitize_texts(
        [str(orjson.loads(data)["description"]) for _, data in outdated.values()]
    )
    new_contents = {
        row.id: event_codec.replace_description(data, description)
        for (row, data), description in zip(outdated.values(), descriptions, strict=True)
    }
    # Rows of shared calendars are stored again when their owner views them.
    own_rows = [row for row, _ in outdated.values() if row.visible.share is None]
    _store_descriptions(own_rows, new_contents, permits)
    return new_contents


def _sanitize_texts(texts: Sequence[str]) -> list[SanitisedDescription | None]:
    distinct_texts = list(dict.fromkeys(text for text in texts if text.strip()))
    descriptions = (
        dict(zip(distinct_texts, parse_requests.sanitise_descriptions(distinct_texts), strict=True))
        if distinct_texts
        else {}
    )
    return [descriptions.get(text) for text in texts]


def _store_descriptions(
    rows: Iterable[EventRow], contents: Mapping[UUID, bytes], permits: Permits
) -> None:
    """A failure to store does not fail the view."""
    sorted_rows = sorted(rows, key=_get_cache_id)
    try:
        for holder, copy_rows in groupby(sorted_rows, key=_get_cache_id):
            _seal_and_store(holder, list(copy_rows), contents, permits)
    except (Error, KeyDestroyed, KeyStoreUnavailable, RecordTooLarge) as error:
        logger.warning("shown_descriptions.not_stored", extra={"reason": type(error).__name__})


def _get_cache_id(row: EventRow) -> UUID:
    cache_id: UUID = row.visible.calendar.cache_id
    return cache_id


def _seal_and_store(
    holder: UUID, rows: Sequence[EventRow], contents: Mapping[UUID, bytes], permits: Permits
) -> None:
    key = get_sealer(holder=holder, epoch=permits[holder, DataClass.CALENDAR_EVENT].epoch)
    sealed = {
        row.id: key.seal_value(Event, "content", row=row.id, data=contents[row.id]) for row in rows
    }
    read_at = {row.id: row.synced_at for row in rows}
    with transaction.atomic():
        # Rows that were written since stay; rows that are locked are skipped.
        unchanged = Event.objects.filter(
            id__in=list(sealed), cache_id=holder, shown_version__lt=safe_bodies.VERSION
        ).select_for_update(skip_locked=True, no_key=True)
        for row_id, synced_at in unchanged.values_list("id", "synced_at"):
            if synced_at == read_at[row_id]:
                Event.objects.filter(id=row_id).update(
                    content=sealed[row_id], shown_version=safe_bodies.VERSION
                )
