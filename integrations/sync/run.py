"""What one run holds, and the one way in which it writes: rows, cursor and lease in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from integrations import fences
from integrations.models import Integration, SyncWork
from integrations.permits import SyncPermits
from integrations.providers.base import RemoteMessage
from limited_use.sinks import provider as own_provider
from limited_use.vault.sealed import Sealed
from limited_use.vault.sealing import Sealer

from . import aside, claims, mail
from .claims import Claim
from .mail import Batch, Relabelling
from .mailbox import Mailbox
from .rows import Owner
from .turn import Clock


@dataclass(slots=True)
class Changes:
    """What one commit writes."""

    batch: Batch | None = None
    relabelling: Relabelling | None = None
    # By the provider's id.
    removed: Sequence[str] = ()
    # By our id.
    swept: Sequence[UUID] = ()
    aside: Mapping[str, str] = field(default_factory=dict)
    # No longer to be kept aside, by the provider's id.
    settled: Sequence[str] = ()
    # Of the work's own row.
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """One claim on one mailbox, from its permits to the end of its time."""

    claim: Claim
    work: SyncWork
    integration: Integration
    owner: Owner
    permits: SyncPermits
    sealer: Sealer
    mailbox: Mailbox
    clock: Clock
    time_budget: timedelta
    # Something had changed since the last run; and something was told of that cannot be read yet.
    found_news: bool = False
    is_early: bool = False
    _charged: int = 0

    @property
    def epoch(self) -> int:
        return self.permits.remote.epoch

    @cached_property
    def ends_at(self) -> datetime:
        return self.claim.taken_at + self.time_budget

    @property
    def is_over(self) -> bool:
        return self.clock.now() >= self.ends_at

    @cached_property
    def since(self) -> datetime | None:
        """Where the horizon is; None keeps all."""
        days = self.integration.horizon_days
        return None if days is None else self.claim.taken_at - timedelta(days=days)

    @cached_property
    def label_names(self) -> Mapping[str, str]:
        """The user's own labels by the provider's id, asked for once."""
        return self.mailbox.call(self.mailbox.units.labels, self.mailbox.adapter.labels)

    def opened(self, column: str) -> str | None:
        """Return the work's cursor or position, for its own provider."""
        sealed: Sealed | None = getattr(self.work, column)
        if sealed is None:
            return None
        return own_provider.text(
            sealed, self.permits.remote, to=self.mailbox.adapter.access, at=self.clock.now()
        )

    def sealed(self, column: str, value: str | None) -> Sealed | None:
        """Return a cursor or position as the work's row keeps it."""
        if value is None:
            return None
        return self.sealer.seal(SyncWork, column, row=self.work.id, data=value)

    def prepare(self, messages: Sequence[RemoteMessage], *, unseen_in: int | None = None) -> Batch:
        """Return the rows of those messages that are within the horizon."""
        kept = [one for one in messages if self.since is None or one.received_at >= self.since]
        # Most mailboxes have no labels of their own on most mail: ask when one turns up.
        names = self.label_names if any(one.filing.labels for one in kept) else {}
        return mail.prepare(
            kept, owner=self.owner, sealer=self.sealer, label_names=names, unseen_in=unseen_in
        )

    def commit(self, changes: Changes) -> None:
        """
        Write everything at once, under the fence and the lease.

        :raises integrations.fences.NoLongerLive: if it was disconnected meanwhile
        :raises claims.LeaseLost: if somebody else holds the work now
        """
        at = self.clock.now()
        mine, sealer = self.owner.integration_id, self.sealer
        spent, self._charged = self.mailbox.spent - self._charged, self.mailbox.spent
        # All the network is behind us. A disconnect waits for this page, and stops
        # any page after it.
        with transaction.atomic(durable=True):
            fences.hold(integration_id=self.owner.integration_id, epoch=self.epoch)
            claims.keep(
                self.claim,
                at=at,
                values={**changes.values, "units_spent": F("units_spent") + spent},
            )
            if changes.batch is not None:
                mail.write(changes.batch, seen_round=self.work.round, at=at)
            if changes.relabelling is not None:
                mail.relabel(changes.relabelling, at=at)
            if changes.removed:
                mail.remove(changes.removed, integration_id=mine, sealer=sealer)
            if changes.swept:
                mail.remove_rows(changes.swept)
            if changes.settled:
                aside.clear(changes.settled, integration_id=mine, sealer=sealer)
            if changes.aside:
                aside.put(changes.aside, integration_id=mine, sealer=sealer, at=at)
        for name, value in changes.values.items():
            setattr(self.work, name, value)
