"""`manage.py database_walls` as an owner of the tables that is not a superuser."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from io import StringIO
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from psycopg import sql

from config.database import role_logins
from config.database.login_roles import DatabaseRoles
from config.database.server_rights import OPEN_STATEMENTS
from config.process_classes import ProcessClass
from limited_use.vault.sql_functions import FUNCTIONS
from tests.accounts.cast import EC
from tests.bench import databases
from tests.keyrings import copy_keyring

PREFIX = f"antares_owned_{os.getpid()}"
ROLES = DatabaseRoles(PREFIX)
OWNER = f"{PREFIX}_owner"


def as_superuser(*statements, database=None):
    url = os.environ["DATABASE_URL"]
    with psycopg.connect(
        databases.replace_database_name(url, database) if database else url
    ) as opened:
        for statement in statements:
            opened.execute(statement)


def url_of(role):
    parts = urlsplit(os.environ["DATABASE_URL"])
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(role)}:pw@{place}", path=f"/{PREFIX}").geturl()


class Done(NamedTuple):
    """What a command wrote, and its error."""

    stdout: str
    error: str


def run_owner_command(*arguments):
    """Run one of the owner's commands, logged in as the owner."""
    parts = urlsplit(url_of(OWNER))
    stdout, error = StringIO(), ""
    connection.close()
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(DATABASE_ROLE_PREFIX=PREFIX),
    ):
        for one in ProcessClass:
            patch.setenv(role_logins.get_login_variable_name(one), url_of(ROLES.get_login(one)))
        login = {"NAME": PREFIX, "USER": parts.username, "PASSWORD": parts.password}
        for name, value in login.items():
            patch.setitem(connection.settings_dict, name, value)
        try:
            call_command(*arguments, stdout=stdout)
        except CommandError as problem:
            error = str(problem)
        finally:
            connection.close()
    return Done(stdout.getvalue(), error)


def drop_everything():
    databases.drop(os.environ["DATABASE_URL"], PREFIX)
    names = (*ROLES.all_names, OWNER)
    as_superuser(*(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(one)) for one in names))


@pytest.fixture(scope="module")
def migrated(django_db_blocker):
    """Make the owner, and a database that the owner has migrated."""
    drop_everything()
    owner = sql.Identifier(OWNER)
    as_superuser(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw'").format(owner))
    databases.create_database(os.environ["DATABASE_URL"], PREFIX)
    as_superuser(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(PREFIX), owner))
    with django_db_blocker.unblock():
        assert run_owner_command("migrate", "--verbosity", "0").error == ""
        yield
    drop_everything()


@pytest.fixture
def owner(migrated):
    """Return the owner's name; no role of the deployment exists yet."""
    owner = sql.Identifier(OWNER)
    with psycopg.connect(
        databases.replace_database_name(os.environ["DATABASE_URL"], PREFIX)
    ) as opened:
        for name in ROLES.all_names:
            if opened.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                role = sql.Identifier(name)
                opened.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
                opened.execute(sql.SQL("DROP ROLE {}").format(role))
        opened.execute(sql.SQL("ALTER ROLE {} NOCREATEROLE").format(owner))
        opened.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(PREFIX), owner)
        )
    return OWNER


def may_make_roles(owner):
    as_superuser(sql.SQL("ALTER ROLE {} CREATEROLE").format(sql.Identifier(owner)))


