"""Turn the key epoch by hand: `manage.py turn_key_epoch [LINE]`; without LINE all lines."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable


class Command(BaseCommand):
    help = "Create a new key-encryption key, rewrap the remaining keys, destroy the old key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("line", nargs="?", choices=[str(line) for line in KeyLine])

    def handle(self, *, line: str | None, **_: Any) -> None:
        for key_line in [KeyLine(line)] if line else list(KeyLine):
            try:
                turned = key_epochs.rotate_key_epoch(key_line, timezone.now())
            except (
                key_epochs.AlreadyTurning,
                key_epochs.LeftBehind,
                KeyStoreUnavailable,
            ) as problem:
                raise CommandError(f"{key_line}: {type(problem).__name__} {problem}") from None
            ended = ", ".join(map(str, turned.destroyed)) or "none"
            self.stdout.write(
                f"{key_line}: epoch {turned.epoch}, {turned.rewrapped_count} of"
                f" {turned.key_count} keys rewrapped, epochs destroyed: {ended}"
            )
