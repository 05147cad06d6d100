"""What this package promises about itself, read from its own source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("accounts", "limited_use", "integrations", "config")
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for package in OURS
    for path in (ROOT / package).rglob("*.py")
}


def calling(name):
    return {
        path
        for path, text in FILES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name
    }


def importing(module):
    parent, _, child = module.rpartition(".")
    found = set()
    for path, text in FILES.items():
        package = path.removesuffix(".py").split("/")[:-1]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else []
                origin = ".".join([*base, *([node.module] if node.module else [])])
                names = {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
            else:
                continue
            if module in names or f"{parent}.{child}" in names:
                found.add(path)
    return found


@pytest.mark.invariant(2)
class TestBoundaries:
    def test_only_the_guard_builds_a_permit(self):
        assert calling("Permit") == {"limited_use/guard.py"}

    @pytest.mark.invariant(3)
    def test_only_the_guard_takes_permits_that_are_not_recorded_yet(self):
        # The sandbox, which is no part of the service, has another of that name.
        answering = {path for path in calling("_answered") if "/sandbox/" not in path}
        assert answering == {"limited_use/guard.py"}

    def test_nobody_alters_a_permit(self):
        altered = {
            path
            for path, text in FILES.items()
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func).rpartition(".")[2] == "replace"
            and node.args
            and "permit" in ast.unparse(node.args[0]).lower()
        }

        assert altered <= {"limited_use/guard.py"}

    def test_only_sinks_import_opening(self):
        importers = importing("limited_use.vault.opening")

        assert importers
        assert all(path.startswith("limited_use/sinks/") for path in importers)

    def test_only_the_vault_opens_records(self):
        # Others know its errors, and nothing else of it.
        errors = re.compile(
            r"vault\.records import (Unopenable|Damaged|KeyDamaged)(, \w*(openable|Damaged))*$",
            re.MULTILINE,
        )
        importers = importing("limited_use.vault.records.open") | {
            path
            for path in importing("limited_use.vault.records")
            if not errors.search(FILES[path])
        }

        assert importers
        assert all(path.startswith("limited_use/vault/") for path in importers)

    def test_only_the_vault_and_the_check_use_a_keyrings_keys(self):
        unwrapping = calling("unwrap") | calling("rewrap")

        assert all(path.startswith("limited_use/vault/") for path in unwrapping)

    @pytest.mark.control("5.1.3")
    def test_nothing_is_unpickled_or_evaluated(self):
        mine = {path for path in FILES if path.startswith("limited_use/")}

        assert not mine & (calling("loads") & importing("pickle"))
        assert not mine & (calling("eval") | calling("exec"))

    @pytest.mark.control("4.1.3")
    def test_no_weak_hash_or_predictable_randomness_is_used(self):
        mine = {path for path in FILES if path.startswith("limited_use/")}

        assert not mine & (calling("md5") | calling("sha1") | importing("random"))


PURE = (
    "clauses",
    "features",
    "wanting",
    "vocabulary",
    "rules",
    "policy",
    "golden",
    "documents",
    "verify",
    "ledger.tree",
    "ledger.notes",
    "ledger.proofs",
    "ledger.tiles",
    "vault.lines",
    "vault.sealed",
    "vault.records",
    "vault.compression",
)


@pytest.mark.parametrize("module", PURE)
def test_is_pure(module):
    program = (
        "import sys; sys.modules['django'] = sys.modules['accounts'] = None;"
        f"import limited_use.{module}"
    )

    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
