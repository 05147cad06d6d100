"""Sequence and sign waiting ledger entries without a worker: `manage.py sequence_ledger`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from limited_use.ledger import ledger_sequencer


class Command(BaseCommand):
    help = "Add ledger entries to the tree, then sign and publish a checkpoint."

    def handle(self, **_: Any) -> None:
        try:
            run = ledger_sequencer.run_sequencer(timezone.now())
        except ledger_sequencer.LedgerFork as problem:
            raise CommandError(f"nothing was signed: {problem}") from None
        if run is None:
            self.stdout.write("another sequencer is running")
        else:
            self.stdout.write(f"{run.placed_count} entries added, tree of size {run.size} signed")
