"""Verify the ledger against itself and the published checkpoints: `manage.py verify_ledger`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from limited_use.ledger import ledger_audit


class Command(BaseCommand):
    help = "Compute everything again; name the first entry, tile or checkpoint that does not fit."

    def handle(self, **_: Any) -> None:
        try:
            report = ledger_audit.audit_ledger()
        except ledger_audit.LedgerBroken as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(
            f"{report.size} entries, {report.checkpoint_count} checkpoints: all fit;"
            f" {report.waiting_count} entries wait for their place;"
            f" {report.published_count} checkpoints stand outside"
        )
