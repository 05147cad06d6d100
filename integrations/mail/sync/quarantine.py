"""
Messages that were set aside: visible, out of the way of their neighbours, tried again on demand.

A row whose `try_count` is zero was asked for again and waits for the next run.

A message that the provider did not deliver just now is only delayed: it is fetched again by itself,
after pauses that grow, and counts as one that could not be read if that has lasted for an hour. Its
row says when the next try is due, so that no worker has to remember it.
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
from limited_use.sinks import provider as own_provider
from limited_use.vault.sealing import Sealer

from . import bad_messages
from .provider_ids import blinds, storable_id

#: Why a message is set aside that the provider did not deliver: for now, and for long.
DELAYED: Final = "delayed"
UNAVAILABLE: Final = "unavailable"
# What another day may mend; what is wrong with a message itself, no day does.
PASSING = (UNAVAILABLE, "unexpected")
# Seconds before each further try of a delayed message, then again and again the last.
PAUSES: Final = (10, 30, 60, 120, 300, 600)
DELAYED_FOR: Final = timedelta(hours=1)
# Delayed messages that are fetched again in one turn.
DELAYED_AT_ONCE: Final = 500
# A worker died with this message, which may have been chance. Each time costs the mailbox a turn,
# so only a few are tried again in a day, and none for ever.
CRASHED_A_DAY: Final = 3
CRASHED_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Note:
    """
    A message that was set aside before it was fetched.

    :param before: reason, `try_count` and `next_try_at` of the row that was there; None if there
        was none
    """

    row_id: UUID
    before: tuple[str, int, datetime | None] | None


def known(integration_id: UUID, remote_ids: Iterable[str], *, sealer: Sealer) -> set[str]:
    """Return which of these are set aside, by the provider's id."""
    rows = SetAside.objects.filter(integration_id=integration_id).values_list(
        "remote_blind", flat=True
    )
    aside = {bytes(blind) for blind in rows}
    if not aside:
        return set()
    return {remote for blind, remote in blinds(sealer, remote_ids).items() if blind in aside}


def put(items: Mapping[str, str], *, integration_id: UUID, sealer: Sealer, at: datetime) -> None:
    """
    Set items aside. Inside the transaction that writes their neighbours.

    :param items: why, in a word of ours, by the provider's id
    """
    for blind, remote_id in blinds(sealer, items).items():
        row = _row(blind, remote_id, integration_id=integration_id, sealer=sealer, at=at)
        row.reason = items[remote_id][:32]
        row.next_try_at = None
        if row.reason == DELAYED and at - row.first_seen_at < DELAYED_FOR:
            row.next_try_at = at + _pause(row.try_count)
        elif row.reason == DELAYED:
            row.reason = UNAVAILABLE
        row.try_count += 1
        row.last_tried_at = at
        row.save()


def _pause(tries: int) -> timedelta:
    """Return how long to wait after that many tries, jittered over a fifth of it."""
    seconds = PAUSES[min(tries, len(PAUSES) - 1)]
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311 - guards nothing


def note(remote_id: str, *, integration_id: UUID, sealer: Sealer, at: datetime) -> Note:
    """Set a message aside as what a worker died of, until `take_back`."""
    ((blind, _),) = blinds(sealer, [remote_id]).items()
    row = _row(blind, remote_id, integration_id=integration_id, sealer=sealer, at=at)
    before = (row.reason, row.try_count, row.next_try_at) if row.reason else None
    row.reason = bad_messages.CRASHED
    row.next_try_at = None
    row.try_count += 1
    row.last_tried_at = at
    row.save()
    return Note(row.id, before)


def take_back(noted: Note) -> None:
    """Leave what was set aside as it was before `note`: the worker lives."""
    rows = SetAside.objects.filter(id=noted.row_id)
    if noted.before is None:
        rows.delete()
    else:
        reason, try_count, next_try_at = noted.before
        rows.update(reason=reason, try_count=try_count, next_try_at=next_try_at)


def _row(
    blind: bytes, remote_id: str, *, integration_id: UUID, sealer: Sealer, at: datetime
) -> SetAside:
    """Return the row of a message, or a new one, without a reason and not saved."""
    row = SetAside.objects.filter(integration_id=integration_id, remote_blind=blind).first()
    if row is None:
        row = SetAside(
            id=uuid7(),
            integration_id=integration_id,
            remote_blind=blind,
            try_count=0,
            first_seen_at=at,
        )
        row.remote_id = sealer.seal(SetAside, "remote_id", row=row.id, data=storable_id(remote_id))
    return row


def clear(remote_ids: Iterable[str], *, integration_id: UUID, sealer: Sealer) -> None:
    """Forget items that arrived after all, or are gone."""
    SetAside.objects.filter(
        integration_id=integration_id, remote_blind__any_of=list(blinds(sealer, remote_ids))
    ).delete()


def wanted_again(
    integration_id: UUID, *, permit: Permit, to: own_provider.Outlet, at: datetime
) -> list[str]:
    """
    Return what was asked for again, by the provider's id.

    :param to: of the adapter that will ask
    """
    rows = SetAside.objects.filter(integration_id=integration_id, try_count=0)
    return _ids_of(rows[:100], permit=permit, to=to, at=at)


def due_again(
    integration_id: UUID, *, permit: Permit, to: own_provider.Outlet, at: datetime
) -> list[str]:
    """Return the delayed messages whose next try is due. See `wanted_again`."""
    rows = SetAside.objects.filter(integration_id=integration_id, next_try_at__lte=at)
    first = rows.exclude(try_count=0).order_by("next_try_at")[:DELAYED_AT_ONCE]
    return _ids_of(first, permit=permit, to=to, at=at)


def _ids_of(
    rows: QuerySet[SetAside], *, permit: Permit, to: own_provider.Outlet, at: datetime
) -> list[str]:
    sealed = [row.remote_id for row in rows]
    return own_provider.texts(sealed, permit, to=to, at=at) if sealed else []


def unreadable(integration_ids: Iterable[UUID]) -> QuerySet[SetAside]:
    """Return what was set aside for long: all but the messages that are only delayed."""
    return SetAside.objects.filter(integration_id__in=list(integration_ids)).exclude(reason=DELAYED)


def retry(*, integration_id: UUID, at: datetime) -> int:
    """Ask for everything that was set aside again. Return how many messages that is."""
    return _retry(SetAside.objects.filter(integration_id=integration_id), integration_id, at)


def retry_passing(*, integration_id: UUID, at: datetime) -> int:
    """Ask again for what another day may have mended. Return how many messages that is."""
    rows = SetAside.objects.filter(integration_id=integration_id)
    crashed = rows.filter(reason=bad_messages.CRASHED, first_seen_at__gt=at - CRASHED_FOR)
    again = crashed.order_by("last_tried_at").values_list("id", flat=True)
    due = rows.filter(Q(reason__in=PASSING) | Q(id__in=list(again[:CRASHED_A_DAY])))
    return _retry(due, integration_id, at)


def _retry(rows: QuerySet[SetAside], integration_id: UUID, at: datetime) -> int:
    count = rows.update(try_count=0, next_try_at=None)
    if count:
        work_leases.mark_due(integration_id=integration_id, at=at)
    return count
