"""Verify the ledger against itself and the published checkpoints: `manage.py verify_ledger`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from limited_use.ledger import ledger_audit


class Command(BaseCommand):
    help = "Recompute the ledger, and name the first entry, tile or checkpoint that does not match."

    def handle(self, **_: Any) -> None:
        try:
            report = ledger_audit.audit_ledger()
        except ledger_audit.LedgerBroken as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(
            f"{report.size} entries and {report.checkpoint_count} checkpoints match;"
            f" {report.waiting_count} entries wait for the sequencer; {report.set_aside_count} rows"
            f" were set aside; {report.published_count} checkpoints are published"
        )
