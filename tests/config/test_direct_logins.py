"""
What the login of each class of process can do without any code of ours, as `psql` would.

Each logs in for real, with nobody entered and with a person, and tries to read and write each
column of each table, to lock it, and to execute each function. `rights_table` prints what came out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import KnownNetwork, Session, User
from accounts.roles import Role
from config.database import definer_functions, provisioning, role_logins
from config.process_classes import ProcessClass
from integrations.models import (
    Calendar,
    Discard,
    LookupMeans,
    PurgeJob,
    SupportLookup,
    SupportReason,
)
from limited_use.models import Consent, DataKey, KeyEpoch, WrappedLedgerKey
from limited_use.models.shares import Share
from limited_use.policy.key_lines import KeyLine
from limited_use.receipts import receipt_links
from limited_use.rotation import key_epochs
from limited_use.vault import data_keys, ledger_key_wrap
from tests.bench import databases
from tests.config import rights_table, rows
from tests.config.rights_table import Attempts, Login
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.keyrings import copy_keyring

WEB, STAFF, SYNC = ProcessClass.WEB, ProcessClass.STAFF, ProcessClass.SYNC
PURGE, CONSOLE = ProcessClass.PURGE, ProcessClass.CONSOLE
PERSONAL_TABLES = ("accounts_user", "account_emailaddress", "mfa_authenticator")
KEY_TABLES = ("limited_use_datakey", "limited_use_wrappedledgerkey")
#: Rows that a web login with nobody entered deletes: what has to be found before anybody is known.
DELETED_BY_NOBODY = {
    "account_emailconfirmation",
    "accounts_knownnetwork",
    "accounts_servicetoken",
    "accounts_session",
    "integrations_discard",
    "limited_use_receiptlink",
}
EXECUTED_BY_STAFF = {
    "count_bulk_purges",
    "count_rate",
    "count_support_effect",
    "find_bulk_staff",
    "find_kept_factor",
    "find_person",
    "find_sign_in",
    "find_staff_session",
    "found_connections",
    "found_integrations",
    "found_people",
    "give_back_rate",
    "list_bulk_receipts",
    "open_support_lookup",
    "raise_alarm",
    "vault_dead",
    "vault_name_read",
    "vault_opened_held",
    "vault_opened_read_content",
    "vault_opened_read_own",
    "vault_read_naming",
}
STATEMENTS = {
    "lo_creat(-1)": "SELECT lo_creat(-1)",
    "lo_from_bytea(0, …)": "SELECT lo_from_bytea(0, 'a copy')",
    "pg_notify(…)": "SELECT pg_notify('channel', 'a copy')",
    "NOTIFY": "NOTIFY channel, 'a copy'",
    "LISTEN": "LISTEN channel",
    "pg_advisory_xact_lock(…)": "SELECT pg_advisory_xact_lock(1)",
    "CREATE TABLE": "CREATE TABLE planted (id integer)",
    "CREATE TEMPORARY TABLE": "CREATE TEMPORARY TABLE planted (id integer)",
    "SET ROLE of the owner of the vault": "SET ROLE {vault}",
}


class DirectLoginsWorld(NamedTuple):
    """Two people with a mailbox each, of whom Bob is staff."""

    alice: houses.Household
    bob: houses.Household


@pytest.fixture
def world(transactional_db, monkeypatch, tmp_path, settings) -> DirectLoginsWorld:
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.GMAIL_UNITS_PER_MINUTE = 600_000
    data_keys.drop_cached_keys()
    copy_keyring(settings.KEYRING.folder)
    box = houses.provided(monkeypatch, FakeMailbox())
    box.deliver()
    alice = houses.household()
    bob = houses.household(who=houses.person("bob", alice.organisation, at=timezone.now()))
    for house, other in ((alice, bob), (bob, alice)):
        house.settle()
        rows.everything(house, other)
        house.user.set_password(f"the password of {house.user.name}")
        house.user.save()
        plant_what_is_found_before_anybody_is_known(house)
    User.objects.filter(id=bob.user.id).update(role=Role.SUPPORT)
    return DirectLoginsWorld(alice, bob)


def plant_what_is_found_before_anybody_is_known(house: houses.Household) -> None:
    user, at = house.user, timezone.now()
    Session.objects.create(
        session_key=user.id.hex,
        session_data="",
        expire_date=at + timedelta(hours=1),
        user_id=user.id,
    )
    KnownNetwork.objects.create(
        user=user, network_hash=user.id.bytes * 2, expires_at=at + timedelta(hours=1)
    )
    Discard.objects.create(
        provider="google",
        account_blind=user.id.bytes * 2,
        revoking_until=at,
    )
    receipt_links.create_link(subject_id=house.integration.id, at=at)


def login(process_class: ProcessClass, person: houses.Household | None = None) -> Attempts:
    name = connection.settings_dict["NAME"]
    owner = None if person is None else (person.user.id, person.organisation.id)
    return Attempts(
        databases.replace_database_name(
            os.environ[role_logins.get_login_variable_name(process_class)], name
        ),
        owner,
    )


def columns_by_table() -> dict[str, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)"
            "  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
            "   AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1 ORDER BY 1"
        )
        return dict(cursor.fetchall())


def count_rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - of the catalogue
        return int(cursor.fetchone()[0])


def all_functions() -> list[definer_functions.DatabaseFunction]:
    return [
        one
        for owned in definer_functions.get_functions_by_owner(provisioning.get_roles()).values()
        for one in owned
    ]


def attempt_everything(
    name: str, process_class: ProcessClass, person: houses.Household | None
) -> Login:
    columns = columns_by_table()
    with login(process_class, person) as attempts:
        return Login(
            name,
            {
                table: rights_table.attempt_columns(
                    attempts, table, columns[table], count_rows(table)
                )
                for table in columns
            },
            {one.signature: may_call(attempts, one) for one in all_functions()},
            {
                said: attempts.may(statement.format(vault=provisioning.get_roles().vault_owner))
                for said, statement in STATEMENTS.items()
            },
        )


def may_call(attempts: Attempts, function: definer_functions.DatabaseFunction) -> bool:
    nothing = ", ".join(f"NULL::{argument_type}" for argument_type in function.argument_types)
    return attempts.may(f"SELECT * FROM {function.name}({nothing})")  # noqa: S608 - our own names


@pytest.fixture
def tried(world) -> Iterator[dict[str, Login]]:
    attempted = (
        ("web, nobody entered", WEB, None),
        ("web, a person entered", WEB, world.alice),
        ("staff, nobody entered", STAFF, None),
        ("staff, a person of support entered", STAFF, world.bob),
        ("staff, another person entered", STAFF, world.alice),
        ("sync, nobody entered", SYNC, None),
        ("sync, a person entered", SYNC, world.alice),
        ("purge", PURGE, None),
        ("console", CONSOLE, None),
    )
    done = {name: attempt_everything(name, which, person) for name, which, person in attempted}
    open_lookup(world)
    name = "staff, a person of support who found another"
    return done | {name: attempt_everything(name, STAFF, world.bob)}


def open_lookup(world: DirectLoginsWorld) -> None:
    """Have Bob find Alice."""
    at = timezone.now()
    SupportLookup.objects.create(
        search_id=uuid7(),
        agent_id=world.bob.user.id,
        means=LookupMeans.ADDRESS,
        user=world.alice.user,
        reason=SupportReason.OTHER,
        opened_at=at,
        expires_at=at + timedelta(minutes=30),
    )


@pytest.mark.control("4.1.1")
@pytest.mark.invariant(2)
class TestEveryLogin:
    """One test for all of it: the attempts take seconds."""

    def test_reaches_what_its_class_needs_and_nothing_of_others(self, tried):
        text = rights_table.write_tables(tried.values(), columns_by_table())
        if path := os.environ.get(rights_table.OUTPUT):
            Path(path).write_text(text, encoding="utf-8")

        for name, done in tried.items():
            for table in KEY_TABLES:
                assert not done.tables[table].is_touched, (name, table)
            assert not done.tables["limited_use_keyepoch"].is_locked, name
            assert not done.tables["limited_use_leaf"].updated or name == "purge"
            assert done.tables["limited_use_leaf"].deleted is None, name
            ran = {statement for statement, may in done.statements.items() if may}
            assert ran == {"NOTIFY", "LISTEN", "pg_advisory_xact_lock(…)"}, name
            helpers = [one for one in done.functions if one.startswith("key_holder")]
            assert len(helpers) == 4
            assert not any(done.functions[one] for one in helpers), name
            if not name.startswith(("web", "staff")):
                assert "password" not in done.tables["accounts_user"].read, name
                factors = done.tables["mfa_authenticator"]
                # Whether an operator has a factor, without its secret.
                assert set(factors.read) == (
                    {"id", "type", "user_id"} if name == "purge" else set()
                )
                assert not factors.inserted, name
                assert not factors.updated, name
                assert not done.tables["account_emailaddress"].is_touched, name

        nobody, person = tried["web, nobody entered"], tried["web, a person entered"]
        for table in PERSONAL_TABLES:
            assert (nobody.tables[table].rows, nobody.tables[table].seen) == (2, 0)
            assert (person.tables[table].seen, nobody.tables[table].deleted or 0) == (1, 0)
        deleted = {table for table, done in nobody.tables.items() if done.deleted is not None}
        assert {one for one in deleted if one in DELETED_BY_NOBODY} == DELETED_BY_NOBODY
        for table in deleted - DELETED_BY_NOBODY:
            assert nobody.tables[table].deleted == 0, table
        # Not even an unowned one: general functions are for the classes that see everybody's.
        for one, may in nobody.functions.items():
            if one.startswith(("vault_destroy", "vault_read", "vault_held", "vault_sample")):
                assert not may, one
        assert "role" not in person.tables["accounts_user"].updated

        assert_staff_reach_their_own(tried)


def assert_staff_reach_their_own(tried: dict[str, Login]) -> None:
    support = tried["staff, a person of support entered"]
    for table in PERSONAL_TABLES:
        assert support.tables[table].seen == 1, table
        for name in ("staff, nobody entered", "staff, another person entered"):
            assert tried[name].tables[table].seen == 0, (name, table)
    found = tried["staff, a person of support who found another"]
    # The person whom they found has no name and no address for them.
    for table in PERSONAL_TABLES:
        assert found.tables[table].seen == 1, table
    assert support.tables["integrations_connection"].seen == 0
    assert found.tables["integrations_connection"].seen == 1
    assert not {"email", "address_blind"} & set(found.tables["integrations_connection"].read)
    for name, done in tried.items():
        if name.startswith("staff"):
            assert_staff_change_and_execute_little(done)
    assert set(support.tables["accounts_user"].updated) == {"last_login", "last_seen_at"}


def assert_staff_change_and_execute_little(done: Login) -> None:
    deleted = {name: one.deleted for name, one in done.tables.items() if one.deleted is not None}
    # The sessions here are of the other site, and the only factor of a member of staff stays.
    assert deleted == dict.fromkeys(("accounts_session", "mfa_authenticator"), 0), done.name
    assert not done.tables["accounts_serviceclient"].updated, done.name
    assert "token_hash" not in done.tables["accounts_servicetoken"].read, done.name
    executed = {one.partition("(")[0] for one, may in done.functions.items() if may}
    assert executed == EXECUTED_BY_STAFF, done.name


def holders_of(house: houses.Household) -> list[str]:
    wanted = (house.connection.id, house.connection.grant_id, house.integration.id)
    return [str(one) for one in wanted]


@pytest.mark.invariant(2)
@pytest.mark.control("4.1.1")
class TestKeysOfWebLogin:
    """Of a web login: listed, read, fenced and destroyed are those of the person entered."""

    def test_are_neither_listed_nor_destroyed_for_nobody(self, world):
        before = set(DataKey.objects.values_list("holder", flat=True))
        every = [str(one) for one in before]
        owned = holders_of(world.alice) + holders_of(world.bob)
        with login(WEB) as attempts:
            tally = attempts.run("SELECT * FROM vault_tally()")
            assert not any(str(value) in every for row in tally for value in row)
            assert attempts.run("SELECT * FROM vault_person_held(%s::uuid[])", owned) == []
            for one in every:
                assert attempts.run("SELECT * FROM vault_person_destroy(%s)", one, keep=True) == []
                assert attempts.run("SELECT * FROM vault_person_raise(%s, 9)", one, keep=True) == []

        assert set(DataKey.objects.values_list("holder", flat=True)) == before
        assert not DataKey.objects.filter(epoch=9).exists()

    @pytest.mark.parametrize("line", ["content", "account", "own"])
    def test_of_somebody_else_are_not_read(self, world, line):
        reader = f"vault_person_read_{line}"
        read = f"SELECT holder::text FROM {reader}(%s::uuid[])"  # noqa: S608 - of this test
        both = [*holders_of(world.alice), *holders_of(world.bob)]
        with login(WEB, world.alice) as attempts:
            found = {holder for (holder,) in attempts.run(read, both)}

        hers = DataKey.objects.filter(line=line, holder__in=holders_of(world.alice))
        assert found == {str(one) for one in hers.values_list("holder", flat=True)}
        assert bool(found) is (line != "own")

    def test_of_somebody_else_are_not_made_nor_destroyed(self, world):
        theirs = holders_of(world.bob)
        make = (
            "SELECT * FROM vault_person_make(gen_random_uuid(), %s, 'content', 1, %s, %s, 1, now())"
        )
        name = "SELECT * FROM vault_person_name_make(gen_random_uuid(), %s, %s, %s, 1)"
        destroyed = "SELECT * FROM vault_person_name_destroy(%s)"
        connection_id = str(world.bob.connection.id)
        DataKey.objects.filter(holder=world.bob.integration.id).delete()
        with login(WEB, world.alice) as attempts:
            for one in theirs:
                assert attempts.run("SELECT * FROM vault_person_destroy(%s)", one, keep=True) == []
            assert attempts.run(make, theirs[2], b"12345678", b"w", keep=True) == []
            assert attempts.run(name, connection_id, b"c" * 32, b"w", keep=True) == []
            assert attempts.run(destroyed, connection_id, keep=True) == []

        assert DataKey.objects.filter(holder__in=theirs).count() == 2
        assert count_rows("limited_use_wrappedledgerkey") == 2

    def test_above_the_names_of_everybody_are_not_destroyed(self, world):
        (naming,) = [
            str(one)
            for one in DataKey.objects.values_list("holder", flat=True)
            if one.bytes.startswith(b"LU-names")
        ]
        with login(WEB, world.alice) as attempts:
            assert attempts.run("SELECT * FROM vault_person_destroy(%s)", naming, keep=True) == []

        assert DataKey.objects.filter(holder=naming).exists()

    def test_of_the_person_are_fenced_and_destroyed(self, world):
        integration = str(world.alice.integration.id)
        with login(WEB, world.alice) as attempts:
            raised = attempts.run("SELECT * FROM vault_person_raise(%s, 9)", integration)
            assert [str(one) for (one,) in raised] == [integration]
            gone = attempts.run("SELECT line FROM vault_person_destroy(%s)", integration, keep=True)

        assert gone == [("content",)]
        assert not DataKey.objects.filter(holder=integration).exists()


@pytest.mark.invariant(5)
@pytest.mark.control("4.1.1")
class TestKeysOfWhatIsOpenToSupport:
    """Of a staff login: those of the integration, while its owner's agreement stands."""

    @pytest.fixture
    def agreement(self, world) -> Consent:
        at = timezone.now()
        return Consent.objects.create(
            owner_id=world.alice.user.id,
            organisation_id=world.alice.organisation.id,
            feature="support",
            version=1,
            given_at=at,
            item=world.alice.messages.first().id,
            expires_at=at + timedelta(hours=1),
        )

    @staticmethod
    def read(world: DirectLoginsWorld, person: houses.Household | None) -> list[set[str]]:
        """Return the holders of the keys that are read, and of those that are listed."""
        every = [*holders_of(world.alice), *holders_of(world.bob)]
        names = ("vault_opened_read_content", "vault_opened_held")
        with login(STAFF, person) as attempts:
            return [
                {
                    holder
                    for (holder,) in attempts.run(
                        f"SELECT holder::text FROM {name}(%s::uuid[])",  # noqa: S608 - above
                        every,
                    )
                }
                for name in names
            ]

    def test_are_read_by_support_and_for_the_owner(self, world, agreement):
        opened = {str(world.alice.integration.id)}

        assert self.read(world, world.bob) == [opened, opened]
        assert self.read(world, world.alice) == [opened, opened]

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.SUPPORT}))
    def test_are_read_for_nobody_else(self, world, agreement, role):
        assert self.read(world, None) == [set(), set()]
        User.objects.filter(id=world.bob.user.id).update(role=role)
        assert self.read(world, world.bob) == [set(), set()]

    @pytest.mark.parametrize("ended", ["withdrawn_at", "expires_at", "feature", "item"])
    def test_are_read_while_the_agreement_stands(self, world, agreement, ended):
        at = timezone.now()
        values = {"withdrawn_at": at, "expires_at": at, "feature": "inbox", "item": uuid7()}
        Consent.objects.filter(id=agreement.id).update(
            **{"given_at": at - timedelta(hours=1), ended: values[ended]}
        )

        assert self.read(world, world.bob) == [set(), set()]

    def test_are_not_read_by_an_agreement_of_somebody_else(self, world, agreement):
        """A web login can write an agreement of its person about any id."""
        Consent.objects.filter(id=agreement.id).update(owner_id=world.bob.user.id)

        assert self.read(world, world.bob) == [set(), set()]

    def test_are_the_only_ones(self, world, agreement):
        every = [*holders_of(world.alice), *holders_of(world.bob)]
        with login(STAFF, world.bob) as attempts:
            assert attempts.run("SELECT * FROM vault_read_naming(%s::uuid[])", every) == []
            for name in ("vault_person_read_content", "vault_read_content", "vault_read_account"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    attempts.run(f"SELECT * FROM {name}(%s::uuid[])", every)  # noqa: S608 - above


@pytest.mark.invariant(5)
@pytest.mark.control("4.1.1")
class TestKeysOfAnEventThatIsOpenToSupport:
    """Of a staff login: that of the event's calendar, while its owner's agreement stands."""

    @pytest.fixture
    def calendar(self, world) -> Calendar:
        rows.a_calendar(world.alice)
        return rows.a_calendar(world.alice)

    @pytest.fixture
    def agreement(self, world, calendar) -> Consent:
        at = timezone.now()
        return Consent.objects.create(
            owner_id=world.alice.user.id,
            organisation_id=world.alice.organisation.id,
            feature="support",
            version=1,
            given_at=at,
            item=calendar.events.get().id,
            expires_at=at + timedelta(hours=1),
        )

    @staticmethod
    def read(world: DirectLoginsWorld, line: str) -> tuple[set[str], set[str]]:
        """Return the holders of the keys that support reads, and of those that are listed."""
        caches = Calendar.objects.values_list("cache_id", flat=True)
        every = [*holders_of(world.alice), *holders_of(world.bob), *map(str, caches)]
        reader = f"vault_opened_read_{line}"
        with login(STAFF, world.bob) as attempts:
            read, listed = (
                attempts.run(f"SELECT holder::text FROM {name}(%s::uuid[])", every)  # noqa: S608
                for name in (reader, "vault_opened_held")
            )
        return {holder for (holder,) in read}, {holder for (holder,) in listed}

    @pytest.mark.parametrize("line", ["content", "own"])
    def test_are_read_by_support_and_no_other(self, world, calendar, agreement, line):
        DataKey.objects.filter(holder=calendar.cache_id).update(line=line)
        opened = {str(calendar.cache_id)}

        assert self.read(world, line) == (opened, opened)
        other_line = {"content": "own", "own": "content"}[line]
        assert self.read(world, other_line) == (set(), opened)

    @pytest.mark.parametrize("ended", ["withdrawn_at", "expires_at", "feature", "item", "owner_id"])
    def test_are_read_while_the_agreement_of_the_owner_stands(self, world, agreement, ended):
        at = timezone.now()
        values = {
            "withdrawn_at": at,
            "expires_at": at,
            "feature": "inbox",
            "item": uuid7(),
            "owner_id": world.bob.user.id,
        }
        Consent.objects.filter(id=agreement.id).update(
            **{"given_at": at - timedelta(hours=1), ended: values[ended]}
        )

        assert self.read(world, "content") == (set(), set())

    def test_are_of_no_holder_that_the_calendar_only_names(self, world, calendar, agreement):
        """A web login writes rows of its person's calendars, and with them any id as the holder."""
        for holder in (world.alice.integration.id, world.bob.integration.id):
            Calendar.objects.filter(id=calendar.id).update(cache_id=holder)

            assert self.read(world, "content") == (set(), set())


@contextmanager
def giving_up_soon() -> Iterator[None]:
    """Have statements of our own code fail if they wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '5s'")
        try:
            yield
        finally:
            cursor.execute("RESET statement_timeout")


def make_a_key_of_each_line() -> list[data_keys.DataKeyRow]:
    with transaction.atomic():
        return [
            data_keys.create_data_key(holder=uuid7(), line=one, at=timezone.now())
            for one in KeyLine
        ]


@pytest.mark.scenario("A1")
class TestTheLockOfALine:
    def test_is_out_of_reach_of_a_web_login(self, world):
        """What a web login can take keeps nobody from making a key."""
        name = connection.settings_dict["NAME"]
        url = databases.replace_database_name(
            os.environ[role_logins.get_login_variable_name(WEB)], name
        )
        with psycopg.connect(url) as web, login(WEB, world.bob) as attempts:
            for refused in (
                "SELECT 1 FROM limited_use_keyepoch FOR UPDATE",
                "LOCK TABLE limited_use_keyepoch IN ACCESS EXCLUSIVE MODE",
                "SELECT vault_hold_line_alone('content')",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    web.execute(refused)
                web.rollback()
            # All that is left, for as long as this transaction lasts.
            web.execute("SELECT pg_advisory_xact_lock(19541, n) FROM generate_series(1, 20) n")
            for line in ("content", "account", "credential", "own"):
                web.execute("SELECT vault_hold_line(%s)", [line])

            attempts.run("SET statement_timeout = '5s'", keep=True)
            assert attempts.run("SELECT vault_hold_line('content')") == [(1,)]
            with giving_up_soon():
                assert [key.line for key in make_a_key_of_each_line()] == list(KeyLine)

    def test_is_not_kept_waiting_by_an_epoch_that_a_web_login_adds(self, world):
        """A row that is not committed keeps a turn from adding the same one, under its lock."""
        make_a_key_of_each_line()
        add = "SELECT vault_person_began(ARRAY[gen_random_uuid()], %s, ARRAY[2], now())"
        name = connection.settings_dict["NAME"]
        with psycopg.connect(
            databases.replace_database_name(
                os.environ[role_logins.get_login_variable_name(WEB)], name
            )
        ) as web:
            for line in KeyLine:
                web.execute(add, [str(line)])
            with giving_up_soon():
                turned = [
                    key_epochs.rotate_key_epoch(line, timezone.now()).epoch for line in KeyLine
                ]
                made = [key.kek_epoch for key in make_a_key_of_each_line()]

        assert turned == made == [2] * len(KeyLine)

    def test_is_not_kept_waiting_by_a_naming_key_that_a_web_login_makes(self, world):
        """The key of the next epoch, under which ledger keys will be wrapped."""
        add = (
            "SELECT * FROM vault_person_make"
            "(gen_random_uuid(), %s, 'account', 1, '12345678', 'no key at all', 2, now())"
        )
        name = connection.settings_dict["NAME"]
        with psycopg.connect(
            databases.replace_database_name(
                os.environ[role_logins.get_login_variable_name(WEB)], name
            )
        ) as web:
            web.execute("SELECT set_config('antares.person', %s, true)", [str(world.alice.user.id)])
            added = web.execute(add, [ledger_key_wrap.get_naming_holder(2)]).fetchall()
            with giving_up_soon():
                turned = key_epochs.rotate_key_epoch(KeyLine.ACCOUNT, timezone.now())

        assert added == []
        assert turned.destroyed == (1,)
        assert set(WrappedLedgerKey.objects.values_list("kek_epoch", flat=True)) == {2}


@pytest.mark.control("4.1.1")
class TestEpochs:
    def test_of_a_web_login_keep_no_line_from_its_turn(self, world):
        """A line is turned when its lowest epoch is old enough; the turn adds the next one."""
        began = "SELECT vault_person_began(ARRAY[gen_random_uuid()], 'content', ARRAY[{}], {})"
        with login(WEB, world.alice) as attempts:
            for number, at in (("0", "now()"), ("2", "now() + interval '1 day'"), ("2", "now()")):
                attempts.run(began.format(number, at), keep=True)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                attempts.run("SELECT vault_began('{}', 'content', '{}', now())")

        known = KeyEpoch.objects.filter(line="content").order_by("number")
        assert [one.number for one in known] == [1]
        assert known[0].began_at <= timezone.now()


@pytest.mark.control("3.3.1")
class TestSecondFactors:
    def test_of_somebody_else_are_neither_read_nor_deleted(self, world):
        with login(WEB, world.alice) as attempts:
            seen = attempts.run("SELECT user_id FROM mfa_authenticator")
            assert seen == [(world.alice.user.id,)]
            changed = "UPDATE mfa_authenticator SET data = '{}'"
            assert attempts.run(changed) == 1
            assert attempts.run("DELETE FROM mfa_authenticator", keep=True) == 1

        assert [one.user_id for one in Authenticator.objects.all()] == [world.bob.user.id]

    def test_of_staff_are_not_changed_by_a_web_login(self, world):
        """It only writes when a factor was used, and which recovery codes were."""
        kinds = Authenticator.Type
        codes = Authenticator.objects.create(
            user=world.bob.user, type=kinds.RECOVERY_CODES, data={"seed": "s", "used_mask": 0}
        )
        before = list(Authenticator.objects.order_by("id").values())
        add = (
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
            " VALUES (%s, %s, '{}', now())"
        )
        refused = (
            (add, world.bob.user.id, "webauthn"),
            (add, world.bob.user.id, "recovery_codes"),
            ("UPDATE mfa_authenticator SET data = '{}'",),
            ("UPDATE mfa_authenticator SET type = 'recovery_codes' WHERE type = 'totp'",),
            ("UPDATE mfa_authenticator SET id = id + 1000",),
        )
        used = "UPDATE mfa_authenticator SET data = %s::jsonb, last_used_at = now() WHERE id = %s"
        with login(WEB, world.bob) as attempts:
            for statement, *values in refused:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    attempts.run(statement, *values)
            assert attempts.run("DELETE FROM mfa_authenticator", keep=True) == 0
            assert list(Authenticator.objects.order_by("id").values()) == before
            data = '{"seed": "s", "used_mask": 4}'
            assert attempts.run(used, data, codes.id, keep=True) == 1
        codes.refresh_from_db()
        assert codes.data["used_mask"] == 4

    def test_of_staff_stay_whatever_a_staff_login_deletes(self, world):
        kinds = Authenticator.Type
        newest = Authenticator.objects.create(user=world.bob.user, type=kinds.WEBAUTHN, data={})
        Authenticator.objects.create(user=world.bob.user, type=kinds.RECOVERY_CODES, data={})
        to_codes = "UPDATE mfa_authenticator SET type = 'recovery_codes' WHERE id = %s"
        with login(STAFF, world.bob) as attempts:
            assert attempts.run("SELECT find_kept_factor()") == [(newest.id,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                attempts.run(to_codes, newest.id)
            assert attempts.run("DELETE FROM mfa_authenticator", keep=True) == 2
            assert attempts.run("DELETE FROM mfa_authenticator", keep=True) == 0

        assert list(Authenticator.objects.filter(user=world.bob.user)) == [newest]

    def test_are_given_to_nobody_else(self, world):
        with login(WEB, world.alice) as attempts:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                attempts.run("UPDATE mfa_authenticator SET user_id = %s", world.bob.user.id)
            planted = (
                "INSERT INTO mfa_authenticator (user_id, type, data, created_at)"
                " VALUES (%s, 'webauthn', '{}', now())"
            )
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                attempts.run(planted, world.bob.user.id)


class TestPeople:
    def test_are_found_by_their_exact_address(self, world):
        user = User.objects.get(id=world.bob.user.id)
        with login(WEB) as attempts:
            found = attempts.run("SELECT * FROM find_sign_in(%s)", user.email)
            assert found == [(user.id, user.password)]
            assert attempts.run("SELECT * FROM find_person(%s)", user.email) == [(user.id,)]
            for other in ("%", "", "%@antares.example", user.email[1:]):
                assert attempts.run("SELECT * FROM find_sign_in(%s)", other) == []
                assert attempts.run("SELECT * FROM find_person(%s)", other) == []

    def test_are_found_as_colleagues_by_members_alone(self, world):
        ask, email = "SELECT * FROM find_colleague(%s)", world.bob.user.email
        stranger = houses.household(who=houses.person("mallory", at=timezone.now()))
        with login(WEB) as attempts:
            assert attempts.run(ask, email) == []
        with login(WEB, stranger) as attempts:
            assert attempts.run(ask, email) == []
        # Who is no member says that they act there.
        with login(WEB, replace(stranger, organisation=world.alice.organisation)) as attempts:
            assert attempts.run(ask, email) == []
        with login(WEB, world.alice) as attempts:
            assert attempts.run(ask, email) == [(world.bob.user.id,)]

    def test_are_listed_as_colleagues_for_members_alone(self, world):
        ask, bob = "SELECT * FROM find_colleagues(10)", User.objects.get(id=world.bob.user.id)
        stranger = houses.household(who=houses.person("mallory", at=timezone.now()))
        with login(WEB) as attempts:
            assert attempts.run(ask) == []
        with login(WEB, stranger) as attempts:
            assert attempts.run(ask) == []
        with login(WEB, replace(stranger, organisation=world.alice.organisation)) as attempts:
            assert attempts.run(ask) == []
        with login(WEB, world.alice) as attempts:
            assert attempts.run(ask) == [(bob.name, bob.email)]

    def test_have_no_names_for_whom_they_share_nothing_with(self, world):
        with login(WEB, world.alice) as attempts:
            # The share of this world was withdrawn.
            assert attempts.run("SELECT * FROM share_partners()") == []


@pytest.mark.control("4.1.1")
class TestSessionsOfDirectLogin:
    """Of a login that knows the hash of a session key, as a request with the cookie does."""

    @pytest.fixture
    def hashes(self, world) -> dict[str, str]:
        """The sessions of Bob, who is staff, at either site."""
        for site in ("web", "staff"):
            Session.objects.create(
                session_key=f"hash of a key at {site}",
                session_data="signed",
                expire_date=timezone.now() + timedelta(hours=1),
                user_id=world.bob.user.id,
                site=site,
            )
        return {site: f"hash of a key at {site}" for site in ("web", "staff")}

    @staticmethod
    def find(attempts: Attempts, site: str, key_hash: str) -> list[Any]:
        ask = f"SELECT session_data, person FROM find_{site}_session(%s, now())"  # noqa: S608
        return attempts.run(ask, key_hash)

    @pytest.mark.parametrize(
        ("who", "site", "other"), [(WEB, "web", "staff"), (STAFF, "staff", "web")]
    )
    def test_are_found_at_their_own_site_alone(self, world, hashes, who, site, other):
        with login(who) as attempts:
            assert self.find(attempts, site, hashes[site]) == [("signed", world.bob.user.id)]
            assert self.find(attempts, site, hashes[other]) == []
            assert self.find(attempts, site, "") == []
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                self.find(attempts, other, hashes[other])

    def test_at_the_site_of_staff_show_no_member(self, world, hashes):
        User.objects.filter(id=world.bob.user.id).update(role=Role.MEMBER)
        with login(STAFF) as attempts:
            assert self.find(attempts, "staff", hashes["staff"]) == [("signed", None)]

    def test_that_have_expired_show_nothing(self, world, hashes):
        Session.objects.update(expire_date=timezone.now())
        with login(WEB) as attempts:
            assert self.find(attempts, "web", hashes["web"]) == []

    def test_and_tokens_are_not_found_by_other_classes(self, world, hashes):
        """A session by classes that serve no site, a token by all but the ordinary site."""
        for who in (STAFF, SYNC, PURGE, CONSOLE):
            with login(who) as attempts:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    attempts.run("SELECT * FROM find_service_token(%s, now())", [b"x"])
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    self.find(attempts, "web", hashes["web"])


@pytest.mark.invariant(2)
@pytest.mark.control("4.1.1")
class TestForgedRows:
    """A web login writes rows of its person: none of them opens or removes a thing of another."""

    SHARE = (
        "INSERT INTO limited_use_share (id, owner_id, organisation_id, viewer_id, owner_membership,"
        " viewer_membership, item, level, given_at, epoch, typed_address)"
        " VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, 'details', now(), 1, '')"
    )

    @pytest.fixture
    def calendar(self, world) -> Calendar:
        return Calendar.objects.get(user_id=world.bob.user.id)

    @staticmethod
    def refuse(attempts: Attempts, statement: str, *values: object) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            attempts.run(statement, *values, keep=True)

    @staticmethod
    def share(owner: houses.Household, viewer: houses.Household, item: UUID) -> list[UUID]:
        membership = (owner.membership.id, viewer.membership.id)
        return [owner.user.id, owner.organisation.id, viewer.user.id, *membership, item]

    @pytest.mark.parametrize("held", ["connection", "grant", "integration"])
    def test_a_calendar_under_the_holder_of_another_destroys_no_key(self, world, held):
        names = ("connection", "grant", "integration")
        holder = dict(zip(names, holders_of(world.bob), strict=True))[held]
        with login(WEB, world.alice) as attempts:
            rename = "UPDATE integrations_calendar SET cache_id = %s"
            named = attempts.run(rename, holder, keep=True)
            raised = attempts.run("SELECT * FROM vault_person_raise(%s, 9)", holder, keep=True)
            gone = attempts.run("SELECT * FROM vault_person_destroy(%s)", holder, keep=True)

        assert named == 1
        assert (raised, gone) == ([], [])

    @pytest.mark.parametrize("item", ["theirs", "any"])
    def test_a_viewer_makes_no_share(self, world, calendar, item):
        item_id = calendar.id if item == "theirs" else uuid7()
        with login(WEB, world.alice) as attempts:
            self.refuse(attempts, self.SHARE, *self.share(world.bob, world.alice, item_id))
            assert attempts.run("SELECT * FROM share_partners()") == []
            seen = attempts.run("SELECT user_id FROM integrations_connection")

        assert seen == [(world.alice.user.id,)]

    def test_an_owner_shares_no_calendar_of_somebody_else(self, world, calendar):
        with login(WEB, world.alice) as attempts:
            mine = Calendar.objects.get(user_id=world.alice.user.id)
            shared = self.share(world.alice, world.bob, mine.id)
            assert attempts.run(self.SHARE, *shared, keep=True) == 1
            # Whoever shares learns no name of the viewer.
            assert attempts.run("SELECT * FROM share_partners()") == []
            self.refuse(attempts, self.SHARE, *self.share(world.alice, world.bob, calendar.id))

    def test_a_calendar_is_of_no_account_of_somebody_else(self, world):
        """Whoever is shown a calendar is shown the account that it names."""
        move = "UPDATE integrations_calendar SET integration_id = %s"
        with login(WEB, world.alice) as attempts:
            assert attempts.run(move, world.alice.integration.id) == 1
            self.refuse(attempts, move, world.bob.integration.id)

    def test_a_viewer_changes_a_share_by_ending_it_alone(self, world, calendar):
        at = timezone.now()
        share = Share.objects.get(viewer_id=world.alice.user.id)
        Share.objects.filter(id=share.id).update(item=calendar.id)
        with login(WEB, world.alice) as attempts:
            for change in ("withdrawn_at = NULL", "expires_at = now() + interval '1 day'"):
                Share.objects.filter(id=share.id).update(
                    withdrawn_at=at if change.startswith("withdrawn") else None
                )
                update = f"UPDATE limited_use_share SET {change} WHERE id = %s"  # noqa: S608 - above
                self.refuse(attempts, update, share.id)
            ended = "UPDATE limited_use_share SET withdrawn_at = now() WHERE id = %s"
            assert attempts.run(ended, share.id) == 1

    def test_a_purge_removes_no_account_of_somebody_else(self, world):
        PurgeJob.objects.all().delete()
        job = (
            "INSERT INTO integrations_purgejob (id, integration_id, user_id, organisation_id)"
            " VALUES (gen_random_uuid(), %s, %s, %s)"
        )
        owner = (world.alice.user.id, world.alice.organisation.id)
        with login(WEB, world.alice) as attempts:
            # What such a row lacks is found after the policies.
            with pytest.raises(psycopg.errors.NotNullViolation):
                attempts.run(job, world.alice.integration.id, *owner)
            self.refuse(attempts, job, world.bob.integration.id, *owner)
