"""Commands that one class of process alone can run: they end with one line in any other."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands

from config.commands import COMMANDS, check_command_class
from config.database.role_logins import get_login_variable_name
from config.process_classes import OWNER, ProcessClass
from tests.config import production

LOGIN = "postgresql://{}:pw@db.example/antares?sslmode=verify-full"
LOGINS = {
    "DATABASE_URL": LOGIN.format("antares"),
    **{get_login_variable_name(one): LOGIN.format(f"antares_{one}") for one in ProcessClass},
}


@pytest.fixture
def env(tmp_path):
    tmp_path.chmod(0o700)
    return {**production.environment(tmp_path), **LOGINS}


class TestOverduePurges:
    @pytest.mark.parametrize("process_class", [OWNER, "web"])
    def test_says_in_one_line_which_class_runs_it(self, env, process_class):
        done = production.run_manage({**env, "PROCESS_CLASS": process_class}, "overdue_purges")

        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == (
            "config: overdue_purges runs with PROCESS_CLASS=purge and DATABASE_URL_PURGE\n"
        )

    def test_explains_itself_in_every_class(self, env):
        done = production.run_manage({**env, "PROCESS_CLASS": OWNER}, "overdue_purges", "--help")

        assert done.returncode == 0, done.stderr
        assert "List overdue promises" in done.stdout


class TestACommand:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_starts_in_its_own_class_alone(self, settings, command):
        arguments = ["manage.py", *command.split(), "an-argument"]
        settings.PRODUCTION = True

        for process_class in ("", *ProcessClass):
            settings.PROCESS_CLASS = process_class
            if process_class == COMMANDS[command]:
                check_command_class(arguments)
            else:
                with pytest.raises(SystemExit, match=f"PROCESS_CLASS={COMMANDS[command]} "):
                    check_command_class(arguments)

    def test_starts_in_development_and_without_a_class_of_its_own(self, settings):
        settings.PROCESS_CLASS = ""
        check_command_class(["manage.py", "overdue_purges"])
        settings.PRODUCTION = True
        check_command_class(["manage.py", "migrate"])
        check_command_class(["manage.py", "alarms"])
        check_command_class(["manage.py"])

    def test_exists_and_stands_in_the_documentation(self):
        text = (production.ROOT / "config" / "README.md").read_text(encoding="utf-8")
        sentence = re.search(r"`purge`, [^.]* run with [^.]*\.", text)[0]

        words = set(re.findall(r"`([\w ]+)`", sentence)) - {*ProcessClass}
        assert words | {"purge"} == COMMANDS.keys()
        assert {command.split()[0] for command in COMMANDS} <= get_commands().keys()
