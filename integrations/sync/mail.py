"""
From messages to rows: identity, sealing, and the writing of one batch.

A message is (integration, the provider's id), looked up by a keyed hash; its
Message-ID decides nothing. Sealing happens in `prepare`, before the transaction,
so that the transaction is short; `write`, `relabel` and `remove` are for inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7
from integrations.mime import safe_text, showing
from integrations.models import Attachment, Message, MessageBody, Thread
from integrations.providers.base import Labels, Relabelled, RemoteMessage
from limited_use.vault.sealing import Sealer

from . import incoming, rows, threads
from .rows import Owner

# Kinds of blinds: a thread's id never looks like a message's.
MESSAGE = "mail.message"
THREAD = "mail.thread"
RFC822 = "mail.rfc822"


@dataclass(frozen=True, slots=True)
class Batch:
    """Sealed rows, ready to be written in one transaction."""

    owner: Owner
    columns: rows.Columns
    new_threads: list[tuple[UUID, bytes]]
    # Threads to be derived anew: those written to, and those that a message left.
    touched: frozenset[UUID]
    new_count: int

    def __len__(self) -> int:
        return len(self.columns.messages)


def blinds(sealer: Sealer, remote_ids: Iterable[str]) -> dict[bytes, str]:
    """Return the provider's message ids by their blind."""
    return {sealer.blind(MESSAGE, remote_id): remote_id for remote_id in remote_ids}


def prepare(
    messages: Iterable[RemoteMessage],
    *,
    owner: Owner,
    sealer: Sealer,
    label_names: Mapping[str, str],
    unseen_in: int | None = None,
) -> Batch:
    """
    Return the rows of `messages`, sealed; ids of what we have already are kept.

    :param unseen_in: leave out what that round has seen already
    """
    wanted = {sealer.blind(MESSAGE, one.message_id): one for one in messages}
    known = _known(owner.integration_id, list(wanted))
    if unseen_in is not None:
        wanted = {
            blind: one
            for blind, one in wanted.items()
            if blind not in known or known[blind].seen_round != unseen_in
        }
    by_thread = {
        remote: sealer.blind(THREAD, remote)
        for remote in {one.thread_id for one in wanted.values()}
    }
    thread_ids = _known_threads(owner.integration_id, list(by_thread.values()))
    new_threads = [(uuid7(), blind) for blind in by_thread.values() if blind not in thread_ids]
    thread_ids |= {blind: thread_id for thread_id, blind in new_threads}

    columns = rows.Columns()
    touched = set(thread_ids.values())
    # Oldest first, so that ids grow with time within a batch.
    for blind, one in sorted(wanted.items(), key=lambda item: item[1].received_at):
        row = known.get(blind)
        if row is not None:
            columns.replaced.append(row.id)
            touched.add(row.thread_id)
        _seal(
            columns,
            one,
            place=(row.id if row else uuid7(), thread_ids[by_thread[one.thread_id]], blind),
            sealer=sealer,
            label_names=label_names,
        )
    return Batch(
        owner=owner,
        columns=columns,
        new_threads=new_threads,
        touched=frozenset(touched),
        new_count=len(wanted) - len(columns.replaced),
    )


def _seal(
    columns: rows.Columns,
    one: RemoteMessage,
    *,
    place: tuple[UUID, UUID, bytes],
    sealer: Sealer,
    label_names: Mapping[str, str],
) -> None:
    message_id, thread_id, blind = place
    attachments = [uuid7() for _ in one.mail.attachments]
    summary = incoming.summary(one, attachments)
    rfc822 = one.mail.message_id
    columns.messages.append(
        (
            message_id,
            thread_id,
            blind,
            sealer.blind(RFC822, rfc822) if rfc822 else None,
            one.received_at,
            one.size,
            one.filing.is_unread,
            one.filing.is_starred,
            one.mail.has_attachments,
            incoming.folders(one.filing),
            sealer.seal(Message, "summary", row=message_id, data=summary).ciphertext,
            _sealed_labels(one.filing, message_id, sealer=sealer, label_names=label_names),
        )
    )
    body = sealer.seal(MessageBody, "content", row=message_id, data=incoming.body(one))
    safe = safe_text.encode(one.shown, incoming.inline_parts(one.mail))
    shown = sealer.seal(MessageBody, "shown", row=message_id, data=safe)
    columns.bodies.append((message_id, body.ciphertext, shown.ciphertext, showing.VERSION))
    for row, part in zip(attachments, one.mail.attachments, strict=True):
        descriptor = sealer.seal(Attachment, "descriptor", row=row, data=incoming.descriptor(part))
        columns.attachments.append(
            (row, message_id, part.position, part.size, part.is_inline, descriptor.ciphertext)
        )


