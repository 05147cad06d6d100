"""Which tests stand behind each sentence, and, where a run is given, how they went."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from integrations.registers import bound_tests
from limited_use.evidence.sections import Basis, Section

NOT_INCLUDED: Final = "not included"


class NoMatrix(Exception):
    """The file is not what `pytest --matrix FILE` writes."""


def section(matrix: bytes | None) -> Section:
    """:raises NoMatrix: if it is none"""
    run = NOT_INCLUDED if matrix is None else _read(matrix)

    def content(_: datetime) -> Mapping[str, Any]:
        return {"bound": bound(), "run": run}

    return Section(
        key="tests",
        title="Tests",
        says="Which tests are bound to each clause, invariant, control and scenario.",
        basis=Basis.TEST,
        content=content,
    )


def bound() -> dict[str, dict[str, list[str]]]:
    """Return the tests by marker and id, from the register that is committed."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for one, tests in bound_tests.committed().items():
        found[one.marker][one.id] = list(tests)
    return dict(found)


def _read(matrix: bytes) -> dict[str, Any]:
    """Return what a run says: per marker and id how its tests ended, and which did not pass."""
    outcomes: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    failed = set()
    try:
        for row in json.loads(matrix):
            outcomes[row["marker"]][row["id"]][row["outcome"]] += 1
            if row["outcome"] != "passed":
                failed.add(row["test"])
    except (ValueError, KeyError, TypeError):
        outcomes.clear()
    if not outcomes:
        raise NoMatrix("this is no matrix of a test run")
    return {
        "outcomes": {
            marker: {name: dict(counts) for name, counts in ids.items()}
            for marker, ids in outcomes.items()
        },
        "not_passed": sorted(failed),
    }
