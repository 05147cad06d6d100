"""
What was set aside: kept visible, out of its neighbours' way, tried again on demand.

A row whose `try_count` is zero has been asked for again and waits for the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from accounts.ids import uuid7
from integrations.models import SetAside
from limited_use.guard import Permit
from limited_use.sinks import provider as own_provider
from limited_use.vault.sealing import Sealer

from . import claims
from .mail import blinds

# What another day may mend; what is wrong with a message itself, no day does.
PASSING = ("unavailable", "unexpected")


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
        row = SetAside.objects.filter(integration_id=integration_id, remote_blind=blind).first()
        if row is None:
            row = SetAside(
                id=uuid7(),
                integration_id=integration_id,
                remote_blind=blind,
                try_count=0,
                first_seen_at=at,
            )
            row.remote_id = sealer.seal(SetAside, "remote_id", row=row.id, data=remote_id)
        row.reason = items[remote_id][:32]
        row.try_count += 1
        row.last_tried_at = at
        row.save()


def clear(remote_ids: Iterable[str], *, integration_id: UUID, sealer: Sealer) -> None:
    """Forget items that arrived after all, or are gone."""
    SetAside.objects.filter(
        integration_id=integration_id, remote_blind__in=list(blinds(sealer, remote_ids))
    ).delete()


def wanted_again(
    integration_id: UUID, *, permit: Permit, to: own_provider.Outlet, at: datetime
) -> list[str]:
    """
    Return what was asked for again, by the provider's id.

    :param to: of the adapter that will ask
    """
    rows = list(SetAside.objects.filter(integration_id=integration_id, try_count=0)[:100])
    return own_provider.texts([row.remote_id for row in rows], permit, to=to, at=at) if rows else []


def retry(*, integration_id: UUID, at: datetime, only_passing: bool = False) -> int:
    """Ask for everything that was set aside again. Return how many items that is."""
    rows = SetAside.objects.filter(integration_id=integration_id)
    if only_passing:
        rows = rows.filter(reason__in=PASSING)
    count = rows.update(try_count=0)
    if count:
        claims.mark_due(integration_id=integration_id, at=at)
    return count
