"""Write the signed bundle of evidence: `manage.py evidence --out FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.review import evidence
from limited_use.ledger import signing_keys


class Command(BaseCommand):
    help = "Write everything that a reviewer asks for into one signed file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", required=True, type=Path, help="the file to write")

    def handle(self, *, out: Path, **_: Any) -> None:
        at = timezone.now()
        try:
            made = evidence.make(at=at)
            out.write_bytes(made)
        except OSError as problem:
            raise CommandError(str(problem)) from None
        for one in evidence.not_met(evidence.sections(), at=at):
            self.stdout.write(f"not met: {one.clause}: {one.why}")
        keys = " ".join(f"--key '{one.key}'" for one in signing_keys.history() if one.until is None)
        self.stdout.write(f"{out}: {len(made)} bytes; check it with")
        self.stdout.write(f"  python -m limited_use.verify {keys} {out}")
