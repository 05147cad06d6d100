"""
An owner's own copy of the mail that is kept here: a file, written while it is downloaded.

Never more than a part of it is in memory, and each part has permits of its own. It dies with
what it is of: disconnected in the middle it breaks off, and is a damaged file that nobody can
take for whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models.functions import Length

from accounts.actors import Actor
from integrations.access import support_and_export_permits
from integrations.formats.mime import mbox
from integrations.formats.streaming_zip import Archive
from integrations.models import Export, ExportOutcome, Integration, MessageBody
from limited_use.guard.guard import Refused
from limited_use.policy.claims import claim
from limited_use.sinks import export as export_sink
from limited_use.sinks.rows import Row
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.port import KeyStoreUnavailable
from limited_use.vault.sealed import Sealed

from . import NotFound, label_names
from .row_types import MessageRow

logger = logging.getLogger(__name__)

# Messages of one part, and sealed bytes of text: at least one message, however long.
MOST_MESSAGES: Final = 50
MOST_BYTES: Final = 2 * 1024 * 1024

ABOUT: Final = claim(
    "export.about",
    """\
This is a copy of the mail that Antares keeps of the account {account}.

It holds, of each message that is kept: its headers, its text (plain and HTML; of a long one, the
first 2,000,000 characters), its folders and labels (X-Antares-Filed), and the names of its
attachments.

It does not hold: attachments, which are not kept here but at the provider; mail older than what
you chose to keep here; spam and trash.

A message with X-Antares-Reconstructed was read by the properties that the provider showed of it,
not from its original: its headers may be fewer, and its text is as the provider converted it.

