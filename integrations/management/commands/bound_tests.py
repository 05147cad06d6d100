"""Write the register of tests by what they stand for anew."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from integrations.registers import bound_tests


class Command(BaseCommand):
    help = "Write the register of tests by invariant, clause, control and scenario."

    def handle(self, **_: object) -> None:
        tests = bound_tests.found()
        bound_tests.FILE.write_text(bound_tests.text(tests), encoding="utf-8")
        for marker in bound_tests.MARKERS:
            ids = [named for bound, named in tests.items() if bound.marker == marker]
            bindings = sum(map(len, ids))
            self.stdout.write(f"{marker}: {len(ids)} ids, {bindings} times a test bound to one")
