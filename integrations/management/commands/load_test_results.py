"""Add the results of a test run to a release: `manage.py load_test_results FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.review.evidence import claim_register, test_results
from integrations.review.evidence.test_results import InvalidTestResults, TestRunResults
from limited_use.policy import clauses


class Command(BaseCommand):
    help = "Check the file that `pytest --matrix=FILE` wrote, and copy it to TEST_RESULTS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file that `pytest --matrix=FILE` wrote")

    def handle(self, *, file: Path, **_: Any) -> None:
        if not settings.TEST_RESULTS:
            raise CommandError("TEST_RESULTS is not set: the file to which results are copied")
        target = Path(settings.TEST_RESULTS)
        try:
            content = file.read_bytes()
            results = test_results.parse_test_results(content)
            _check_results(results)
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.name}.partial")
            partial.write_bytes(content)
            partial.replace(target)
        except (InvalidTestResults, OSError) as error:
            raise CommandError(f"{file}: {error}") from None
        self.stdout.write(f"{target}: {results.test_count} tests, {results.failed_count} failed")


def _check_results(results: TestRunResults) -> None:
    """Refuse a run that tested other code, or only a part of the tests."""
    if not results.is_of_this_code:
        raise InvalidTestResults("the run tested different code than this release")
    missing = [
        clause.id
        for clause in clauses.CLAUSES.values()
        if clauses.is_enforced(clause) and not results.list_tests("clause", clause.id)
    ]
    missing += sorted(
        {
            claim.id
            for claim in claim_register.collect_claims()
            if not results.list_tests("claim", claim.id)
        }
    )
    if missing:
        raise InvalidTestResults(f"the run has no test of {', '.join(missing)}")