def memberships(role):
    """Return the roles that `role` may act as."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as opened:
        rows = opened.execute(
            "SELECT rolname::text FROM pg_roles WHERE rolname LIKE %s AND rolname <> %s"
            " AND (pg_has_role(%s, oid, 'SET') OR pg_has_role(%s, oid, 'USAGE')) ORDER BY 1",
            [f"{PREFIX}_%", role, role, role],
        )
        return [name for (name,) in rows]


def assert_walls_stand(owner):
    check = run_owner_command("database_walls", "--check")
    assert check.error == ""
    assert check.stdout.startswith("the walls stand as the code says\n")
    for one in ProcessClass:
        with psycopg.connect(url_of(ROLES.get_login(one))) as opened:
            assert opened.execute("SELECT current_user").fetchone() == (ROLES.get_login(one),)
    # What was needed to give functions away is taken back.
    assert memberships(owner) == []


class TestAnOwnerThatMayMakeRoles:
    def test_builds_the_walls_and_does_nothing_the_second_time(self, owner):
        may_make_roles(owner)

        done = run_owner_command("database_walls")
        again = run_owner_command("database_walls")

        assert done.error == ""
        assert again.error == ""
        assert again.stdout.startswith("nothing to do\n")
        assert_walls_stand(owner)

    def test_puts_right_a_function_that_was_changed(self, owner):
        may_make_roles(owner)
        run_owner_command("database_walls")
        as_superuser(
            sql.SQL("ALTER FUNCTION public.{} SECURITY INVOKER").format(
                sql.SQL(FUNCTIONS[0].signature)
            ),
            database=PREFIX,
        )

        done = run_owner_command("database_walls")

        assert done.stdout.startswith("made function "), done.error
        assert_walls_stand(owner)

    def test_goes_on_after_a_run_that_failed_halfway(self, owner):
        may_make_roles(owner)
        # As a run before this one left it: roles, and nothing that belongs to them.
        with psycopg.connect(url_of(owner)) as opened:
            for name in ROLES.all_names:
                login = "LOGIN" if name in ROLES.login_classes else "NOLOGIN"
                opened.execute(sql.SQL("CREATE ROLE {} " + login).format(sql.Identifier(name)))

        done = run_owner_command("database_walls")

        assert done.error == ""
        assert_walls_stand(owner)

    def test_is_told_the_statement_that_only_a_superuser_may_execute(self, owner):
        may_make_roles(owner)
        run_owner_command("database_walls")

        said = run_owner_command("database_walls", "--check").stdout.splitlines()[1]
        statement = said.partition("may execute: ")[2]
        assert statement.startswith("REVOKE EXECUTE ON FUNCTION pg_catalog.lo_close(integer), ")
        as_superuser(statement, database=PREFIX)

        assert run_owner_command("database_walls", "--check").stdout.splitlines() == [
            "the walls stand as the code says",
            OPEN_STATEMENTS,
        ]
        with (
            psycopg.connect(url_of(ROLES.get_login(ProcessClass.WEB))) as opened,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            opened.execute("SELECT lo_from_bytea(0, 'a copy')")


class TestCommandsOfTheOwner:
    def test_name_people_and_clients_in_the_ledger(self, owner, settings, tmp_path):
        settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
        copy_keyring(settings.KEYRING.folder)
        keys = tmp_path / "keys.json"
        keys.write_text(json.dumps({"keys": [EC.as_dict(private=False)]}))
        may_make_roles(owner)
        run_owner_command("database_walls")
        for name in ("olga", "otto"):
            run_owner_command(
                "people", "register", name, f"{name}@acme.example", name, "--role=operator"
            )
        both = ("--by", "olga", "--approved-by", "otto")

        done = run_owner_command(
            "clients", "register", "inbox-widget", str(keys), "inbox.display", *both
        )

        assert done == ("inbox-widget is registered for inbox.display\n", "")
        assert run_owner_command("sequence_ledger").stdout.startswith("3 entries added, ")
        with psycopg.connect(url_of(owner)) as opened:
            leaves = "SELECT DISTINCT writer, fault FROM limited_use_leaf"
            assert opened.execute(leaves).fetchall() == [(owner, "")]


class TestAnOwnerThatLacksARight:
    """Is told the one statement that an administrator has to execute, and then goes on."""

    @staticmethod
    def execute_what_it_says(done):
        said = done.error.removeprefix("an administrator has to execute: ")
        assert said != done.error
        assert done.stdout == ""
        as_superuser(said, database=PREFIX)
        return said

    def test_to_make_roles(self, owner):
        said = self.execute_what_it_says(run_owner_command("database_walls"))

        assert said == f'ALTER ROLE "{owner}" CREATEROLE;'
        assert run_owner_command("database_walls").error == ""
        assert_walls_stand(owner)

    def test_to_change_roles_that_another_made(self, owner):
        may_make_roles(owner)
        as_superuser(
            *(
                sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLES.get_login(one)))
                for one in (ProcessClass.WEB, ProcessClass.SYNC)
            ),
            sql.SQL("CREATE ROLE {}").format(sql.Identifier(ROLES.vault_owner)),
        )

        said = self.execute_what_it_says(run_owner_command("database_walls"))

        assert said == (
            f'GRANT "{PREFIX}_web", "{PREFIX}_sync", "{PREFIX}_vault" TO "{owner}"'
            " WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;"
        )
        assert run_owner_command("database_walls").error == ""
        assert_walls_stand(owner)

    def test_to_the_database(self, owner):
        may_make_roles(owner)
        names = {"database": sql.Identifier(PREFIX), "owner": sql.Identifier(owner)}
        as_superuser(
            sql.SQL("ALTER DATABASE {database} OWNER TO CURRENT_USER").format(**names),
            sql.SQL("GRANT CONNECT ON DATABASE {database} TO {owner}").format(**names),
        )

        said = self.execute_what_it_says(run_owner_command("database_walls"))

        assert said == f'ALTER DATABASE "{PREFIX}" OWNER TO "{owner}";'
        assert run_owner_command("database_walls").error == ""
        assert_walls_stand(owner)

    def test_to_take_an_attribute_away_that_only_a_superuser_gives(self, owner):
        may_make_roles(owner)
        run_owner_command("database_walls")
        web = sql.Identifier(ROLES.get_login(ProcessClass.WEB))
        as_superuser(sql.SQL("ALTER ROLE {} BYPASSRLS").format(web))

        said = self.execute_what_it_says(run_owner_command("database_walls"))

        assert said == f'ALTER ROLE "{PREFIX}_web" NOBYPASSRLS;'
        assert_walls_stand(owner)
