"""Only declared regions import what produces plaintext, and no region is declared without need."""

from __future__ import annotations

import pytest

from integrations.registers.plaintext_regions import HARMLESS, REGIONS, SOURCES
from tests.proof.source import Module, modules


def is_within(name, package):
    return name == package or name.startswith(f"{package}.")


def is_any_within(name, packages):
    return any(is_within(name, package) for package in packages)


def imports_source(imported):
    """Return whether `imported` is a source, in a source, or a package that contains a source."""
    return imported not in HARMLESS and any(
        is_within(imported, source) or is_within(source, imported) for source in SOURCES
    )


def source_imports(module):
    """Return each import of a source in `module`, as text."""
    return [
        f"{module.path}:{line} imports {imported}"
        for imported, line in module.imports()
        if imports_source(imported)
    ]


def undeclared_imports(module):
    declared = {**SOURCES, **REGIONS}
    return [] if is_any_within(module.name, declared) else source_imports(module)


def unused_regions(regions, found):
    """Return the regions that have no module in `found` which imports a source."""
    importing = [module.name for module in found if source_imports(module)]
    return [one for one in regions if not any(is_within(name, one) for name in importing)]


@pytest.mark.invariant(2)
class TestRegions:
    def test_are_the_only_importers_of_sources(self):
        found = [text for module in modules() for text in undeclared_imports(module)]

        assert found == [], "declare the module in integrations/registers/plaintext_regions.py"

    def test_exist_and_import_a_source(self):
        assert unused_regions(REGIONS, modules()) == []

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
            "limited_use.guard",
            "limited_use.ledger",
            "limited_use.policy",
            "integrations.models",
            "integrations.purge.engine",
            "integrations.notices",
        )

        assert [name for name in excluded if is_any_within(name, REGIONS)] == []
        assert [name for name in REGIONS if is_any_within(name, excluded)] == []

    def test_include_of_tasks_only_the_one_that_asks_for_a_refresh(self):
        tasks = [name for name in REGIONS if is_within(name, "integrations.tasks")]

        assert tasks == ["integrations.tasks.grants"]


@pytest.mark.invariant(2)
class TestSources:
    def test_exist(self):
        names = {module.name for module in modules()}

        assert [name for name in SOURCES if name not in names] == []

    def test_have_every_harmless_name_imported(self):
        imported = {name for module in modules() for name, _ in module.imports()}

        assert imported >= HARMLESS


@pytest.mark.invariant(2)
class TestAnUndeclaredModule:
    @pytest.mark.parametrize(
        "code",
        [
            "from limited_use.vault import opening",
            "from limited_use.vault.opening import open_all",
            "from limited_use.sinks.provider import credential as given",
            "from limited_use import sinks",
            "import limited_use.sinks.page as p",
            "def f():\n    from integrations.mime import raw",
            "from ..mime.raw import parse",
            "from .. import providers",
            "from integrations.providers.base import MailAdapter",
            "from integrations.providers.google.mail import GmailAdapter",
            "from integrations import tokens",
            "from integrations.icalendars.problems import *",
            "import integrations.mime",
            "import integrations",
        ],
    )
    def test_that_imports_a_source_is_found(self, code):
        planted = Module("integrations/settings_pages/planted.py", code)

        assert undeclared_imports(planted)

    @pytest.mark.parametrize(
        "code",
        [
            "from limited_use.sinks.rows import Row",
            "from integrations.providers import PROVIDERS",
            "from integrations.providers.errors import Unavailable",
            "from integrations import inbox",
            "from limited_use.vault.keyring import KeyStoreUnavailable",
        ],
    )
    def test_that_imports_another_module_is_not(self, code):
        planted = Module("integrations/settings_pages/planted.py", code)

        assert undeclared_imports(planted) == []


@pytest.mark.invariant(2)
class TestARegion:
    def test_that_imports_no_source_any_more_is_found(self):
        changed = Module("integrations/pictures.py", "from integrations import calling")

        assert unused_regions(["integrations.pictures"], [changed]) == ["integrations.pictures"]

    def test_that_does_not_exist_is_found(self):
        assert unused_regions(["integrations.gone"], modules()) == ["integrations.gone"]
