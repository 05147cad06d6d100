"""Every task and every command stands for a purpose, or holds no provider data."""

from __future__ import annotations

import pytest
from django.core.management import get_commands

from config.celery import app
from config.schedule import SCHEDULE
from integrations.tasks.purposes import COMMANDS, TASKS
from limited_use.features import FEATURES
from limited_use.rules import RULES

OURS = ("accounts", "limited_use", "integrations", "config")


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
