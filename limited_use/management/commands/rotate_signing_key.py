"""
Rotate a signing key: `manage.py rotate_signing_key ledger` or `… receipts`.

The keyring destroys the old key. Its public key stays published with its period, so old
signatures remain verifiable. Verifiers trust pinned keys only: tell their operators. A transit
engine needs a token that may rotate and trim the key.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from limited_use.ledger import ledger_sequencer, signing_keys
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable, SigningKey


class Command(BaseCommand):
    help = "Replace the key that signs the ledger's checkpoints, or the receipts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", choices=[str(role) for role in SigningKey])

    def handle(self, *, role: str, **_: Any) -> None:
        try:
            # A checkpoint must be signed by the key that it announces.
            with ledger_sequencer.hold_sequencer_lock():
                former, new = signing_keys.rotate_signing_key(SigningKey(role), at=timezone.now())
        except (KeyStoreUnavailable, OSError) as problem:
            raise CommandError(str(problem) or "the key store does not answer") from None
        self.stdout.write(f"until now  {former}\nfrom now   {new}")
        self.stdout.write("Publish the new key wherever you publish keys; /keys/ shows both.")
