"""
Publish the newest signed checkpoint to a new sink: `manage.py publish_checkpoint`.

The sequencer publishes each checkpoint by itself; the command then only prints the newest.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from limited_use.ledger import ledger_publication, ledger_sequencer


class Command(BaseCommand):
    help = "Publish the newest signed checkpoint if it is missing, and print it."

    def handle(self, **_: Any) -> None:
        try:
            checkpoint = ledger_sequencer.republish_checkpoint()
        except (
            ledger_sequencer.LedgerFork,
            ledger_publication.LedgerPublicationUnreadable,
            ledger_publication.AlreadyPublished,
        ) as problem:
            raise CommandError(f"nothing was published: {problem}") from None
        if checkpoint is None:
            raise CommandError("no checkpoint was signed yet: run manage.py sequence_ledger")
        self.stdout.write(checkpoint[1], ending="")
