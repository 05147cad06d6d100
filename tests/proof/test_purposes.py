"""Every task and every command stands for a purpose, or holds no provider data."""

from __future__ import annotations

import pytest
from django.core.management import get_commands

from config.celery import app
from config.schedule import SCHEDULE
from integrations.tasks.purposes import COMMANDS, TASKS
from limited_use.features import FEATURES
from limited_use.rules import RULES

from .source import modules

OURS = ("accounts", "limited_use", "integrations", "config")


def reached(path):
    """Return the modules of ours that the one at `path` imports, directly or through others."""
    by_name = {
        one.path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): one
        for one in modules()
    }
    names, found = [path], set()
    while names:
        name = names.pop()
        while name and name not in by_name:
            name = name.rpartition(".")[0]
        if not name or name in found:
            continue
        found.add(name)
        names += [imported for imported, _ in by_name[name].imports()]
    return found


@pytest.mark.invariant(1, 2)
class TestEntryPoints:
    def test_list_every_task_of_ours(self):
        app.loader.import_default_modules()
        found = {name for name in app.tasks if name.split(".")[0] in OURS}

        assert found == set(TASKS)
        assert {entry["task"] for entry in SCHEDULE.values()} <= set(TASKS)

    def test_list_every_command_of_ours(self):
        found = {name for name, package in get_commands().items() if package in OURS}

        assert found == set(COMMANDS)

    def test_name_no_purpose_that_no_rule_allows(self):
        allowed = {purpose for rule in RULES if rule.allow for purpose in rule.purposes}

        for entry in (*TASKS.values(), *COMMANDS.values()):
            assert entry.description
            assert entry.purposes <= allowed

    def test_show_nothing_to_anybody(self):
        shown = {purpose for feature in FEATURES.values() for purpose in feature.purposes}

        assert not [name for name, entry in (TASKS | COMMANDS).items() if entry.purposes & shown]

    @pytest.mark.parametrize("package", ["accounts", "limited_use"])
    def test_without_a_purpose_cannot_reach_a_provider(self, package):
        # What these packages run has no purpose, and no import that leads to an adapter or mail.
        for name in reached(f"{package}.tasks"):
            assert not name.startswith("integrations"), name

    def test_of_tasks_take_no_shape_and_no_page(self):
        # A task opens for the own provider alone: no rendering sink hangs on it by import.
        for one in modules():
            if one.path.startswith("integrations/tasks/"):
                names = {name for name, _ in one.imports()}
                assert not {name for name in names if "sinks" in name or "inbox" in name}
