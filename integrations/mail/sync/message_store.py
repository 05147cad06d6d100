"""
Turn messages into rows: look up ids, seal, and write one batch.

`prepare_message_batch` seals before the transaction, to keep it short; `write_message_batch` and
`delete_messages` run inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.ids import uuid7
from integrations.formats.mime import safe_bodies, safe_text
from integrations.models import Attachment, Message, MessageBody, RemovalReason
from integrations.providers.mail import RemoteMessage
from integrations.purge import feature_removals
from limited_use.vault.sealing import Sealer

from . import bad_messages, bounces, bulk_sql, label_changes, message_codec, provider_ids, threads
from .bulk_sql import MailRowOwner


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """
    `remote_id` is the provider's id.

    :param returned: of a delivery report: see `bounces.mark_returned`
    """

    remote_id: str
    columns: bulk_sql.MailBulkColumns
    returned: Mapping[bytes, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """
    Sealed rows for one transaction.

    :param unstorable: reason by provider id, for each message that could not be prepared
    """

    owner: MailRowOwner
    messages: list[PreparedMessage]
    new_threads: list[tuple[UUID, bytes]]
    # Threads to derive: those that gained or lost a message.
    touched_thread_ids: frozenset[UUID]
    new_count: int
    # Messages that were read from their MIME.
    mime_count: int
    unstorable: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.messages)


@dataclass(frozen=True, slots=True)
class _BlindedMessage:
    remote: RemoteMessage
    message_blind: bytes
    thread_blind: bytes


def prepare_message_batch(
    messages: Iterable[RemoteMessage],
    *,
    owner: MailRowOwner,
    sealer: Sealer,
    unseen_in: int | None = None,
) -> MessageBatch:
    """
    Stored messages keep their ids.

    :param unseen_in: leave out messages that this round has seen
    :raises Exception: errors that concern every message; see `bad_messages`
    """
    unstorable: dict[str, str] = {}
    messages_by_blind = _blind_messages(messages, sealer=sealer, unstorable=unstorable)
    known = provider_ids.find_messages(owner.integration_id, list(messages_by_blind))
    if unseen_in is not None:
        messages_by_blind = {
            blind: blinded
            for blind, blinded in messages_by_blind.items()
            if blind not in known or known[blind].seen_round != unseen_in
        }
    thread_ids = provider_ids.find_threads(
        owner.integration_id, list({blinded.thread_blind for blinded in messages_by_blind.values()})
    )
    new_threads = [
        (uuid7(), blind)
        for blind in dict.fromkeys(blinded.thread_blind for blinded in messages_by_blind.values())
        if blind not in thread_ids
    ]
    thread_ids |= {blind: thread_id for thread_id, blind in new_threads}

    prepared: list[PreparedMessage] = []
    mime_count = 0
    touched_thread_ids = set(thread_ids.values())
    # Oldest first, so that ids grow with time within a batch.
    for blind, blinded in sorted(
        messages_by_blind.items(), key=lambda item: item[1].remote.received_at
    ):
        row = known.get(blind)
        ids = (row.id if row else uuid7(), thread_ids[blinded.thread_blind], blind)
        columns = bulk_sql.MailBulkColumns()
        try:
            _seal_message(columns, blinded.remote, ids=ids, sealer=sealer)
        except Exception as error:  # noqa: BLE001 - sets this message aside, or is raised again
            unstorable[blinded.remote.message_id] = bad_messages.get_quarantine_reason(error)
            continue
        if row is not None:
            columns.replaced.append(row.id)
            touched_thread_ids.add(row.thread_id)
        returned = {
            sealer.compute_blind(provider_ids.RFC822, returned_id): ids[0]
            for returned_id in bounces.list_returned_ids(blinded.remote.mail)
        }
        prepared.append(PreparedMessage(blinded.remote.message_id, columns, returned))
        mime_count += blinded.remote.is_mime
    return MessageBatch(
        owner=owner,
        messages=prepared,
        new_threads=new_threads,
        touched_thread_ids=frozenset(touched_thread_ids),
        new_count=sum(not message.columns.replaced for message in prepared),
        mime_count=mime_count,
        unstorable=unstorable,
    )


def _blind_messages(
    messages: Iterable[RemoteMessage], *, sealer: Sealer, unstorable: dict[str, str]
) -> dict[bytes, _BlindedMessage]:
    """Return messages by blind; ids that are no text go to `unstorable`."""
    messages_by_blind: dict[bytes, _BlindedMessage] = {}
    for remote in messages:
        try:
            message_blind = sealer.compute_blind(provider_ids.MESSAGE, remote.message_id)
            messages_by_blind[message_blind] = _BlindedMessage(
                remote, message_blind, sealer.compute_blind(provider_ids.THREAD, remote.thread_id)
            )
        except Exception as error:  # noqa: BLE001 - sets this message aside, or is raised again
            unstorable[remote.message_id] = bad_messages.get_quarantine_reason(error)
    return messages_by_blind


def _seal_message(
    columns: bulk_sql.MailBulkColumns,
    remote: RemoteMessage,
    *,
    ids: tuple[UUID, UUID, bytes],
    sealer: Sealer,
) -> None:
    message_id, thread_id, blind = ids
    attachments = [uuid7() for _ in remote.mail.attachments]
    summary = message_codec.encode_summary(remote, attachments)
    rfc822 = remote.mail.message_id
    columns.messages.append(
        (
            message_id,
            thread_id,
            blind,
            sealer.compute_blind(provider_ids.RFC822, rfc822) if rfc822 else None,
            remote.received_at,
            remote.size,
            remote.filing.is_unread,
            remote.filing.is_starred,
            remote.mail.has_attachments,
            message_codec.encode_folders(remote.filing),
            sealer.seal_value(Message, "summary", row=message_id, data=summary).ciphertext,
            label_changes.seal_labels(remote.filing, message_id, sealer=sealer),
        )
    )
    sealed_body = sealer.seal_value(
        MessageBody, "content", row=message_id, data=message_codec.encode_body(remote)
    )
    safe = safe_text.encode_safe_text(remote.shown, message_codec.get_inline_parts(remote.mail))
    sealed_text = sealer.seal_value(MessageBody, "shown", row=message_id, data=safe)
    columns.bodies.append(
        (message_id, sealed_body.ciphertext, sealed_text.ciphertext, safe_bodies.VERSION)
    )
    for attachment_id, part in zip(attachments, remote.mail.attachments, strict=True):
        descriptor = sealer.seal_value(
            Attachment, "descriptor", row=attachment_id, data=message_codec.encode_descriptor(part)
        )
        columns.attachments.append(
            (
                attachment_id,
                message_id,
                part.position,
                part.size,
                part.is_inline,
                descriptor.ciphertext,
            )
        )


def write_message_batch(batch: MessageBatch, *, seen_round: int, at: datetime) -> dict[str, str]:
    """The transaction holds the fence. Return refused messages: reason by provider id."""
    if not len(batch):
        return {}
    threads.insert_threads(batch.new_threads, owner=batch.owner, at=at)
    refused = _write_messages(batch, batch.messages, seen_round=seen_round, at=at)
    if refused:
        # At least one was refused: write each by itself.
        refused = {}
        for message in batch.messages:
            refused |= _write_messages(batch, [message], seen_round=seen_round, at=at)
    threads.derive_threads(batch.touched_thread_ids)
    return refused


def _write_messages(
    batch: MessageBatch, messages: Sequence[PreparedMessage], *, seen_round: int, at: datetime
) -> dict[str, str]:
    """Write all; if the database refuses them, write none and return all."""
    columns = bulk_sql.MailBulkColumns()
    for message in messages:
        columns.add_rows(message.columns)
    try:
        with transaction.atomic():
            bulk_sql.write_messages(columns, owner=batch.owner, seen_round=seen_round, at=at)
            returned = {
                blind: row for message in messages for blind, row in message.returned.items()
            }
            if returned:
                integration_id = batch.owner.integration_id
                bounces.mark_returned(returned, integration_id=integration_id, at=at)
    except Exception as error:  # noqa: BLE001 - sets messages aside, or is raised again
        reason = bad_messages.get_quarantine_reason(error)
        return {message.remote_id: reason for message in messages}
    return {}


def delete_messages(
    remote_ids: Iterable[str], *, integration_id: UUID, sealer: Sealer, at: datetime
) -> int:
    """
    Delete what the provider no longer has; return how many were stored.

    :param remote_ids: the provider's
    """
    return delete_rows(
        list(
            Message.objects.filter(
                integration_id=integration_id,
                remote_blind__any_of=list(provider_ids.blind_message_ids(sealer, remote_ids)),
            ).values_list("id", flat=True)
        ),
        integration_id=integration_id,
        reason=RemovalReason.DELETED_AT_PROVIDER,
        at=at,
    )


def delete_rows(
    message_ids: Sequence[UUID], *, integration_id: UUID, reason: RemovalReason, at: datetime
) -> int:
    """
    Derive the threads again, and tell features that read the mailbox; return how many messages were
    deleted.

    :param message_ids: ours
    """
    if message_ids:
        threads.derive_threads(bulk_sql.delete_messages(message_ids))
        feature_removals.issue_item_removals(
            integration_id=integration_id, item_ids=message_ids, reason=reason, at=at
        )
    return len(message_ids)
