"""
An owner's copy of the stored mail: a file, written during its download, or on its way to the
Drive of the same account.

One part is in memory at a time, with its own permits. If the mailbox is disconnected, the file
breaks off and does not open, so that it cannot pass for complete.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models.functions import Length

from accounts.actors import Actor
from integrations.access import export_permits
from integrations.access.request_context import get_owner_ids
from integrations.formats.mime import mbox
from integrations.formats.streaming_zip import StreamingZip
from integrations.models import Export, ExportOutcome, Integration, MessageBody
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import export_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable
from limited_use.vault.sealed import SealedValue

from . import ObjectNotFound, label_names, messages
from .mail_row_types import MessageRow

logger = logging.getLogger(__name__)

# Most messages and most sealed bytes of text in one part; a part has at least one message.
MOST_MESSAGES: Final = 50
MOST_BYTES: Final = 2 * 1024 * 1024

MEMBER: Final = "mail.mbox"


@dataclass(frozen=True, slots=True)
class _ExportPart:
    rows: list[SealedRow]
    last: UUID


@dataclass(slots=True)
class _ExportNotes:
    unopenable: list[UUID] = field(default_factory=list)
    reconstructed: int = 0
    count: int = 0


class ExportRecipient(Protocol):
    """Opens the parts of a copy for its recipient, each with its own permits."""

    @property
    def export_id(self) -> UUID: ...

    def build_about(self, shape: export_sink.Shape, *, at: datetime) -> bytes:
        """Return what `shape` makes of the account, with its address if that may be opened."""

    def build_part(
        self, rows: Sequence[SealedRow], shape: export_sink.Shape, *, at: datetime
    ) -> bytes: ...

    def check_permits(self, *, at: datetime) -> None:
        """:raises limited_use.guard.guard.AccessRefused: if the copy may not be made any more"""


@dataclass(frozen=True, slots=True)
class OwnerDownload:
    """See `ExportRecipient`."""

    export_id: UUID
    actor: Actor

    def build_about(self, shape: export_sink.Shape, *, at: datetime) -> bytes:
        permits = export_permits.to_name_account(actor=self.actor, export_id=self.export_id, at=at)
        connection = Export.objects.get(id=self.export_id).integration.connection
        row = SealedRow(connection.id, {"email": connection.email})
        return export_sink.build_part([row], permits=permits, actor=self.actor, shape=shape, at=at)

    def build_part(
        self, rows: Sequence[SealedRow], shape: export_sink.Shape, *, at: datetime
    ) -> bytes:
        permits = export_permits.to_export(
            actor=self.actor, export_id=self.export_id, count=len(rows), at=at
        )
        return export_sink.build_part(rows, permits=permits, actor=self.actor, shape=shape, at=at)

    def check_permits(self, *, at: datetime) -> None:
        export_permits.to_export(actor=self.actor, export_id=self.export_id, count=0, at=at)


def request_export(*, actor: Actor, integration_id: UUID, at: datetime) -> UUID:
    """
    The owner has just reauthenticated.

    :raises ObjectNotFound:
    """
    user_id, organisation_id = get_owner_ids(actor)
    live = Integration.objects.live().owned_by(user_id, organisation_id)
    with transaction.atomic(durable=True):
        # Locked, so that a concurrent disconnect finds the row that it has to delete.
        if not live.select_for_update(no_key=True, of=("self",)).filter(id=integration_id).exists():
            raise ObjectNotFound
        return Export.objects.create(
            integration_id=integration_id,
            user_id=user_id,
            organisation_id=organisation_id,
            asked_at=at,
        ).id


def interrupt_export(export_id: UUID, *, at: datetime) -> None:
    """Settle an export that has no reader."""
    _record_end(export_id, ExportOutcome.INTERRUPTED, _ExportNotes(), at=at)


def make_filename(at: datetime) -> str:
    return f"antares-mail-{at:%Y-%m-%d}.zip"


def get_latest_exports(*, actor: Actor, integration_id: UUID) -> list[Export]:
    """Return the newest first."""
    user_id, organisation_id = get_owner_ids(actor)
    exports = Export.objects.filter(
        integration_id=integration_id, user_id=user_id, organisation_id=organisation_id
    )
    return list(exports.order_by("-asked_at", "-id")[:5])


def is_running(export: Export, *, at: datetime) -> bool:
    """Return False also if its process died: no download takes longer."""
    has_time = at - export.asked_at < export_permits.EXPORT_LASTS
    return export.outcome == ExportOutcome.OPEN and has_time


def stream_export(*, export_id: UUID, actor: Actor, now: Callable[[], datetime]) -> Iterator[bytes]:
    """
    Yield a ZIP with one mbox. A broken-off ZIP does not open: see `streaming_zip`.

    :param now: the clock; a download takes time
    """
    archive = StreamingZip(MEMBER, at=now())
    notes, outcome = _ExportNotes(), ExportOutcome.INTERRUPTED
    try:
        try:
            yield from _write_mail(archive, OwnerDownload(export_id, actor), notes, now)
            outcome = ExportOutcome.COMPLETE
        except (AccessRefused, Unopenable, KeyStoreUnavailable, Export.DoesNotExist):
            # For a person who repairs the damaged file.
            yield archive.add_data(_write_interruption(notes.count, at=now()))
            logger.warning("export.interrupted", extra={"about": export_id, "count": notes.count})
        yield archive.finish() if outcome == ExportOutcome.COMPLETE else archive.abandon()
    finally:
        # Also if the client disconnects.
        archive.abandon()
        _record_end(export_id, outcome, notes, at=now())


def write_archive(recipient: ExportRecipient, *, now: Callable[[], datetime]) -> Iterator[bytes]:
    """
    Yield the same ZIP as `stream_export`. An interruption raises.

    :raises limited_use.guard.guard.AccessRefused, Unopenable, KeyStoreUnavailable:
    """
    archive = StreamingZip(MEMBER, at=now())
    notes, outcome = _ExportNotes(), ExportOutcome.INTERRUPTED
    try:
        yield from _write_mail(archive, recipient, notes, now)
        yield archive.finish()
        outcome = ExportOutcome.COMPLETE
    finally:
        archive.abandon()
        _record_end(recipient.export_id, outcome, notes, at=now())


def _write_mail(
    archive: StreamingZip,
    recipient: ExportRecipient,
    notes: _ExportNotes,
    now: Callable[[], datetime],
) -> Iterator[bytes]:
    export_id = recipient.export_id
    yield archive.add_data(_write_about(recipient, at=now()))
    after: UUID | None = None
    while part := _get_next_part(export_id, after):
        yield archive.add_data(_write_part(part, recipient, notes, at=now()))
        notes.count += len(part.rows)
        after = part.last
        _record_progress(export_id, notes.count - len(notes.unopenable))
    # Check again at the end: after a disconnect there are no rows, which is not the end of the
    # mail.
    recipient.check_permits(at=now())
    yield archive.add_data(_write_end(notes.count, notes, at=now()))


def _record_end(
    export_id: UUID, outcome: ExportOutcome, notes: _ExportNotes, *, at: datetime
) -> None:
    Export.objects.filter(id=export_id, ended_at=None).update(
        ended_at=at, outcome=outcome, message_count=notes.count - len(notes.unopenable)
    )


def _record_progress(export_id: UUID, count: int) -> None:
    """The owner's page shows it."""
    Export.objects.filter(id=export_id, ended_at=None).update(message_count=count)


