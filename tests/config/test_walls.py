"""What the walls hold back, table by table and class by class, and what finds a hole in them."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection

from config.database import database_privileges, definer_functions, provisioning
from config.database.server_rights import OPEN_STATEMENTS
from config.database.table_grants import GRANTS, PRIVILEGES
from config.process_classes import ProcessClass
from tests.walls import acting_as, is_refused, run_sql

CLASSES = list(ProcessClass)


def refused_to_call(function):
    """Return whether the role that is on may not execute it; with nothing, it does nothing."""
    nothing = ", ".join(f"NULL::{argument_type}" for argument_type in function.argument_types)
    try:
        return is_refused(f"SELECT * FROM {function.name}({nothing})")  # noqa: S608 - our own names
    except IntegrityError:
        return False


class TestGrants:
    def test_have_a_line_for_every_table(self):
        """
        A new model needs a line in `config/database/table_grants.py`: its rights, and why.
        """
        assert set(GRANTS) == set(provisioning.get_tables())

    def test_use_known_letters_and_say_why(self):
        for label, line in GRANTS.items():
            assert len(line.why.split()) > 1, label
            for one in CLASSES:
                assert set(line.get_letters(one)) <= set(PRIVILEGES), label

    @pytest.mark.django_db
    def test_cover_every_table_that_the_database_has(self):
        known = {
            model._meta.db_table if model else name
            for name, model in provisioning.get_tables().items()
        }

        assert set(connection.introspection.table_names(include_views=True)) == known


@pytest.mark.django_db
@pytest.mark.control("4.1.1")
class TestEachClass:
    @pytest.mark.parametrize("process_class", CLASSES)
    def test_may_do_what_its_line_says_and_nothing_else(self, process_class):
        held = run_sql(
            "SELECT c.relname::text, p, has_table_privilege(%s, c.oid, p)"
            " FROM pg_class c, unnest(%s::text[]) p"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')",
            provisioning.get_roles().get_login(process_class),
            [*PRIVILEGES.values(), "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"],
        )

        wanted = {
            (model._meta.db_table if model else label, PRIVILEGES[letter])
            for label, line in GRANTS.items()
            for model in [provisioning.get_tables()[label]]
            for letter in line.get_letters(process_class)
            if process_class is not ProcessClass.CONSOLE or model is None or line.whole
        }
        assert {(table, privilege) for table, privilege, may in held if may} == wanted

    @pytest.mark.parametrize("process_class", CLASSES)
    @pytest.mark.invariant(3)
    def test_can_neither_delete_from_the_ledger_nor_change_it(self, process_class):
        with acting_as(process_class):
            assert is_refused("DELETE FROM limited_use_leaf")
            assert is_refused("TRUNCATE limited_use_leaf")
            assert is_refused("UPDATE limited_use_leaf SET payload = ''::bytea")
            assert is_refused("UPDATE limited_use_leaf SET idx = 1") is (
                process_class is not ProcessClass.PURGE
            )

    @pytest.mark.parametrize("process_class", CLASSES)
    def test_can_make_nothing_and_become_nobody(self, process_class):
        role = provisioning.get_roles().get_login(process_class)
        with acting_as(process_class):
            assert is_refused("CREATE TABLE planted (id integer)")
            assert is_refused("CREATE SCHEMA planted")
            assert is_refused("ALTER TABLE integrations_message DISABLE ROW LEVEL SECURITY")
            assert is_refused("CREATE ROLE planted")
        assert run_sql("SELECT roleid FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
                   " WHERE r.rolname = %s", role) == []  # fmt: skip

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            (model._meta.db_table, field.column)
            for model in provisioning.get_tables().values()
            if model is not None
            for field in model._meta.concrete_fields
            if type(field).__name__ == "SealedField"
        ],
    )
    def test_of_the_console_reads_no_sealed_column(self, table, column):
        with acting_as(ProcessClass.CONSOLE):
            assert is_refused(f"SELECT {column} FROM {table}")  # noqa: S608 - of our models
            assert is_refused(f"SELECT * FROM {table}")  # noqa: S608 - of our models


@pytest.mark.django_db
@pytest.mark.invariant(2)
class TestKeyTables:
    """Of wrapped keys: what opens content, and what the ledger's names are made with."""

    @pytest.mark.parametrize("process_class", CLASSES)
    @pytest.mark.parametrize("table", ["limited_use_datakey", "limited_use_wrappedledgerkey"])
    def test_are_touched_by_nobody_who_logs_in(self, table, process_class):
        with acting_as(process_class):
            assert is_refused(f"SELECT holder FROM {table}")  # noqa: S608 - of this test
            assert is_refused(f"INSERT INTO {table} DEFAULT VALUES")
            assert is_refused(f"UPDATE {table} SET holder = NULL")  # noqa: S608
            assert is_refused(f"DELETE FROM {table}")  # noqa: S608

    @pytest.mark.parametrize("process_class", CLASSES)
    def test_are_asked_by_functions_that_a_class_needs_and_no_others(self, process_class):
        functions = definer_functions.get_functions_by_owner(provisioning.get_roles())[
            provisioning.get_roles().vault_owner
        ]
        with acting_as(process_class):
            ran = {one.name for one in functions if not refused_to_call(one)}

        assert ran == {one.name for one in functions if process_class in one.classes}
        assert ("vault_name_rewrap" in ran) is (process_class is ProcessClass.PURGE)


