"""
Reads which tests bear the id of an invariant, clause, control, scenario or claim.

Reads source code: nothing is collected or run, so a test of the catalogue can ask it in any part
of a run.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.matrix import MARKERS

ROOT: Final = Path(__file__).resolve().parents[1]
TESTS: Final = ROOT / "tests"
Definition = ast.FunctionDef | ast.AsyncFunctionDef


class Bound(NamedTuple):
    """What a marker says: `clause` and `LU-1`, say."""

    marker: str
    id: str


def in_source(text: str, path: str) -> Iterator[tuple[Bound, str]]:
    """Yield what the tests of one module are bound to, and each test as pytest names it."""
    yield from _Module(ast.parse(text)).inside(path)


class _Module:
    """One module of tests, with what its own names stand for."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.values: dict[str, ast.expr] = {}
        self.functions: dict[str, Definition] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign):
                self.values[ast.unparse(node.targets[0])] = node.value
            elif isinstance(node, Definition):
                self.functions[node.name] = node

    def inside(self, path: str) -> Iterator[tuple[Bound, str]]:
        own = self.values.get("pytestmark")
        yield from self._inside(self.tree.body, path, set(self._marks(own) if own else ()))

    def _inside(
        self, body: list[ast.stmt], at: str, given: set[Bound]
    ) -> Iterator[tuple[Bound, str]]:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                yield from self._inside(
                    node.body, f"{at}::{node.name}", given | self._decorated(node)
                )
            elif isinstance(node, Definition) and node.name.startswith("test_"):
                for bound in given | self._decorated(node):
                    yield bound, f"{at}::{node.name}"

    def _decorated(self, node: ast.ClassDef | Definition) -> set[Bound]:
        return {bound for one in node.decorator_list for bound in self._marks(one)}

    def _marks(self, node: ast.AST, within: tuple[str, ...] = ()) -> Iterator[Bound]:
        """Yield every marker of ours within: also of single parameters, and by a helper's hand."""
        for one in ast.walk(node):
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
                name = one.func.attr
                if name in MARKERS and ast.unparse(one.func.value).endswith("mark"):
                    yield from (Bound(name, str(value)) for value in self._ids(one.args))
            elif isinstance(one, ast.Name) and one.id in self.functions and one.id not in within:
                yield from self._marks(self.functions[one.id], (*within, one.id))
            elif isinstance(one, ast.Name) and one.id in self.values and one.id not in within:
                # A list of cases, some of which stand for something by themselves.
                yield from self._marks(self.values[one.id], (*within, one.id))

    def _ids(self, given: list[ast.expr]) -> Iterator[object]:
        for one in given:
            if isinstance(one, ast.Constant):
                yield one.value
            elif isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name):
                table = self.values.get(one.value.id)
                values = table.values if isinstance(table, ast.Dict) else []
                yield from self._ids([value for value in values if isinstance(value, ast.Constant)])


def find_bound_tests(folder: Path = TESTS) -> dict[Bound, list[str]]:
    """Return every id with the tests that are bound to it, as the tests stand."""
    tests: dict[Bound, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("test_*.py")):
        place = path.relative_to(folder.parent).as_posix()
        for bound, test in in_source(path.read_text(encoding="utf-8"), place):
            tests[bound].add(test)
    return {bound: sorted(tests[bound]) for bound in sorted(tests, key=_get_sort_key)}


def _get_sort_key(bound: Bound) -> tuple[int, int, str]:
    number = int(bound.id) if bound.id.isdigit() else 0
    return MARKERS.index(bound.marker), number, bound.id
