"""
Print the ledger's entries for verification or subject access: lines of JSON.

Entries hold our words, counts and pseudonyms only. A newest signed checkpoint, kept apart, proves
that no entry is missing or changed.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from limited_use.models import Leaf

CHUNK = 2000


class Command(BaseCommand):
    help = "Write each sequenced entry as a line with its index and its exact payload."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=int, default=0, help="the first index")

    def handle(self, *, first: int, **_: Any) -> None:
        while rows := list(
            Leaf.objects.filter(idx__gte=first)
            .order_by("idx")
            .values_list("idx", "payload")[:CHUNK]
        ):
            for index, payload in rows:
                line = {"index": index, "payload": bytes(payload).decode(errors="surrogateescape")}
                self.stdout.write(json.dumps(line))
                first = (index or 0) + 1