@pytest.mark.django_db
class TestProvisioningCheck:
    def check(self):
        out = io.StringIO()
        call_command("database_walls", "--check", stdout=out)
        return out.getvalue()

    def test_is_content_with_what_the_command_built(self):
        assert self.check().splitlines() == ["the walls stand as the code says", OPEN_STATEMENTS]

    @pytest.mark.parametrize(
        ("planted", "found"),
        [
            ("GRANT DELETE ON limited_use_leaf TO {purge}", "DELETE on table limited_use_leaf"),
            ("GRANT SELECT ON accounts_user TO PUBLIC", "SELECT on table accounts_user: PUBLIC"),
            ("GRANT UPDATE (payload) ON limited_use_leaf TO {sync}", "UPDATE (payload) on table"),
            ("GRANT CREATE ON SCHEMA public TO {web}", "CREATE on schema public"),
            ("REVOKE SELECT ON integrations_message FROM {web}", "missing: SELECT on table"),
            ("ALTER ROLE {web} BYPASSRLS", "{web} is rolbypassrls"),
            ("GRANT {purge} TO {web}", "{web} is a member of {purge}"),
        ],
    )
    def test_finds_what_was_changed_by_hand_and_the_command_takes_it_back(self, planted, found):
        roles = {one.value: provisioning.get_roles().get_login(one) for one in ProcessClass}
        run_sql(planted.format(**roles))

        with pytest.raises(CommandError, match="1 difference"):
            self.check()
        assert any(found.format(**roles) in line for line in provisioning.find_differences())
        provisioning.build_walls()

        assert provisioning.find_differences() == []

    def test_finds_a_grant_to_somebody_whom_the_table_does_not_know(self):
        run_sql("CREATE ROLE antares_test_marketing")
        run_sql("GRANT SELECT ON integrations_message TO antares_test_marketing")

        assert provisioning.find_differences() == [
            "too much: SELECT on table integrations_message: antares_test_marketing"
        ]

    def test_does_nothing_where_there_is_nothing_to_do(self):
        assert provisioning.build_walls() == []


@pytest.mark.django_db
class TestFunctionsOfTheServer:
    """Large objects and messages, which PostgreSQL lets every login use."""

    @pytest.mark.parametrize("process_class", CLASSES)
    def test_are_executed_by_no_class(self, process_class):
        with acting_as(process_class):
            assert is_refused("SELECT lo_creat(-1)")
            assert is_refused("SELECT lo_from_bytea(0, 'a copy')")
            assert is_refused("SELECT pg_notify('other', 'a copy')")

    def test_are_reported_and_revoked_where_they_came_back(self):
        run_sql("GRANT EXECUTE ON FUNCTION pg_catalog.lo_creat(integer) TO PUBLIC")

        assert provisioning.find_differences() == []
        (said, statements) = provisioning.describe_open_rights()
        assert said.endswith(
            "execute: REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer) FROM PUBLIC;"
        )
        assert statements == OPEN_STATEMENTS
        assert provisioning.build_walls() == [
            "REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer) FROM PUBLIC"
        ]
        assert provisioning.describe_open_rights() == [OPEN_STATEMENTS]


@pytest.mark.django_db
class TestBeyond:
    """What `check --deploy` says of the role that a process is logged in as."""

    @pytest.mark.parametrize("process_class", CLASSES)
    def test_finds_another_role_than_that_of_the_class(self, process_class):
        (said,) = provisioning.find_excess_rights(process_class)

        assert "is logged in as" in said
        assert provisioning.get_roles().get_login(process_class) in said


class TestGrant:
    def test_reads_as_a_sentence(self):
        one = database_privileges.DatabasePrivilege(
            "table", "limited_use_leaf", "idx", "antares_purge", "UPDATE"
        )

        assert str(one) == "UPDATE (idx) on table limited_use_leaf: antares_purge"
