"""A turn at a mailbox: snapshot, changes, comparison with the provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from integrations.access import permits
from integrations.access.endpoints import get_mailbox_rate_settings
from integrations.coordination.leases import Lease
from integrations.grants import access_tokens, quota_buckets
from integrations.grants.admission_control import WorkerAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import Integration, StatusReason, SyncStage, SyncWork
from integrations.providers import PROVIDERS, errors
from integrations.push.watch_health import WatchHealth
from integrations.sync import check_intervals
from integrations.sync.integration_status import SyncFindings
from integrations.sync.sync_turn import SyncClock

from . import label_names, mail_delta, mail_reconciliation, mailbox_snapshot
from .bulk_sql import MailRowOwner
from .mail_session import MailSyncSession
from .throttled_mailbox import ThrottledMailbox


@dataclass(frozen=True, slots=True)
class MailTurn:
    session: MailSyncSession
    lease: Lease
    work: SyncWork
    integration: Integration
    clock: SyncClock

    @property
    def epoch(self) -> int:
        return self.session.epoch

    @property
    def credential_epoch(self) -> int:
        return self.session.permits.credential.epoch

    @property
    def wants_push(self) -> bool:
        return True

    @property
    def found_changes(self) -> bool:
        return self.session.found_changes

    @property
    def has_progressed(self) -> bool:
        return self.session.has_progressed

    @property
    def unsaved_values(self) -> dict[str, Any]:
        return self.session.unsaved_values

    @property
    def awaits_change(self) -> bool:
        return self.session.awaits_change

    @property
    def watch(self) -> WatchHealth | None:
        return self.session.mailbox_state.watch

    @property
    def has_watch(self) -> bool:
        return self.session.mailbox_state.has_watch

    def get_silent_since(self, at: datetime) -> datetime | None:
        # Only a change that was found without a notification proves silence.
        watch = self.session.mailbox_state.watch
        return watch.get_proven_silence(at) if watch is not None else None

    def advance(self) -> bool:
        finished = self._advance_stages()
        if finished and (self.session.has_written or self.session.follows_unfinished):
            self.session.count_messages()
        return finished

    def _advance_stages(self) -> bool:
        session = self.session
        is_listing = session.work.stage == SyncStage.SNAPSHOT
        if is_listing and not self._take_snapshot():
            return False
        if label_names.is_label_sync_due(session):
            # Drawn together: each draw is a statement.
            session.mailbox.reserve_units(
                session.mailbox.units.changes + session.mailbox.units.labels
            )
        try:
            finished = mail_delta.follow_changes(session)
        except errors.CursorExpired:
            return self._retake_snapshot()
        if not finished:
            return False
        if not is_listing:
            # After the changes: then an adapter knows the folders.
            if label_names.is_label_sync_due(session):
                label_names.update_label_names(session)
            if not mail_delta.fetch_quarantined(session):
                return False
        return mail_reconciliation.reconcile_if_due(session)

    def _take_snapshot(self) -> bool:
        mailbox_snapshot.begin_snapshot_round(self.session)
        label_names.update_label_names(self.session)
        return mail_delta.fetch_quarantined(
            self.session
        ) and mailbox_snapshot.advance_snapshot_round(self.session)

    def _retake_snapshot(self) -> bool:
        """Take a new snapshot, in this turn if the mailbox is small."""
        mailbox_snapshot.restart_snapshot_round(self.session)
        if not self._take_snapshot():
            return False
        try:
            return mail_delta.follow_changes(self.session)
        except errors.CursorExpired:
            # Everything was just listed. The next turn tries again.
            return True

    def get_next_retry_at(self) -> datetime | None:
        return self.session.mailbox_state.next_try_at

    def pause_calls(self, seconds: float) -> None:
        quota_buckets.pause_mailbox(connection_id=self.integration.connection_id, seconds=seconds)

    def get_poll_seconds(self) -> float:
        return float(settings.SYNC_INTERVAL_SECONDS)

    def get_idle_seconds(self, at: datetime) -> float:
        looked_at = self.work.looked_at or self.integration.switched_on_at
        return float(check_intervals.get_idle_seconds(at - looked_at))

    def get_final_values(self) -> dict[str, Any]:
        return {}

    def get_findings(self, failure_reason: StatusReason) -> SyncFindings:
        return SyncFindings(
            has_synced=self.work.first_synced_at is not None,
            is_listing=self.work.stage == SyncStage.SNAPSHOT,
            failure_reason=failure_reason,
            failing_since=self.work.failing_since,
            quarantined_count=self.session.mailbox_state.unreadable_count,
            missing_count=self.session.mailbox_state.missing_count,
        )


@contextmanager
def open_mail_sync_turn(
    lease: Lease, work: SyncWork, clock: SyncClock, time_budget: timedelta
) -> Iterator[MailTurn]:
    """Ask for the turn's permits first, then hold its resources."""
    integration = work.integration
    connection = integration.connection
    granted = permits.to_sync(integration_id=integration.id, at=clock.now())
    provider = PROVIDERS[connection.provider]
    if provider.open_mail is None or provider.mail_units is None:
        raise LookupError("this provider has no mail")
    admission = WorkerAdmission(connection.id, provider, slots=provider.most_at_once)
    with provider.open_mail(
        access_tokens.get_worker_provider_access(connection, granted.credential)
    ) as adapter:
        mailbox = ThrottledMailbox(
            adapter=adapter,
            units=provider.mail_units,
            provider_session=ProviderSession(adapter.access, admission),
            purse=admission.purse,
            concurrency=get_mailbox_rate_settings(provider).concurrency,
        )
        session = MailSyncSession(
            lease=lease,
            work=work,
            integration=integration,
            owner=MailRowOwner(integration.id, connection.user_id, connection.organisation_id),
            permits=granted,
            mailbox=mailbox,
            clock=clock,
            time_budget=time_budget,
        )
        try:
            yield MailTurn(session, lease, work, integration, clock)
        finally:
            mailbox.close()
