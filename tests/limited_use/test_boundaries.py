"""What this package promises about itself, read from its own source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.proof.source import PACKAGES, ROOT, Module

# Migrations as well.
FILES = {
    one.path: one
    for package in PACKAGES
    for one in (
        Module(path.relative_to(ROOT).as_posix(), path.read_text())
        for path in (ROOT / package).rglob("*.py")
    )
}


def calling(name):
    return {
        path
        for path, module in FILES.items()
        if any(called.rpartition(".")[2] == name for called, _ in module.calls())
    }


def importing(module):
    """Return who imports a module, or something of it."""
    return {
        path
        for path, one in FILES.items()
        if any(module in {name, name.rpartition(".")[0]} for name, _ in one.imports())
    }


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
            for path, module in FILES.items()
            for called, node in module.calls()
            if called.rpartition(".")[2] == "replace"
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
            if not errors.search(FILES[path].text)
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