def _write_about(recipient: ExportRecipient, *, at: datetime) -> bytes:
    def shape_about(_: object, opened: Mapping[str, bytes]) -> bytes:
        account = opened["email"].decode() if "email" in opened else messages.EXPORT_NO_ADDRESS
        text = messages.EXPORT_ABOUT % {"account": account}
        return mbox.format_note(str(messages.EXPORT_ABOUT_TITLE), text, at=at)

    return recipient.build_about(shape_about, at=at)


def _write_part(
    part: _ExportPart, recipient: ExportRecipient, notes: _ExportNotes, *, at: datetime
) -> bytes:
    def shape_message(row: MessageRow, opened: Mapping[str, bytes]) -> bytes:
        if opened:
            content = orjson.loads(opened["content"])
            notes.reconstructed += bool(content.get("reconstructed"))
            return _write_record(row, opened, content)
        notes.unopenable.append(row.message.id)
        received_at = f"{row.message.received_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        text = messages.EXPORT_DAMAGED % {"received_at": received_at}
        return mbox.format_note(str(messages.EXPORT_DAMAGED_TITLE), text, at=at)

    return recipient.build_part(part.rows, shape_message, at=at)


def _write_end(count: int, notes: _ExportNotes, *, at: datetime) -> bytes:
    text: str = messages.EXPORT_COMPLETE % {"count": count - len(notes.unopenable)}
    if notes.reconstructed:
        text += messages.EXPORT_RECONSTRUCTED % {"count": notes.reconstructed}
    if notes.unopenable:
        text += messages.EXPORT_DAMAGED_COUNT % {"count": len(notes.unopenable)}
    return mbox.format_note(str(messages.EXPORT_END_TITLE), text, at=at)


def _write_interruption(count: int, *, at: datetime) -> bytes:
    text = messages.EXPORT_INTERRUPTED % {"count": count}
    return mbox.format_note(str(messages.EXPORT_INTERRUPTED_TITLE), text, at=at)


def _write_record(
    row: MessageRow, opened: Mapping[str, bytes], content: Mapping[str, Any]
) -> bytes:
    labels = label_names.get_label_names(opened.get("labels"), opened)
    return mbox.format_message(
        orjson.loads(opened["summary"]),
        content,
        received_at=row.message.received_at,
        filed=[*row.message.folders, *labels],
    )


def _get_next_part(export_id: UUID, after: UUID | None) -> _ExportPart | None:
    rows = MessageBody.objects.filter(
        integration_id__in=Export.objects.filter(id=export_id).values("integration_id")
    ).order_by("message_id")
    if after is not None:
        rows = rows.filter(message_id__gt=after)
    ids: list[UUID] = []
    total = 0
    for message_id, size in rows.values_list("message_id", Length("content"))[:MOST_MESSAGES]:
        total += size
        if ids and total > MOST_BYTES:
            break
        ids.append(message_id)
    if not ids:
        return None
    bodies = list(rows.filter(message_id__in=ids).select_related("message"))
    names = label_names.find_names(
        body.integration_id for body in bodies if body.message.labels is not None
    )
    return _ExportPart(
        [_make_row(body, names.get(body.integration_id)) for body in bodies], ids[-1]
    )


def _make_row(body: MessageBody, names: SealedValue | None) -> SealedRow:
    message = body.message
    sealed = {"summary": message.summary, "labels": message.labels, "content": body.content}
    if message.labels is not None:
        sealed[label_names.OPENED_AS] = names
    return SealedRow(MessageRow(message, None), sealed)
