"""A turn at a mailbox: the snapshot, then what changed, then the comparison with the provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from integrations.access import permits
from integrations.access.endpoints import pace
from integrations.coordination.leases import Lease
from integrations.grants import access_tokens, rate_limits
from integrations.grants.admission_control import WorkerAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import Integration, StatusReason, SyncStage, SyncWork
from integrations.providers import PROVIDERS, errors
from integrations.push.watch_health import Standing
from integrations.sync import check_intervals
from integrations.sync.status import Findings
from integrations.sync.sync_turn import Clock

from . import label_names, mail_delta, reconcile, snapshot
from .bulk_sql import Owner
from .session import Run
from .throttled_mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class MailTurn:
    """See `turn.Turn`."""

    run: Run
    lease: Lease
    work: SyncWork
    integration: Integration
    clock: Clock

    @property
    def epoch(self) -> int:
        return self.run.epoch

    @property
    def credential_epoch(self) -> int:
        return self.run.permits.credential.epoch

    @property
    def wants_news(self) -> bool:
        return True

    @property
    def found_news(self) -> bool:
        return self.run.found_news

    @property
    def has_moved(self) -> bool:
        return self.run.has_moved

    @property
    def unsaved(self) -> dict[str, Any]:
        return self.run.unsaved

    @property
    def is_early(self) -> bool:
        return self.run.is_early

    @property
    def watch(self) -> Standing | None:
        return self.run.rows.watch

    @property
    def has_watch(self) -> bool:
        return self.run.rows.has_watch

    def silent_since(self, at: datetime) -> datetime | None:
        # Only news that was found and not told proves that.
        watch = self.run.rows.watch
        return watch.proven_silent_since(at) if watch is not None else None

    def advance(self) -> bool:
        finished = self._advance()
        if finished and (self.run.has_written or self.run.follows_unfinished):
            self.run.count_messages()
        return finished

    def _advance(self) -> bool:
        run = self.run
        is_listing = run.work.stage == SyncStage.SNAPSHOT
        if is_listing and not self._list():
            return False
        if label_names.is_due(run):
            # Drawn together: each draw is a statement.
            run.mailbox.reserve(run.mailbox.units.changes + run.mailbox.units.labels)
        try:
            finished = mail_delta.advance(run)
        except errors.CursorExpired:
            return self._list_again()
        if not finished:
            return False
        if not is_listing:
            # Now that the provider has answered, and an adapter knows the folders.
            if label_names.is_due(run):
                label_names.update_names(run)
            if not mail_delta.try_again(run):
                return False
        return reconcile.if_due(run)

    def _list(self) -> bool:
        snapshot.begin(self.run)
        label_names.update_names(self.run)
        return mail_delta.try_again(self.run) and snapshot.advance(self.run)

    def _list_again(self) -> bool:
        """Take a new snapshot, in this turn if it is small."""
        snapshot.again(self.run)
        if not self._list():
            return False
        try:
            return mail_delta.advance(self.run)
        except errors.CursorExpired:
            # Everything was listed a moment ago. The next turn asks again.
            return True

    def next_try_at(self) -> datetime | None:
        return self.run.rows.next_try_at

    def park(self, seconds: float) -> None:
        rate_limits.park(connection_id=self.integration.connection_id, seconds=seconds)

    def rests_for(self) -> float:
        return float(settings.SYNC_INTERVAL_SECONDS)

    def idles_for(self, at: datetime) -> float:
        looked_at = self.work.looked_at or self.integration.switched_on_at
        return float(check_intervals.get_idle_seconds(at - looked_at))

    def finished(self) -> dict[str, Any]:
        return {}

    def findings(self, trouble: StatusReason) -> Findings:
        return Findings(
            first_synced=self.work.first_synced_at is not None,
            snapshot=self.work.stage == SyncStage.SNAPSHOT,
            trouble=trouble,
            failing_since=self.work.failing_since,
            aside_count=self.run.rows.unreadable_count,
            missing_count=self.run.rows.missing_count,
        )


@contextmanager
def opened(
    lease: Lease, work: SyncWork, clock: Clock, time_budget: timedelta
) -> Iterator[MailTurn]:
    """Hold everything that one turn needs; the permits are asked for first."""
    integration = work.integration
    connection = integration.connection
    allowed = permits.to_sync(integration_id=integration.id, at=clock.now())
    provider = PROVIDERS[connection.provider]
    if provider.open_mail is None or provider.mail_units is None:
        raise LookupError("this provider has no mail")
    admission = WorkerAdmission(connection.id, provider, slots=provider.most_at_once)
    with provider.open_mail(
        access_tokens.access_for_turn(connection, allowed.credential)
    ) as adapter:
        mailbox = Mailbox(
            adapter=adapter,
            units=provider.mail_units,
            session=ProviderSession(adapter.access, admission),
            purse=admission.purse,
            concurrency=pace(provider).at_once,
        )
        run = Run(
            lease=lease,
            work=work,
            integration=integration,
            owner=Owner(integration.id, connection.user_id, connection.organisation_id),
            permits=allowed,
            mailbox=mailbox,
            clock=clock,
            time_budget=time_budget,
        )
        try:
            yield MailTurn(run, lease, work, integration, clock)
        finally:
            mailbox.close()
