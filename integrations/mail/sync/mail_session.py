"""The state of one mail sync turn, which writes rows, cursor and lease in one commit."""

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
from integrations.access.permits import MailSyncPermits
from integrations.coordination.leases import Lease
from integrations.models import Integration, Message, RemovalReason, SyncWork
from integrations.providers.mail import RemoteMessage
from integrations.sync import sync_turn, turn_crashes, work_leases
from integrations.sync.sync_turn import SyncClock
from limited_use.sinks import provider_sink as own_provider
from limited_use.vault import sealing
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import Sealer

from . import bad_messages, label_changes, mail_quarantine, mailbox_rows, message_store
from .bulk_sql import MailRowOwner
from .label_changes import LabelChanges
from .mailbox_rows import MailboxState
from .message_store import MessageBatch
from .throttled_mailbox import ThrottledMailbox

_PROGRESS_COLUMNS: Final = frozenset({"cursor", "position"})


@dataclass(slots=True)
class MailChanges:
    batch: MessageBatch | None = None
    label_changes: LabelChanges | None = None
    # By the provider's id.
    removed: Sequence[str] = ()
    # By our id: messages that the provider did not list, and messages beyond the horizon.
    unlisted: Sequence[UUID] = ()
    aged: Sequence[UUID] = ()
    quarantined: Mapping[str, str] = field(default_factory=dict)
    # To remove from quarantine, by the provider's id.
    settled: Sequence[str] = ()
    # Columns of the work's row.
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class MailSyncSession:
    """One turn lasts from its permits to the end of its time budget."""

    lease: Lease
    work: SyncWork
    integration: Integration
    owner: MailRowOwner
    permits: MailSyncPermits
    mailbox: ThrottledMailbox
    clock: SyncClock
    time_budget: timedelta
    # Whether something changed since the last turn, and whether a notified change is not readable
    # yet.
    found_changes: bool = False
    awaits_change: bool = False
    # Cursor or position moved: this turn will not be repeated.
    has_progressed: bool = False
    # Names of labels may have changed, without a changed message.
    has_new_names: bool = False
    # Values of the work's row that no commit has written yet.
    unsaved_values: dict[str, Any] = field(default_factory=dict)
    # Something was written: row counts may have changed.
    has_written: bool = False
    _crash_note: mail_quarantine.MessageCrashNote | None = None
    _recorded_units: int = 0
    _may_store: bool = False
    _sealer: Sealer | None = None
    _mailbox_state: MailboxState | None = None

    @property
    def epoch(self) -> int:
        return self.permits.remote.epoch

    @property
    def sealer(self) -> Sealer:
        """The first use asks for permission to store."""
        self.ask_to_store()
        return self._sealing_key

    def ask_to_store(self) -> None:
        """
        Ask once per turn, before new content is sealed. The ledger records the answer.

        :raises limited_use.guard.guard.AccessRefused: if storing is no longer allowed
        :raises RuntimeError: within a transaction
        """
        if not self._may_store:
            permits.to_store(integration_id=self.owner.integration_id, at=self.clock.now())
            self._may_store = True

    @property
    def _sealing_key(self) -> Sealer:
        if self._sealer is None:
            self._sealer = sealing.get_sealer(holder=self.owner.integration_id, epoch=self.epoch)
        return self._sealer

    def blind_value(self, kind: str, value: str) -> bytes:
        """Return a keyed hash, for comparison with stored ones."""
        return self._sealing_key.compute_blind(kind, value)

    @property
    def mailbox_state(self) -> MailboxState:
        if self._mailbox_state is None:
            self._mailbox_state = mailbox_rows.read_state(self.owner.integration_id)
        return self._mailbox_state

    def _mark_written(self) -> None:
        self.has_written, self._mailbox_state = True, None

    @cached_property
    def ends_at(self) -> datetime:
        # A page of changes must be completed within one turn: one message at a time takes longer.
        budget = 2 * self.time_budget if self.is_careful else self.time_budget
        return self.lease.claimed_at + budget

    @property
    def is_time_over(self) -> bool:
        return self.clock.now() >= self.ends_at

    def is_first_in(self, seconds: int) -> bool:
        return sync_turn.is_first_in(seconds, self.work, at=self.clock.now())

    @property
    def is_looked_at(self) -> bool:
        looked_at, last = self.work.looked_at, self.work.last_synced_at
        return looked_at is not None and last is not None and looked_at > last

    @property
    def follows_unfinished(self) -> bool:
        """The previous turn may have written changes without reaching its end."""
        work = self.work
        event_at, synced_at = work.last_event_at, work.last_synced_at
        has_news = synced_at is None or (event_at is not None and event_at > synced_at)
        return has_news or work.failure_count > 0 or bool(work.pause_reason)

    @property
    def is_careful(self) -> bool:
        """Messages are fetched one at a time, because earlier turns crashed."""
        return turn_crashes.needs_careful_sync(self.work)

    @cached_property
    def horizon_start(self) -> datetime | None:
        """None keeps all mail."""
        days = self.integration.horizon_days
        return None if days is None else self.lease.claimed_at - timedelta(days=days)

    def open_column(self, column: str) -> str | None:
        sealed: SealedValue | None = getattr(self.work, column)
        if sealed is None:
            return None
        return own_provider.open_text(
            sealed, self.permits.remote, to=self.mailbox.adapter.access, at=self.clock.now()
        )

    def seal_column(self, column: str, value: str | None) -> SealedValue | None:
        if value is None:
            return None
        return self.sealer.seal_value(SyncWork, column, row=self.work.id, data=value)

    def seal_cursor(self, cursor: str) -> SealedValue:
        """
        Seal the cursor of a response without changes. Such a cursor says nothing new about the
        mailbox, so the permission to ask the provider suffices.
        """
        return self._sealing_key.seal_value(SyncWork, "cursor", row=self.work.id, data=cursor)

    def prepare_batch(
        self, messages: Sequence[RemoteMessage], *, unseen_in: int | None = None
    ) -> MessageBatch:
        """Return only messages within the horizon."""
        recent_messages = [
            message
            for message in messages
            if self.horizon_start is None or message.received_at >= self.horizon_start
        ]
        return message_store.prepare_message_batch(
            recent_messages, owner=self.owner, sealer=self.sealer, unseen_in=unseen_in
        )

    def commit(self, changes: MailChanges) -> None:
        """
        Write under the fence and the lease.

        :raises integrations.access.fences.DisconnectedError, LeaseLost:
        """
        at = self.clock.now()
        integration_id = self.owner.integration_id
        set_aside = {**changes.quarantined, **_collect_unstorable(changes)}
        mime_count = changes.batch.mime_count if changes.batch is not None else 0
        spent, self._recorded_units = (
            self.mailbox.spent_units - self._recorded_units,
            self.mailbox.spent_units,
        )
        if _needs_sealer(changes, set_aside):
            # Before the transaction: the guard commits its ledger entry.
            self.ask_to_store()
        # No network call follows. A disconnect waits for this page, and stops any page after it.
        with transaction.atomic(durable=True):
            fences.lock_integration(integration_id=self.owner.integration_id, epoch=self.epoch)
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
                set_aside |= message_store.write_message_batch(
                    changes.batch, seen_round=self.work.round, at=at
                )
            if changes.label_changes is not None:
                set_aside |= label_changes.write_changes(changes.label_changes, at=at)
            if changes.removed:
                message_store.delete_messages(
                    changes.removed, integration_id=integration_id, sealer=self.sealer, at=at
                )
            for message_ids, reason in (
                (changes.unlisted, RemovalReason.DELETED_AT_PROVIDER),
                (changes.aged, RemovalReason.NO_LONGER_KEPT),
            ):
                message_store.delete_rows(
                    message_ids, integration_id=integration_id, reason=reason, at=at
                )
            settled = [remote_id for remote_id in changes.settled if remote_id not in set_aside]
            if self._crash_note is not None:
                mail_quarantine.remove_fetch_note(self._crash_note)
            if settled:
                mail_quarantine.clear_messages(
                    settled, integration_id=integration_id, sealer=self.sealer
                )
            if set_aside:
                mail_quarantine.quarantine_messages(
                    set_aside, integration_id=integration_id, sealer=self.sealer, at=at
                )
        self._crash_note = None
        self._mark_written()
        self.has_progressed = self.has_progressed or not _PROGRESS_COLUMNS.isdisjoint(
            changes.values
        )
        bad_messages.report_unstorable(set_aside, integration_id=integration_id, at=at)
        for name, value in changes.values.items():
            setattr(self.work, name, value)
            self.unsaved_values.pop(name, None)

    def count_messages(self) -> None:
        """Count under the fence, under which the horizon lowers the count. Raises as `commit`."""
        integration_id = self.owner.integration_id
        with transaction.atomic(durable=True):
            fences.lock_integration(integration_id=integration_id, epoch=self.epoch)
            count = Message.objects.filter(integration_id=integration_id).count()
            values = {"done_count": count, "expected_count": count}
            work_leases.renew(self.lease, at=self.clock.now(), values=values)

    def note_fetch(self, remote_id: str) -> None:
        """
        Quarantine a message before its fetch, until the next commit. Raises as `commit`.

        If the worker dies, the next turn continues without the message.
        """
        at = self.clock.now()
        integration_id, sealer = self.owner.integration_id, self.sealer
        with transaction.atomic(durable=True):
            fences.lock_integration(integration_id=integration_id, epoch=self.epoch)
            work_leases.renew(self.lease, at=at)
            self._crash_note = mail_quarantine.note_message_fetch(
                remote_id, integration_id=integration_id, sealer=sealer, at=at
            )
        self._mark_written()


def _needs_sealer(changes: MailChanges, set_aside: Mapping[str, str]) -> bool:
    return bool(
        changes.batch is not None
        or changes.label_changes is not None
        or changes.removed
        or changes.settled
        or set_aside
    )


def _collect_unstorable(changes: MailChanges) -> dict[str, str]:
    prepared = (changes.batch, changes.label_changes)
    return {
        remote_id: why
        for part in prepared
        if part is not None
        for remote_id, why in part.unstorable.items()
    }
