"""
Run after a restore, before the service starts: `manage.py apply_tombstones`.

Destroys keys that the restored database contains although their destruction is published, and
ends the objects they belonged to. Workers do this when they start; the web refuses requests until
it is done.

Only this command knows of a restore after which no destroyed key came back. It settles every
message that was on its way as unknown: the mailbox may be ahead of its row.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.connections import restore_guard
from limited_use.ledger import ledger_publication, ledger_sequencer
from limited_use.rotation import resurrected_keys


class Command(BaseCommand):
    help = (
        "Destroy restored keys that have a published tombstone, and report what else the restore"
        " undid."
    )
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        try:
            applied = restore_guard.remove_resurrected(at=timezone.now(), is_restored=True)
            missing = resurrected_keys.count_missing_receipts()
        except ledger_publication.LedgerPublicationUnreadable as error:
            raise CommandError(f"the published file cannot be read: {error}") from None
        self.stdout.write(
            f"{applied.key_count} restored keys destroyed again; {missing} receipts are missing"
        )
        if applied.purge_count or applied.ended_count or applied.reconnect_count:
            self.stdout.write(
                f"{applied.purge_count} integrations will be purged again, {applied.ended_count}"
                f" connections end, {applied.reconnect_count} must be reconnected"
            )
        if applied.distrusted_count:
            self.stdout.write(
                f"{applied.distrusted_count} messages may have been sent after the backup: their"
                f" owners decide"
            )
        try:
            ledger_sequencer.check_ledger_continuity()
        except ledger_sequencer.LedgerFork as error:
            self.stdout.write(
                f"The restore set the ledger back: {error}. The service no longer signs under"
                f" this name."
            )
