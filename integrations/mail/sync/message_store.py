"""
From messages to rows: identity, sealing, and the writing of one batch.

Sealing happens in `prepare`, before the transaction, so that the transaction is short;
`write` and `remove` are for inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.ids import uuid7
from integrations.formats.mime import safe_bodies, safe_text
from integrations.models import Attachment, Message, MessageBody
from integrations.providers.mail import RemoteMessage
from limited_use.vault.sealing import Sealer

from . import bad_messages, bulk_sql, label_changes, message_codec, provider_ids, threads
from .bulk_sql import Owner


@dataclass(frozen=True, slots=True)
class Prepared:
    """One message as rows. `remote_id` is the provider's id."""

    remote_id: str
    columns: bulk_sql.Columns


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Sealed rows, ready to be written in one transaction.

    `unfit` are messages that could not be prepared: why, by the provider's id.
    """

    owner: Owner
    messages: list[Prepared]
    new_threads: list[tuple[UUID, bytes]]
    # Threads to be derived anew: those written to, and those that a message left.
    touched: frozenset[UUID]
    new_count: int
    # Read from their MIME.
    mime_count: int
    unfit: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.messages)


@dataclass(frozen=True, slots=True)
class _Blinded:
    """A message, and the blinds of its ids."""

    remote: RemoteMessage
    message: bytes
    thread: bytes


def prepare(
    messages: Iterable[RemoteMessage],
    *,
    owner: Owner,
    sealer: Sealer,
    unseen_in: int | None = None,
) -> Batch:
    """
    Return the rows of `messages`, sealed; ids of what we have already are kept.

    :param unseen_in: leave out what that round has seen already
    :raises Exception: what concerns all messages; see `bad_messages`
    """
    unfit: dict[str, str] = {}
    wanted = _blind_each(messages, sealer=sealer, unfit=unfit)
    known = provider_ids.find_messages(owner.integration_id, list(wanted))
    if unseen_in is not None:
        wanted = {
            blind: one
            for blind, one in wanted.items()
            if blind not in known or known[blind].seen_round != unseen_in
        }
    thread_ids = provider_ids.find_threads(
        owner.integration_id, list({one.thread for one in wanted.values()})
    )
    new_threads = [
        (uuid7(), blind)
        for blind in dict.fromkeys(one.thread for one in wanted.values())
        if blind not in thread_ids
    ]
    thread_ids |= {blind: thread_id for thread_id, blind in new_threads}

    prepared: list[Prepared] = []
    mime_count = 0
    touched = set(thread_ids.values())
    # Oldest first, so that ids grow with time within a batch.
    for blind, one in sorted(wanted.items(), key=lambda item: item[1].remote.received_at):
        row = known.get(blind)
        place = (row.id if row else uuid7(), thread_ids[one.thread], blind)
        columns = bulk_sql.Columns()
        try:
            _seal(columns, one.remote, place=place, sealer=sealer)
        except Exception as error:  # noqa: BLE001 - sets this message aside, or is raised again
            unfit[one.remote.message_id] = bad_messages.reason_for(error)
            continue
        if row is not None:
            columns.replaced.append(row.id)
            touched.add(row.thread_id)
        prepared.append(Prepared(one.remote.message_id, columns))
        mime_count += one.remote.is_mime
    return Batch(
        owner=owner,
        messages=prepared,
        new_threads=new_threads,
        touched=frozenset(touched),
        new_count=sum(not one.columns.replaced for one in prepared),
        mime_count=mime_count,
        unfit=unfit,
    )


def _blind_each(
    messages: Iterable[RemoteMessage], *, sealer: Sealer, unfit: dict[str, str]
) -> dict[bytes, _Blinded]:
    """Return messages by the blind of their id; those whose ids are no text are `unfit`."""
    found: dict[bytes, _Blinded] = {}
    for one in messages:
        try:
            message = sealer.blind(provider_ids.MESSAGE, one.message_id)
            found[message] = _Blinded(
                one, message, sealer.blind(provider_ids.THREAD, one.thread_id)
            )
        except Exception as error:  # noqa: BLE001 - sets this message aside, or is raised again
            unfit[one.message_id] = bad_messages.reason_for(error)
    return found


def _seal(
    columns: bulk_sql.Columns,
    one: RemoteMessage,
    *,
    place: tuple[UUID, UUID, bytes],
    sealer: Sealer,
) -> None:
    message_id, thread_id, blind = place
    attachments = [uuid7() for _ in one.mail.attachments]
    summary = message_codec.summary(one, attachments)
    rfc822 = one.mail.message_id
    columns.messages.append(
        (
            message_id,
            thread_id,
            blind,
            sealer.blind(provider_ids.RFC822, rfc822) if rfc822 else None,
            one.received_at,
            one.size,
            one.filing.is_unread,
            one.filing.is_starred,
            one.mail.has_attachments,
            message_codec.folders(one.filing),
            sealer.seal(Message, "summary", row=message_id, data=summary).ciphertext,
            label_changes.seal_labels(one.filing, message_id, sealer=sealer),
        )
    )
    body = sealer.seal(MessageBody, "content", row=message_id, data=message_codec.body(one))
    safe = safe_text.encode(one.shown, message_codec.inline_parts(one.mail))
    shown = sealer.seal(MessageBody, "shown", row=message_id, data=safe)
    columns.bodies.append((message_id, body.ciphertext, shown.ciphertext, safe_bodies.VERSION))
    for row, part in zip(attachments, one.mail.attachments, strict=True):
        descriptor = sealer.seal(
            Attachment, "descriptor", row=row, data=message_codec.descriptor(part)
        )
        columns.attachments.append(
            (row, message_id, part.position, part.size, part.is_inline, descriptor.ciphertext)
        )


def write(batch: Batch, *, seen_round: int, at: datetime) -> dict[str, str]:
    """
    Write the batch. Inside the transaction that holds the fence.

    Return the messages that the database refuses: why, by the provider's id. The others are
    written.
    """
    if not len(batch):
        return {}
    threads.ensure(batch.new_threads, owner=batch.owner, at=at)
    refused = _write(batch, batch.messages, seen_round=seen_round, at=at)
    if refused:
        # One of them, at least: each by itself.
        refused = {}
        for one in batch.messages:
            refused |= _write(batch, [one], seen_round=seen_round, at=at)
    threads.derive(batch.touched)
    return refused


def _write(
    batch: Batch, messages: Sequence[Prepared], *, seen_round: int, at: datetime
) -> dict[str, str]:
    """Write these together; if the database refuses them, write none and return all."""
    columns = bulk_sql.Columns()
    for one in messages:
        columns.extend(one.columns)
    try:
        with transaction.atomic():
            bulk_sql.write(columns, owner=batch.owner, seen_round=seen_round, at=at)
    except Exception as error:  # noqa: BLE001 - sets messages aside, or is raised again
        reason = bad_messages.reason_for(error)
        return {one.remote_id: reason for one in messages}
    return {}


def remove(remote_ids: Iterable[str], *, integration_id: UUID, sealer: Sealer) -> int:
    """Delete messages by the provider's id. Return how many we had."""
    return remove_rows(
        list(
            Message.objects.filter(
                integration_id=integration_id,
                remote_blind__any_of=list(provider_ids.blinds(sealer, remote_ids)),
            ).values_list("id", flat=True)
        )
    )


def remove_rows(message_ids: Sequence[UUID]) -> int:
    """Delete messages by our id, and derive their threads anew. Return how many."""
    if message_ids:
        threads.derive(bulk_sql.remove(message_ids))
    return len(message_ids)