def _sealed_labels(
    filing: Labels, message_id: UUID, *, sealer: Sealer, label_names: Mapping[str, str]
) -> bytes | None:
    names = incoming.labels(filing, label_names)
    if names is None:
        return None
    return sealer.seal(Message, "labels", row=message_id, data=names).ciphertext


def write(batch: Batch, *, seen_round: int, at: datetime) -> None:
    """Write the batch. Inside the transaction that holds the fence."""
    if not len(batch):
        return
    threads.ensure(batch.new_threads, owner=batch.owner, at=at)
    rows.write(batch.columns, owner=batch.owner, seen_round=seen_round, at=at)
    threads.derive(batch.touched)


@dataclass(frozen=True, slots=True)
class Relabelling:
    """New flags of messages that we have, sealed where they must be."""

    changes: list[tuple[UUID, bool, bool, str, bytes | None]]
    touched: frozenset[UUID]


def prepare_relabelling(
    changes: Iterable[Relabelled],
    *,
    owner: Owner,
    sealer: Sealer,
    label_names: Mapping[str, str],
) -> Relabelling:
    """Return the new flags of those messages that we have; the others are nobody's here."""
    filings = {sealer.blind(MESSAGE, one.ref.message_id): one.filing for one in changes}
    known = _known(owner.integration_id, list(filings))
    return Relabelling(
        changes=[
            (
                row.id,
                filings[blind].is_unread,
                filings[blind].is_starred,
                incoming.folders(filings[blind]),
                _sealed_labels(filings[blind], row.id, sealer=sealer, label_names=label_names),
            )
            for blind, row in known.items()
        ],
        touched=frozenset(row.thread_id for row in known.values()),
    )


def relabel(relabelling: Relabelling, *, at: datetime) -> None:
    """Write new flags. Inside the transaction that holds the fence."""
    if relabelling.changes:
        rows.relabel(relabelling.changes, at=at)
        threads.derive(relabelling.touched)


def remove(remote_ids: Iterable[str], *, integration_id: UUID, sealer: Sealer) -> int:
    """Delete messages by the provider's id. Return how many we had."""
    return remove_rows(
        list(
            Message.objects.filter(
                integration_id=integration_id,
                remote_blind__in=list(blinds(sealer, remote_ids)),
            ).values_list("id", flat=True)
        )
    )


def remove_rows(message_ids: Sequence[UUID]) -> int:
    """Delete messages by our id, and derive their threads anew. Return how many."""
    if message_ids:
        threads.derive(rows.remove(message_ids))
    return len(message_ids)


@dataclass(frozen=True, slots=True)
class Known:
    """What we have of a message already."""

    id: UUID
    thread_id: UUID
    seen_round: int


def _known(integration_id: UUID, wanted: list[bytes]) -> dict[bytes, Known]:
    found = Message.objects.filter(
        integration_id=integration_id, remote_blind__in=wanted
    ).values_list("remote_blind", "id", "thread_id", "seen_round")
    return {bytes(blind): Known(row, thread, seen) for blind, row, thread, seen in found}


def seen(remote_ids: Iterable[str], *, owner: Owner, sealer: Sealer, seen_round: int) -> set[str]:
    """Return which of these messages that round has seen, by the provider's id."""
    by_blind = blinds(sealer, remote_ids)
    found = Message.objects.filter(
        integration_id=owner.integration_id,
        remote_blind__in=list(by_blind),
        seen_round=seen_round,
    ).values_list("remote_blind", flat=True)
    return {by_blind[bytes(blind)] for blind in found}


def _known_threads(integration_id: UUID, wanted: list[bytes]) -> dict[bytes, UUID]:
    found = Thread.objects.filter(
        integration_id=integration_id, remote_blind__in=wanted
    ).values_list("remote_blind", "id")
    return {bytes(blind): thread_id for blind, thread_id in found}
