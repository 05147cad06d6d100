"""Servers that somebody else runs: asked first, and used without a trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest

from config.database import login_roles
from config.embedded import __main__ as launcher
from config.embedded import external_servers, postgres
from config.embedded.child_processes import EmbeddedServersUnavailable
from config.embedded.embedded_service import ROOT
from tests import template
from tests.bench import databases
from tests.worlds import own

SECRET = "tops3cret"
WRONG = [
    ("DATABASE_URL", f"postgresql://a:{SECRET}@127.0.0.1:1/a", "Connection refused"),
    ("DATABASE_URL", f"postgresql://a:{SECRET}@127.0.0.1:one/a", "DATABASE_URL"),
    ("DATABASE_URL", f"mysql://a:{SECRET}@127.0.0.1/a", "no other dialect"),
    ("BROKER_URL", f"redis://:{SECRET}@127.0.0.1:1/0", "refused"),
    ("BROKER_URL", "redis+socket:///nowhere.sock", "No such file"),
    ("BROKER_URL", f"carrier-pigeon://:{SECRET}@127.0.0.1/0", "no address of a Redis"),
]
ASK = {"DATABASE_URL": external_servers.check_database, "BROKER_URL": external_servers.check_broker}
ENTRIES = {
    "demo": ["config.embedded", "demo"],
    "run": ["config.embedded", "run", "true"],
    "smoke": ["tests.smoke"],
    "canary": ["tests.canaries"],
    "bench": ["tests.bench", "decisions"],
    "test": ["pytest", "-q", "tests/test_matrix.py"],
}


def build_environment_elsewhere(**given):
    """Return the environment with other servers than this test's."""
    left = {key: value for key, value in os.environ.items() if key not in ASK}
    return {**left, **given}


@pytest.fixture
def database(django_db_blocker):
    """Return the address of a migrated database that nobody has used."""
    name = f"antares_given_{os.getpid()}"
    with django_db_blocker.unblock():
        url = template.copy_template(name)
    yield url
    databases.drop(os.environ["DATABASE_URL"], name)


def roles_there():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'antares%'")
        return {name for (name,) in rows}


def databases_there():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


class TestExternalServers:
    @pytest.mark.parametrize(("name", "url", "says"), WRONG)
    def test_says_in_one_line_what_is_wrong_and_no_password(self, name, url, says):
        with pytest.raises(EmbeddedServersUnavailable, match=says) as caught:
            ASK[name](url)

        said = str(caught.value)
        assert name in said
        assert SECRET not in said
        assert "\n" not in said

    def test_passes_servers_that_answer(self):
        for name, ask in ASK.items():
            ask(os.environ[name])

    def test_refuses_one_that_is_too_old(self, monkeypatch):
        monkeypatch.setattr(external_servers, "_OLDEST_VERSION", 99)

        with pytest.raises(EmbeddedServersUnavailable, match="99 or newer is needed"):
            external_servers.check_database(os.environ["DATABASE_URL"])

    @pytest.mark.parametrize("entry", ENTRIES)
    def test_comes_before_anything_else(self, entry):
        done = subprocess.run(
            [sys.executable, "-m", *ENTRIES[entry]],
            cwd=ROOT,
            env=build_environment_elsewhere(DATABASE_URL="postgresql://a@127.0.0.1:1/a"),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert "DATABASE_URL: connection failed" in said
        assert "Traceback" not in said


class TestARunOfItsOwn:
    def test_has_a_database_and_roles_of_its_own_and_leaves_none(self, tmp_path):
        # Others are at work on the same server.
        with own.run_own_servers(tmp_path, settings=postgres.SCANNABLE) as mine:
            made = login_roles.DatabaseRoles(mine.extra["DATABASE_ROLE_PREFIX"])
            with psycopg.connect(mine.urls.database, autocommit=True) as connection:
                login_roles.make_database_roles(connection, made, {})
                connection.execute("CREATE TABLE something AS SELECT 1")
            assert made.prefix in databases_there()
            assert set(made.all_names) <= roles_there()
            assert not mine.embedded

        assert made.prefix not in databases_there()
        assert not set(made.all_names) & roles_there()

    def test_has_servers_of_its_own_where_none_are_given(self, tmp_path):
        tmp_path.chmod(0o711)

        with own.run_own_servers(tmp_path, settings=postgres.THROWAWAY, given={}) as mine:
            assert mine.urls.database != os.environ["DATABASE_URL"]
            assert (mine.embedded, mine.extra) == (True, {})


class TestTheDemo:
    def test_has_a_folder_and_roles_for_each_database(self):
        one = {"DATABASE_URL": "postgresql://a:1@host/one"}
        same = {"DATABASE_URL": "postgresql://b:2@host/one"}
        other = {"DATABASE_URL": "postgresql://a:1@host/two"}

        assert launcher._choose_data_folder({}) == ROOT / ".data" / "demo"
        assert (
            launcher._choose_data_folder(one)
            == launcher._choose_data_folder(same)
            != launcher._choose_data_folder(other)
        )
        assert launcher._choose_role_prefix({}) == {}
        assert (
            launcher._choose_role_prefix(one)
            == launcher._choose_role_prefix(same)
            != launcher._choose_role_prefix(other)
        )
        assert launcher._choose_role_prefix({**one, "DATABASE_ROLE_PREFIX": "mine"}) == {}

    def test_names_nobody_of_another_database(self, database, tmp_path):
        tmp_path.chmod(0o711)
        somebody = {"people": [{"id": str(uuid4())}], "clients": []}
        (tmp_path / "people.json").write_text(json.dumps(somebody))

        done = self.seed(database, tmp_path)

        assert done.returncode == 1
        assert "belongs to another database" in done.stderr
        assert "Traceback" not in done.stderr

    @staticmethod
    def seed(database, folder):
        """Prepare as the demo does, without starting it."""
        return subprocess.run(
            [sys.executable, "-m", "config.embedded.database_setup"],
            cwd=ROOT,
            env=build_environment_elsewhere(
                ANTARES_ENV="development",
                DATABASE_URL=database,
                BROKER_URL=os.environ["BROKER_URL"],
                KEYRING_DIR=str(folder / "keyring"),
            ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
