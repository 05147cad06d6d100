"""New flags and labels of stored messages: sealed, then written in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from integrations.models import Message
from integrations.providers.mail import FilingChange, MessageFiling
from limited_use.vault.sealing import Sealer

from . import bad_messages, bulk_sql, message_codec, provider_ids, threads
from .bulk_sql import MailRowOwner


@dataclass(frozen=True, slots=True)
class NewFlags:
    """`columns` are those of `bulk_sql.write_flags`."""

    remote_id: str
    columns: tuple[UUID, bool, bool, str, bytes | None]


@dataclass(frozen=True, slots=True)
class LabelChanges:
    """:param unstorable: reasons by provider id, for flags that could not be prepared"""

    changes: list[NewFlags]
    touched_thread_ids: frozenset[UUID]
    unstorable: Mapping[str, str]


def seal_labels(filing: MessageFiling, message_id: UUID, *, sealer: Sealer) -> bytes | None:
    ids = message_codec.encode_labels(filing)
    if ids is None:
        return None
    return sealer.seal_value(Message, "labels", row=message_id, data=ids).ciphertext


def prepare_changes(
    changes: Iterable[FilingChange], *, owner: MailRowOwner, sealer: Sealer
) -> LabelChanges:
    by_id = {change.ref.message_id: change.filing for change in changes}
    remote_ids = provider_ids.blind_message_ids(sealer, by_id)
    known = provider_ids.find_messages(owner.integration_id, list(remote_ids))
    flags: list[NewFlags] = []
    unstorable: dict[str, str] = {}
    for blind, row in known.items():
        remote_id = remote_ids[blind]
        filing = by_id[remote_id]
        try:
            sealed = seal_labels(filing, row.id, sealer=sealer)
            folders = message_codec.encode_folders(filing)
        except Exception as error:  # noqa: BLE001 - sets this message aside, or is raised again
            unstorable[remote_id] = bad_messages.get_quarantine_reason(error)
            continue
        columns = (row.id, filing.is_unread, filing.is_starred, folders, sealed)
        flags.append(NewFlags(remote_id, columns))
    return LabelChanges(flags, frozenset(row.thread_id for row in known.values()), unstorable)


def write_changes(label_changes: LabelChanges, *, at: datetime) -> dict[str, str]:
    """
    The transaction holds the fence. Return flags that the database refuses: reason by provider
    id.
    """
    refused = _write_flags(label_changes.changes, at=at)
    if refused:
        # At least one was refused: write each by itself.
        refused = {
            remote_id: why
            for change in label_changes.changes
            for remote_id, why in _write_flags([change], at=at).items()
        }
    threads.derive_threads(label_changes.touched_thread_ids)
    return refused


def _write_flags(changes: Sequence[NewFlags], *, at: datetime) -> dict[str, str]:
    """Write all; if the database refuses them, write none and return all."""
    if not changes:
        return {}
    try:
        with transaction.atomic():
            bulk_sql.write_flags([change.columns for change in changes], at=at)
    except Exception as error:  # noqa: BLE001 - sets messages aside, or is raised again
        reason = bad_messages.get_quarantine_reason(error)
        return {change.remote_id: reason for change in changes}
    return {}
