"""
Quarantined messages: shown to the owner, kept from blocking their neighbours, retried on request
(`try_count` is then zero).

A message that the provider did not deliver is *delayed*: it is retried with growing pauses, and
counts as unreadable after an hour. Its row holds the time of the next try, so that no worker has
to remember it.
"""

from __future__ import annotations

import random  # noqa: TID251 - spreads load, guards nothing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.ids import uuid7
from integrations.models import SetAside
from integrations.sync import work_leases
from limited_use.access_request import Permit
from limited_use.sinks import provider_sink as own_provider
from limited_use.vault.sealing import Sealer

from . import bad_messages
from .provider_ids import blind_message_ids, encode_provider_id

#: Reasons for a message that the provider did not deliver: recently, and for an hour.
DELAYED: Final = "delayed"
UNAVAILABLE: Final = "unavailable"
# Errors of a message itself are not temporary.
TEMPORARY_REASONS = (UNAVAILABLE, "unexpected")
# Seconds before each retry of a delayed message; the last value repeats.
PAUSES: Final = (10, 30, 60, 120, 300, 600)
DELAYED_FOR: Final = timedelta(hours=1)
# Most delayed messages that one turn retries.
DELAYED_AT_ONCE: Final = 500
# A worker died with this message, perhaps by chance. Each retry may cost the mailbox a turn, so
# only a few are retried per day, and none for ever.
CRASHED_A_DAY: Final = 3
CRASHED_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MessageCrashNote:
    """
    A message that was quarantined before its fetch.

    :param before: `reason`, `try_count` and `next_try_at` of an existing row
    """

    row_id: UUID
    before: tuple[str, int, datetime | None] | None


def find_quarantined(
    integration_id: UUID, remote_ids: Iterable[str], *, sealer: Sealer
) -> set[str]:
    rows = SetAside.objects.filter(integration_id=integration_id).values_list(
        "remote_blind", flat=True
    )
    quarantined_blinds = {bytes(blind) for blind in rows}
    if not quarantined_blinds:
        return set()
    return {
        remote
        for blind, remote in blind_message_ids(sealer, remote_ids).items()
        if blind in quarantined_blinds
    }


def quarantine_messages(
    items: Mapping[str, str], *, integration_id: UUID, sealer: Sealer, at: datetime
) -> None:
    """
    Call this in the transaction that writes the neighbours.

    :param items: reason by the provider's id
    """
    for blind, remote_id in blind_message_ids(sealer, items).items():
        row = _get_or_make_row(
            blind, remote_id, integration_id=integration_id, sealer=sealer, at=at
        )
        row.reason = items[remote_id][:32]
        row.next_try_at = None
        if row.reason == DELAYED and at - row.first_seen_at < DELAYED_FOR:
            row.next_try_at = at + _get_pause(row.try_count)
        elif row.reason == DELAYED:
            row.reason = UNAVAILABLE
        row.try_count += 1
        row.last_tried_at = at
        row.save()


def _get_pause(try_count: int) -> timedelta:
    """Return a pause with jitter over a fifth of it."""
    seconds = PAUSES[min(try_count, len(PAUSES) - 1)]
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311 - guards nothing


def note_message_fetch(
    remote_id: str, *, integration_id: UUID, sealer: Sealer, at: datetime
) -> MessageCrashNote:
    """Quarantine a message as the cause of a crash, until `remove_fetch_note`."""
    ((blind, _),) = blind_message_ids(sealer, [remote_id]).items()
    row = _get_or_make_row(blind, remote_id, integration_id=integration_id, sealer=sealer, at=at)
    before = (row.reason, row.try_count, row.next_try_at) if row.reason else None
    row.reason = bad_messages.CRASHED
    row.next_try_at = None
    row.try_count += 1
    row.last_tried_at = at
    row.save()
    return MessageCrashNote(row.id, before)


def remove_fetch_note(note: MessageCrashNote) -> None:
    """Restore the row: the worker survived."""
    rows = SetAside.objects.filter(id=note.row_id)
    if note.before is None:
        rows.delete()
    else:
        reason, try_count, next_try_at = note.before
        rows.update(reason=reason, try_count=try_count, next_try_at=next_try_at)


def _get_or_make_row(
    blind: bytes, remote_id: str, *, integration_id: UUID, sealer: Sealer, at: datetime
) -> SetAside:
    """A new row is unsaved and has no reason."""
    row = SetAside.objects.filter(integration_id=integration_id, remote_blind=blind).first()
    if row is None:
        row = SetAside(
            id=uuid7(),
            integration_id=integration_id,
            remote_blind=blind,
            try_count=0,
            first_seen_at=at,
        )
        row.remote_id = sealer.seal_value(
            SetAside, "remote_id", row=row.id, data=encode_provider_id(remote_id)
        )
    return row


def clear_messages(remote_ids: Iterable[str], *, integration_id: UUID, sealer: Sealer) -> None:
    SetAside.objects.filter(
        integration_id=integration_id,
        remote_blind__any_of=list(blind_message_ids(sealer, remote_ids)),
    ).delete()


def get_requested_ids(
    integration_id: UUID, *, permit: Permit, to: own_provider.ProviderOutlet, at: datetime
) -> list[str]:
    """
    Return the provider's ids.

    :param to: outlet of the adapter that fetches them
    """
    rows = SetAside.objects.filter(integration_id=integration_id, try_count=0)
    return _open_ids(rows[:100], permit=permit, to=to, at=at)


def get_due_ids(
    integration_id: UUID, *, permit: Permit, to: own_provider.ProviderOutlet, at: datetime
) -> list[str]:
    """See `get_requested_ids`."""
    rows = SetAside.objects.filter(integration_id=integration_id, next_try_at__lte=at)
    due_rows = rows.exclude(try_count=0).order_by("next_try_at")[:DELAYED_AT_ONCE]
    return _open_ids(due_rows, permit=permit, to=to, at=at)


def _open_ids(
    rows: QuerySet[SetAside], *, permit: Permit, to: own_provider.ProviderOutlet, at: datetime
) -> list[str]:
    sealed = [row.remote_id for row in rows]
    return own_provider.open_texts(sealed, permit, to=to, at=at) if sealed else []


def get_unreadable(integration_ids: Iterable[UUID]) -> QuerySet[SetAside]:
    """Leave out messages that are only delayed."""
    return SetAside.objects.filter(integration_id__in=list(integration_ids)).exclude(reason=DELAYED)


def retry_all_quarantined(*, integration_id: UUID, at: datetime) -> int:
    return _mark_for_retry(
        SetAside.objects.filter(integration_id=integration_id), integration_id, at
    )


def retry_temporary(*, integration_id: UUID, at: datetime) -> int:
    rows = SetAside.objects.filter(integration_id=integration_id)
    crashed = rows.filter(reason=bad_messages.CRASHED, first_seen_at__gt=at - CRASHED_FOR)
    crashed_ids = crashed.order_by("last_tried_at").values_list("id", flat=True)
    due = rows.filter(Q(reason__in=TEMPORARY_REASONS) | Q(id__in=list(crashed_ids[:CRASHED_A_DAY])))
    return _mark_for_retry(due, integration_id, at)


def _mark_for_retry(rows: QuerySet[SetAside], integration_id: UUID, at: datetime) -> int:
    count = rows.update(try_count=0, next_try_at=None)
    if count:
        work_leases.mark_sync_due(integration_id=integration_id, at=at)
    return count