The last entry says how many messages there are. Without it, this copy is not whole.
""",
)
MEMBER: Final = "mail.mbox"
END: Final = "The end of this copy"
BROKE: Final = "This copy is not whole"
WHOLE: Final = claim("export.whole", "This copy is whole. It holds {count} messages.\n")
CLOSED: Final = "A message that does not open"
OF_CLOSED: Final = claim(
    "export.damaged",
    "What was kept here of this message, received {at:%Y-%m-%d %H:%M} UTC, was changed and\n"
    "does not open any more. It is as it was at your provider.\n",
)
RECONSTRUCTED: Final = claim(
    "export.reconstructed",
    "Of these, {count} were reconstructed from what the provider showed of them\n"
    "(X-Antares-Reconstructed). Their originals are at the provider.\n",
)
ALL_CLOSED: Final = claim(
    "export.notes", "For {count} more it holds a note: what was kept of them does not open.\n"
)
BROKEN: Final = claim(
    "export.broken",
    "This copy is NOT whole: it ended after {count} messages, because what it is a copy of was\n"
    "disconnected, or could not be opened any more. Ask for another one if it is still there.\n",
)


@dataclass(frozen=True, slots=True)
class _Part:
    rows: list[Row]
    last: UUID


@dataclass(slots=True)
class _Notes:
    """What the last entry says: which messages do not open, and how many are reconstructed."""

    closed: list[UUID] = field(default_factory=list)
    reconstructed: int = 0


def ask(*, actor: Actor, integration_id: UUID, at: datetime) -> UUID:
    """
    Record that the owner asks for a copy, having just confirmed that it is them.

    :raises NotFound: if there is nothing live of theirs
    """
    user_id, organisation_id = support_and_export_permits.whose(actor)
    live = Integration.objects.live().owned_by(user_id, organisation_id)
    with transaction.atomic(durable=True):
        # Held, so that a disconnect in between finds the row that it has to remove.
        if not live.select_for_update(no_key=True, of=("self",)).filter(id=integration_id).exists():
            raise NotFound
        return Export.objects.create(
            integration_id=integration_id,
            user_id=user_id,
            organisation_id=organisation_id,
            asked_at=at,
        ).id


def latest(*, actor: Actor, integration_id: UUID) -> list[Export]:
    """Return the copies that the owner asked for last, the newest first."""
    user_id, organisation_id = support_and_export_permits.whose(actor)
    theirs = Export.objects.filter(
        integration_id=integration_id, user_id=user_id, organisation_id=organisation_id
    )
    return list(theirs.order_by("-asked_at", "-id")[:5])


def stream(*, export_id: UUID, actor: Actor, now: Callable[[], datetime]) -> Iterator[bytes]:
    """
    Yield the file, part by part: a ZIP with one mbox in it.

    Broken off, it is not a ZIP that opens: see `streaming_zip`. The page says so, too.

    :param now: the clock; a download lasts longer than one moment
    """
    archive = Archive(MEMBER, at=now())
    count, notes, outcome = 0, _Notes(), ExportOutcome.INTERRUPTED
    try:
        try:
            yield archive.add(_about(export_id, actor=actor, at=now()))
            after: UUID | None = None
            while part := _next(export_id, after):
                yield archive.add(_written(part, export_id, notes, actor=actor, at=now()))
                count, after = count + len(part.rows), part.last
            # Once more at the end: a disconnect leaves no rows, and that is not an empty rest.
            support_and_export_permits.to_export(
                actor=actor, export_id=export_id, count=0, at=now()
            )
            yield archive.add(mbox.note(END, _whole(count, notes), at=now()))
            outcome = ExportOutcome.COMPLETE
        except (Refused, Unopenable, KeyStoreUnavailable, Export.DoesNotExist):
            # For whoever repairs what is left of it.
            yield archive.add(mbox.note(BROKE, BROKEN.format(count=count), at=now()))
            logger.warning("export.interrupted", extra={"about": export_id, "count": count})
        yield archive.end() if outcome == ExportOutcome.COMPLETE else archive.abandon()
    finally:
        # Also where whoever downloads it went away.
        archive.abandon()
        at = now()
        Export.objects.filter(id=export_id, ended_at=None).update(
            ended_at=at, outcome=outcome, message_count=count - len(notes.closed)
        )


def _about(export_id: UUID, *, actor: Actor, at: datetime) -> bytes:
    """Return the first entry: what the file is, and of which account."""
    granted = support_and_export_permits.to_name_account(actor=actor, export_id=export_id, at=at)
    connection = Export.objects.get(id=export_id).integration.connection

    def shape(_: object, opened: Mapping[str, bytes]) -> bytes:
        account = opened["email"].decode() if "email" in opened else "(its address does not open)"
        return mbox.note("About this copy", ABOUT.format(account=account), at=at)

    row = Row(connection.id, {"email": connection.email})
    return export_sink.part([row], permits=granted, actor=actor, shape=shape, at=at)


def _written(part: _Part, export_id: UUID, notes: _Notes, *, actor: Actor, at: datetime) -> bytes:
    """Return the messages of a part; `notes` gets what the last entry says of them."""
    granted = support_and_export_permits.to_export(
        actor=actor, export_id=export_id, count=len(part.rows), at=at
    )

    def shape(row: MessageRow, opened: Mapping[str, bytes]) -> bytes:
        if opened:
            content = orjson.loads(opened["content"])
            notes.reconstructed += bool(content.get("reconstructed"))
            return _record(row, opened, content)
        notes.closed.append(row.message.id)
        text = OF_CLOSED.format(at=row.message.received_at.astimezone(UTC))
        return mbox.note(CLOSED, text, at=at)

    return export_sink.part(part.rows, permits=granted, actor=actor, shape=shape, at=at)


def _whole(count: int, notes: _Notes) -> str:
    said = WHOLE.format(count=count - len(notes.closed))
    if notes.reconstructed:
        said += RECONSTRUCTED.format(count=notes.reconstructed)
    return said + ALL_CLOSED.format(count=len(notes.closed)) if notes.closed else said


def _record(row: MessageRow, opened: Mapping[str, bytes], content: Mapping[str, Any]) -> bytes:
    labels = label_names.name_labels(opened.get("labels"), opened)
    return mbox.record(
        orjson.loads(opened["summary"]),
        content,
        received_at=row.message.received_at,
        filed=[*row.message.folders, *labels],
    )


def _next(export_id: UUID, after: UUID | None) -> _Part | None:
    """Return the next messages in the order of their ids; None if there are no more."""
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
    found = list(rows.filter(message_id__in=ids).select_related("message"))
    names = label_names.find_names(
        one.integration_id for one in found if one.message.labels is not None
    )
    return _Part([_row(one, names.get(one.integration_id)) for one in found], ids[-1])


def _row(body: MessageBody, names: Sealed | None) -> Row:
    message = body.message
    sealed = {"summary": message.summary, "labels": message.labels, "content": body.content}
    if message.labels is not None:
        sealed[label_names.OPENED_AS] = names
    return Row(MessageRow(message, None), sealed)
