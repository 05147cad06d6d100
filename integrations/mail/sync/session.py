"""What one run holds, and the one way in which it writes: rows, cursor and lease in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from integrations.access import fences, permits
from integrations.access.permits import SyncPermits
from integrations.coordination.leases import Lease
from integrations.models import Integration, Message, SyncWork
from integrations.providers.mail import RemoteMessage
from integrations.sync import crashes, sync_turn, work_leases
from integrations.sync.sync_turn import Clock
from limited_use.sinks import provider as own_provider
from limited_use.vault import sealing
from limited_use.vault.sealed import Sealed
from limited_use.vault.sealing import Sealer

from . import bad_messages, label_changes, mailbox_rows, message_store, quarantine
from .bulk_sql import Owner
from .label_changes import Relabelling
from .mailbox_rows import MailboxRows
from .message_store import Batch
from .throttled_mailbox import Mailbox

# Columns of the work that say how far it is.
_PLACES: Final = frozenset({"cursor", "position"})


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
    """One lease on one mailbox, from its permits to the end of its time."""

    lease: Lease
    work: SyncWork
    integration: Integration
    owner: Owner
    permits: SyncPermits
    mailbox: Mailbox
    clock: Clock
    time_budget: timedelta
    # Something had changed since the last run; and something was told of that cannot be read yet.
    found_news: bool = False
    is_early: bool = False
    # Cursor or position moved: this turn will not be repeated.
    has_moved: bool = False
    # Names of labels may have changed, and no message.
    has_new_names: bool = False
    # Values of the work's row that no commit has written yet.
    unsaved: dict[str, Any] = field(default_factory=dict)
    # Something was written: counts of rows may have changed.
    has_written: bool = False
    _noted: quarantine.Note | None = None
    _charged: int = 0
    _may_store: bool = False
    _sealer: Sealer | None = None
    _rows: MailboxRows | None = None

    @property
    def epoch(self) -> int:
        return self.permits.remote.epoch

    @property
    def sealer(self) -> Sealer:
        """The key that seals what is kept of this mailbox. Asks for permission to store first."""
        self.ask_to_store()
        return self._key

    def ask_to_store(self) -> None:
        """
        Ask for permission to store, and have it recorded, once in a turn.

        A turn without news does not ask. No turn seals news before it has asked.

        :raises limited_use.guard.guard.Refused: if nothing may be stored any more
        :raises RuntimeError: within a transaction
        """
        if not self._may_store:
            permits.to_store(integration_id=self.owner.integration_id, at=self.clock.now())
            self._may_store = True

    @property
    def _key(self) -> Sealer:
        if self._sealer is None:
            self._sealer = sealing.sealer(holder=self.owner.integration_id, epoch=self.epoch)
        return self._sealer

    def blind(self, kind: str, value: str) -> bytes:
        """Return a keyed hash of `value`, to compare it with a stored one. Nothing is kept."""
        return self._key.blind(kind, value)

    @property
    def rows(self) -> MailboxRows:
        """Our rows of the mailbox, read again after each write."""
        if self._rows is None:
            self._rows = mailbox_rows.read(self.owner.integration_id)
        return self._rows

    def _note_write(self) -> None:
        """Have `rows` read again when they are next needed."""
        self.has_written, self._rows = True, None

    @cached_property
    def ends_at(self) -> datetime:
        # A page of changes is repeated until it is whole: one message at a time takes longer.
        budget = 2 * self.time_budget if self.is_careful else self.time_budget
        return self.lease.claimed_at + budget

    @property
    def is_over(self) -> bool:
        return self.clock.now() >= self.ends_at

    def is_first_in(self, seconds: int) -> bool:
        """See `turn.is_first_in`."""
        return sync_turn.is_first_in(seconds, self.work, at=self.clock.now())

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody has looked at the mailbox since it was last checked."""
        looked_at, last = self.work.looked_at, self.work.last_synced_at
        return looked_at is not None and last is not None and looked_at > last

    @property
    def follows_unfinished(self) -> bool:
        """Whether the turn before may have written news and not come to its end."""
        work = self.work
        event_at, synced_at = work.last_event_at, work.last_synced_at
        has_news = synced_at is None or (event_at is not None and event_at > synced_at)
        return has_news or work.failure_count > 0 or bool(work.pause_reason)

    @property
    def is_careful(self) -> bool:
        """Whether messages are fetched one at a time, because the turns before crashed."""
        return crashes.is_careful(self.work)

    @cached_property
    def since(self) -> datetime | None:
        """Where the horizon is; None keeps all."""
        days = self.integration.horizon_days
        return None if days is None else self.lease.claimed_at - timedelta(days=days)

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

    def sealed_cursor(self, cursor: str) -> Sealed:
        """
        Return the cursor of an answer that brought nothing, as the work's row keeps it.

        Such a cursor says where to ask the provider next, and nothing of the mailbox that is not
        stored already. So the permission under which the provider was asked is enough.
        """
        return self._key.seal(SyncWork, "cursor", row=self.work.id, data=cursor)

    def prepare(self, messages: Sequence[RemoteMessage], *, unseen_in: int | None = None) -> Batch:
        """Return the rows of those messages that are within the horizon."""
        kept = [one for one in messages if self.since is None or one.received_at >= self.since]
        return message_store.prepare(
            kept, owner=self.owner, sealer=self.sealer, unseen_in=unseen_in
        )

    def commit(self, changes: Changes) -> None:
        """
        Write everything at once, under the fence and the lease.

        :raises integrations.access.fences.NoLongerLive: if it was disconnected meanwhile
        :raises LeaseLost: if another worker holds the work
        """
        at = self.clock.now()
        mine = self.owner.integration_id
        set_aside = {**changes.aside, **_unfit(changes)}
        mime_count = changes.batch.mime_count if changes.batch is not None else 0
        spent, self._charged = self.mailbox.spent - self._charged, self.mailbox.spent
        if _needs_sealer(changes, set_aside):
            # Before the transaction: the guard commits what it records.
            self.ask_to_store()
        # All the network is behind us. A disconnect waits for this page, and stops
        # any page after it.
        with transaction.atomic(durable=True):
            fences.hold(integration_id=self.owner.integration_id, epoch=self.epoch)
            work_leases.renew(
                self.lease,
                at=at,
                values={
                    "mime_count": F("mime_count") + mime_count,
                    **changes.values,
                    "units_spent": F("units_spent") + spent,
                },
            )
            if changes.batch is not None:
                set_aside |= message_store.write(changes.batch, seen_round=self.work.round, at=at)
            if changes.relabelling is not None:
                set_aside |= label_changes.write(changes.relabelling, at=at)
            if changes.removed:
                message_store.remove(changes.removed, integration_id=mine, sealer=self.sealer)
            if changes.swept:
                message_store.remove_rows(changes.swept)
            settled = [one for one in changes.settled if one not in set_aside]
            if self._noted is not None:
                quarantine.take_back(self._noted)
            if settled:
                quarantine.clear(settled, integration_id=mine, sealer=self.sealer)
            if set_aside:
                quarantine.put(set_aside, integration_id=mine, sealer=self.sealer, at=at)
        self._noted = None
        self._note_write()
        self.has_moved = self.has_moved or not _PLACES.isdisjoint(changes.values)
        bad_messages.alarm(set_aside, integration_id=mine, at=at)
        for name, value in changes.values.items():
            setattr(self.work, name, value)
            self.unsaved.pop(name, None)

    def count_messages(self) -> None:
        """
        Store how many messages are here.

        Counted under the fence, under which the horizon lowers these numbers.

        :raises integrations.access.fences.NoLongerLive, LeaseLost: see `commit`
        """
        mine = self.owner.integration_id
        with transaction.atomic(durable=True):
            fences.hold(integration_id=mine, epoch=self.epoch)
            count = Message.objects.filter(integration_id=mine).count()
            values = {"done_count": count, "expected_count": count}
            work_leases.renew(self.lease, at=self.clock.now(), values=values)

    def note(self, remote_id: str) -> None:
        """
        Set a message aside that is about to be fetched; the next commit takes that back.

        If the worker dies, it stays set aside, and the next turn goes on without it.

        :raises integrations.access.fences.NoLongerLive, LeaseLost: see `commit`
        """
        at = self.clock.now()
        mine, sealer = self.owner.integration_id, self.sealer
        with transaction.atomic(durable=True):
            fences.hold(integration_id=mine, epoch=self.epoch)
            work_leases.renew(self.lease, at=at)
            self._noted = quarantine.note(remote_id, integration_id=mine, sealer=sealer, at=at)
        self._note_write()


def _needs_sealer(changes: Changes, set_aside: Mapping[str, str]) -> bool:
    """Return whether the commit itself seals something, or finds rows by a keyed hash."""
    return bool(
        changes.batch is not None
        or changes.relabelling is not None
        or changes.removed
        or changes.settled
        or set_aside
    )


def _unfit(changes: Changes) -> dict[str, str]:
    """Return what could not be prepared: why, by the provider's id."""
    prepared = (changes.batch, changes.relabelling)
    return {one: why for some in prepared if some is not None for one, why in some.unfit.items()}
