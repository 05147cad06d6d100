"""Write the signed evidence bundle: `manage.py evidence --out FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.review import evidence
from limited_use.ledger import signing_keys


class Command(BaseCommand):
    help = "Write the evidence for reviewers into one signed file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", required=True, type=Path, help="the file to write")

    def handle(self, *, out: Path, **_: Any) -> None:
        at = timezone.now()
        try:
            bundle = evidence.make_bundle(at=at)
            out.write_bytes(bundle)
        except OSError as error:
            raise CommandError(str(error)) from None
        for requirement in evidence.list_not_met(evidence.list_sections(), at=at):
            self.stdout.write(f"not met: {requirement.clause}: {requirement.why}")
        keys = " ".join(
            f"--key '{signing_key.key}'"
            for signing_key in signing_keys.list_published_keys()
            if signing_key.until is None
        )
        self.stdout.write(f"{out}: {len(bundle)} bytes; check it with")
        self.stdout.write(f"  python -m limited_use.verify {keys} {out}")
