"""
The declared plaintext regions: each has a reason, and none is where plaintext must not be.

That only regions import a source, and that each region does, is a rule of `tests/proof`.
"""

from __future__ import annotations

from importlib import import_module

import pytest

from integrations.review.registers.plaintext_regions import HARMLESS, REGIONS, SOURCES
from tests.proof.exceptions import RULES
from tests.proof.source import ROOT, Module, find_path


def is_any_within(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.invariant(2)
class TestRegions:
    def test_have_a_reason(self):
        for reason in (*SOURCES.values(), *REGIONS.values()):
            assert len(reason.split()) >= 3
            assert reason.endswith(".")

    def test_are_outside_each_other_and_outside_sources(self):
        nested = [
            name for name in REGIONS if is_any_within(name, [*SOURCES, *(REGIONS.keys() - {name})])
        ]

        assert nested == []

    def test_leave_out_policy_ledger_guard_and_accounts(self):
        excluded = (
            "accounts",
            "config",
            "integrations.management",
            "limited_use.guard.guard",
            "limited_use.ledger",
            "limited_use.policy.policy_evaluation",
            "integrations.models",
            "integrations.purge.purge_engine",
            "integrations.notifications.owner_notices",
        )

        assert [name for name in excluded if is_any_within(name, REGIONS)] == []
        assert [name for name in REGIONS if is_any_within(name, excluded)] == []

    def test_include_of_tasks_only_the_one_that_asks_for_a_refresh(self):
        tasks = [name for name in REGIONS if is_any_within(name, ["integrations.tasks"])]

        assert tasks == ["integrations.tasks.grants"]


@pytest.mark.invariant(2)
class TestSources:
    def test_exist(self):
        assert [name for name in SOURCES if not (ROOT / find_path(name)).exists()] == []

    def test_have_harmless_names_that_exist(self):
        for name in HARMLESS:
            module, _, attribute = name.rpartition(".")
            assert hasattr(import_module(module), attribute), name

    @pytest.mark.parametrize(
        "code",
        [
            "from limited_use.sinks.sealed_rows import SealedRow",
            "from integrations.providers import PROVIDERS",
            "from integrations.providers.errors import Unavailable",
            "from integrations import mail",
            "from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable",
        ],
    )
    def test_do_not_include_other_modules(self, code):
        rule = RULES["imports a source of plaintext"]

        assert not list(rule.finds(Module("integrations/settings/planted.py", code)))
