"""
Prove that the ledger only grew: `manage.py prove_consistency FROM TO`, or `--all`.

Prints the format of https://c2sp.org/tlog-witness for a witness or for `python -m
limited_use.verify --checkpoints`.
"""

from __future__ import annotations

import itertools
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from limited_use.ledger import ledger_publication, tile_store


class Command(BaseCommand):
    help = "Print the proof that the signed tree of size TO continues that of size FROM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sizes", metavar="FROM TO", nargs="*", type=int)
        parser.add_argument(
            "--all", action="store_true", help="prove each published checkpoint against the next"
        )

    def handle(self, *, sizes: list[int], **options: Any) -> None:
        if options["all"]:
            steps = [
                checkpoint.size
                for checkpoint, _ in ledger_publication.get_ledger_publication().read_checkpoints()
            ]
            pairs = [(old, new) for old, new in itertools.pairwise(steps) if 0 < old < new]
        elif len(sizes) == 2:  # noqa: PLR2004
            pairs = [(sizes[0], sizes[1])]
        else:
            raise CommandError("enter two sizes, or --all")
        for old, new in pairs:
            try:
                self.stdout.write(tile_store.prove_consistency(old, new), ending="")
            except ValueError as problem:
                raise CommandError(str(problem)) from None
