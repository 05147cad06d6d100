"""Whose rows the database shows to whom, table by table, and what finds a hole in that wall."""

import os
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import row_owner
from accounts.models import Membership, Session, User
from accounts.roles import Role
from config.database import declared_row_security, provisioning, role_logins
from config.database.backend.base import touches_owned_rows
from config.database.row_owners import (
    OWNERS,
    OwnedTable,
    RowOwnerColumns,
    SharedRowReader,
    get_owned_tables,
    get_site_tables,
)
from config.database.session_settings import ORGANISATION, PERSON
from config.database.table_grants import GRANTS, VAULT
from config.process_classes import ProcessClass
from integrations.access import cross_user_lookups
from integrations.models import Calendar, Connection, Event, Integration, Message, SyncWork
from limited_use.agreements import shares
from limited_use.models import Consent
from limited_use.models.shares import Share, ShareLevel
from limited_use.vault import data_keys
from tests.bench import databases
from tests.config import rows
from tests.factories import make_message
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.keyrings import copy_keyring
from tests.walls import acting_as, run_sql

HOUR = timedelta(hours=1)
WEB, STAFF, SYNC = ProcessClass.WEB, ProcessClass.STAFF, ProcessClass.SYNC


@pytest.fixture(autouse=True)
def keyring(tmp_path, settings):
    settings.KEYRING = replace(settings.KEYRING, folder=tmp_path / "keyring")
    settings.GMAIL_UNITS_PER_MINUTE = 600_000
    data_keys.drop_cached_keys()
    return copy_keyring(settings.KEYRING.folder)


@pytest.fixture
def alice(transactional_db, monkeypatch):
    box = houses.provided(monkeypatch, FakeMailbox())
    box.deliver()
    house = houses.household()
    house.settle()
    return house


@pytest.fixture
def bob(alice):
    """A colleague of hers, with a mailbox as well."""
    at = timezone.now()
    return houses.household(who=houses.person("bob", alice.organisation, at=at))


@pytest.fixture
def both(alice, bob):
    bob.settle()
    rows.everything(alice, bob)
    rows.everything(bob, alice)
    return alice, bob


def model_of(table):
    return apps.get_model(get_owned_tables()[table])


def in_another_organisation(user):
    at = timezone.now()
    _, organisation, _ = houses.person("mallory", at=at)
    membership = Membership.objects.create(user=user, organisation=organisation, joined_at=at)
    return houses.household(who=(user, organisation, membership))


class TestInventory:
    def test_has_a_line_for_every_table(self):
        """A new model needs a line in `config/database/row_owners.py`: its rows' owner, and why."""
        assert set(OWNERS) == set(provisioning.get_tables())
        assert all(len(one.why.split()) > 1 for one in OWNERS.values())

    def test_leaves_no_table_open_that_says_whose_its_rows_are(self):
        """Person and organisation, an integration or a connection in a row: it is somebody's."""
        named = {"user_id", "owner_id", "integration_id", "connection_id", "holder"}
        for label, model in provisioning.get_tables().items():
            # Nobody reads or writes the table of keys: see its line.
            if label.startswith(("integrations.", "limited_use.")) and label not in VAULT:
                columns = {field.column for field in model._meta.concrete_fields}
                is_owned = bool(columns & named) and label not in OF_FEATURES
                assert isinstance(OWNERS[label], OwnedTable) is is_owned, label

    def test_finds_owners_by_columns_that_there_are(self):
        for label in get_owned_tables().values():
            line, columns = OWNERS[label], {f.column for f in apps.get_model(label)._meta.fields}
            assert line.column in columns, label
            assert line.by is not RowOwnerColumns.OWNER or "organisation_id" in columns, label

    def test_names_a_policy_for_every_class_that_may_touch_the_table(self):
        made = list(
            declared_row_security.list_row_security_policies(provisioning.get_roles(), "owner")
        )
        for table, label in get_owned_tables().items():
            for process_class in ProcessClass:
                held = {
                    one.name
                    for one in made
                    if (one.table, one.role)
                    == (table, provisioning.get_roles().get_login(process_class))
                }
                is_used = GRANTS[label].is_used_by(process_class)
                assert bool(held) is is_used, (table, process_class)

    def test_lets_web_processes_see_everything_of_nothing(self):
        for one in declared_row_security.list_row_security_policies(
            provisioning.get_roles(), "owner"
        ):
            if one.role == provisioning.get_roles().get_login(WEB) and one.is_permissive:
                is_per_site = one.table in get_site_tables() and one.rows == "site = 'web'"
                assert "current_setting" in one.rows or is_per_site, one


#: Tables with owners that web processes may not read.
OUT_OF_REACH = {"integrations_deliveryreport"}


#: A client lists them for all people at once, with a token that stands for nobody: ids of ours.
OF_FEATURES = frozenset({"integrations.FeatureRemoval"})


@pytest.mark.control("4.1.1")
class TestRowsOfWebProcess:
    def test_is_shown_no_row_of_anybody_while_nobody_is_entered(self, both):
        assert 0 not in rows.counts().values()

        with acting_as(WEB):
            assert set(rows.counts().values()) == {0}
            with transaction.atomic():
                assert set(rows.counts().values()) == {0}

    def test_is_shown_the_rows_of_who_is_entered_and_no_others(self, both):
        everybodys = rows.counts()
        for house in both:
            with acting_as(WEB, house):
                hers = rows.counts()
            # A share is of two people: each is its owner once, and its viewer once.
            assert hers == {
                table: count if table == "limited_use_share" else count // 2
                for table, count in everybodys.items()
                if table not in OUT_OF_REACH
            }

    @pytest.mark.parametrize("model", [Message, Connection, Integration, SyncWork, Calendar])
    def test_is_shown_exactly_hers(self, both, model):
        alice, _ = both
        way = {
            Integration: "connection__user_id",
            SyncWork: "integration__connection__user_id",
        }.get(model, "user_id")
        hers = set(model.objects.filter(**{way: alice.user.id}).values_list("pk", flat=True))

        with acting_as(WEB, alice):
            assert set(model.objects.values_list("pk", flat=True)) == hers

    def test_is_shown_nothing_of_the_same_person_in_another_organisation(self, both):
        alice, _ = both
        elsewhere = in_another_organisation(alice.user)

        with acting_as(WEB, elsewhere):
            assert list(Connection.objects.values_list("id")) == [(elsewhere.connection.id,)]
            assert not Message.objects.exists()

    def test_changes_and_deletes_nothing_of_anybody_else(self, both):
        alice, bob = both
        calendar = Calendar.objects.filter(user_id=alice.user.id).first()
        with acting_as(WEB, bob):
            assert Calendar.objects.filter(id=calendar.id).update(is_shown=False) == 0
            assert Event.objects.filter(calendar_id=calendar.id).delete() == (0, {})
            assert Connection.objects.filter(id=alice.connection.id).update(epoch=9) == 0

    def test_writes_no_row_in_the_name_of_anybody_else(self, both):
        alice, bob = both
        with acting_as(WEB, bob), pytest.raises(ProgrammingError) as refused:
            rows.a_calendar(alice)
        assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)

        with acting_as(WEB, bob), pytest.raises(ProgrammingError), transaction.atomic():
            SyncWork.objects.create(integration_id=alice.integration.id, next_sync_at=alice.at)

    def test_gives_no_row_of_its_own_away(self, both):
        alice, bob = both
        with acting_as(WEB, alice), pytest.raises(ProgrammingError), transaction.atomic():
            Calendar.objects.filter(user_id=alice.user.id).update(user_id=bob.user.id)

    def test_that_logs_in_for_real_is_held_to_the_same(self, both):
        alice, _ = both
        name = connection.settings_dict["NAME"]
        with psycopg.connect(
            databases.replace_database_name(
                os.environ[role_logins.get_login_variable_name(WEB)], name
            )
        ) as real:
            count = "SELECT count(*) FROM integrations_message"
            assert real.execute(count).fetchone() == (0,)
            real.execute(
                f"SELECT set_config('{PERSON}', %s, true), set_config('{ORGANISATION}', %s, true)",
                [str(alice.user.id), str(alice.organisation.id)],
            )
            assert real.execute(count).fetchone() == (alice.messages.count(),)
            real.commit()
            # The same connection, as a pooler hands it to the next: nothing is left on it.
            assert real.execute(count).fetchone() == (0,)
            real.rollback()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                real.execute("SET row_security = off; SELECT 1 FROM integrations_message")

    def test_that_owned_the_tables_would_be_held_to_it_as_well(self, both):
        _, bob = both
        with transaction.atomic():
            login = provisioning.get_roles().get_login(WEB)
            run_sql(f"ALTER TABLE integrations_message OWNER TO {login}")
            with acting_as(WEB, bob):
                assert set(Message.objects.values_list("user_id", flat=True)) == {bob.user.id}
            transaction.set_rollback(True)


class TestOtherClasses:
    def test_that_sync_see_whose_turn_it_is_and_the_content_of_one_person(self, both):
        everybodys = rows.counts()
        with acting_as(SYNC):
            nobodys = sync_counts()
        for table, count in nobodys.items():
            assert count == (everybodys[table] if OWNERS[get_owned_tables()[table]].sync else 0), (
                table
            )

        alice, _ = both
        with acting_as(SYNC, alice):
            assert set(Message.objects.values_list("user_id", flat=True)) == {alice.user.id}

    def test_that_purge_see_everything_whoever_is_entered(self, both):
        alice, bob = both
        for whose in (None, alice):
            with acting_as(ProcessClass.PURGE, whose):
                assert Message.objects.count() == alice.messages.count() + bob.messages.count()

    def test_of_the_console_count_everything(self, both):
        alice, bob = both
        with acting_as(ProcessClass.CONSOLE):
            found = run_sql("SELECT user_id FROM integrations_connection")
        assert set(found) == {(alice.user.id,), (bob.user.id,)}


def sync_counts():
    readable = [
        one for one, label in get_owned_tables().items() if "r" in GRANTS[label].get_letters(SYNC)
    ]
    return {one: run_sql(f"SELECT count(*) FROM {one}")[0][0] for one in readable}  # noqa: S608


@pytest.fixture
def shared(both):
    """A calendar of hers that Bob is shown, and the share."""
    alice, bob = both
    with transaction.atomic():
        share = shares.give(
            person_id=alice.user.id,
            organisation_id=alice.organisation.id,
            viewer_id=bob.user.id,
            item=Calendar.objects.filter(user_id=alice.user.id).first().id,
            level=ShareLevel.FREEBUSY,
            at=timezone.now(),
        )
    rows.a_calendar(alice)
    return alice, bob, share


class TestAShare:
    def hers(self, alice):
        return set(Calendar.objects.filter(user_id=alice.user.id).values_list("id", flat=True))

    def test_shows_the_calendar_and_its_events_and_nothing_else_of_hers(self, shared):
        alice, bob, share = shared
        with acting_as(WEB, bob):
            assert self.hers(alice) == {share.item}
            events = Event.objects.filter(user_id=alice.user.id)
            assert set(events.values_list("calendar_id", flat=True)) == {share.item}
            assert Integration.objects.filter(id=alice.integration.id).exists()
            assert not Message.objects.filter(user_id=alice.user.id).exists()
            assert not SyncWork.objects.filter(integration_id=alice.integration.id).exists()
            assert not Consent.objects.filter(owner_id=alice.user.id).exists()

    def test_lets_nothing_of_hers_be_changed(self, shared):
        alice, bob, share = shared
        with acting_as(WEB, bob):
            assert Calendar.objects.filter(id=share.item).update(is_shown=False) == 0
            assert Event.objects.filter(calendar_id=share.item).delete()[0] == 0
            assert Connection.objects.filter(id=alice.connection.id).update(epoch=9) == 0

    def test_shows_nothing_to_a_third_person(self, shared):
        alice, _, _ = shared
        carol = houses.household(who=houses.person("carol", alice.organisation, at=timezone.now()))
        with acting_as(WEB, carol):
            assert self.hers(alice) == set()

    def test_shows_nothing_in_another_organisation(self, shared):
        alice, bob, _ = shared
        elsewhere = in_another_organisation(bob.user)
        with acting_as(WEB, elsewhere):
            assert self.hers(alice) == set()

    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("ended", ["withdrawn_at", "expires_at"])
    def test_shows_nothing_more_once_it_is_over(self, shared, ended):
        alice, bob, share = shared
        past = timezone.now()
        Share.objects.filter(id=share.id).update(**{ended: past})

        with acting_as(WEB, bob):
            assert self.hers(alice) == set()
            assert not Event.objects.filter(user_id=alice.user.id).exists()
            assert not Connection.objects.filter(user_id=alice.user.id).exists()

    def test_is_declared_for_the_tables_that_a_look_needs_and_no_other(self):
        also = {label for label in OWNERS if getattr(OWNERS[label], "also", None) is not None}

        assert also == {
            "integrations.Calendar",
            "integrations.Event",
            "integrations.Integration",
            "integrations.Connection",
            "limited_use.Consent",
            "limited_use.LedgerKey",
            "limited_use.Share",
        }
        assert OWNERS["limited_use.Share"].also is SharedRowReader.VIEWER


@pytest.mark.control("4.1.1")
class TestStaff:
    """What the class that serves staff is shown: what an owner opened to support, and no more."""

    @pytest.fixture
    def opened(self, both):
        alice, bob = both
        at = timezone.now()
        bob.user.role = Role.SUPPORT
        bob.user.save()
        return Consent.objects.create(
            owner_id=alice.user.id,
            organisation_id=alice.organisation.id,
            feature="support",
            version=1,
            given_at=at,
            item=alice.messages.first().id,
            expires_at=at + timedelta(hours=1),
        )

    @staticmethod
    def agreements(both):
        _, bob = both
        with acting_as(STAFF), row_owner.acting_for(bob.user.id, bob.organisation.id):
            assert not Message.objects.exists()
            return list(Consent.objects.all())

    @staticmethod
    def messages(both):
        alice, _ = both
        with acting_as(STAFF, alice):
            return list(Message.objects.values_list("id", flat=True))

    def test_are_shown_no_row_while_nobody_is_entered(self, both, opened):
        with acting_as(STAFF):
            assert set(staff_counts().values()) == {0}

    def test_of_support_see_what_was_opened_to_them(self, both, opened):
        assert self.agreements(both) == [opened]

    def test_of_no_other_role_do(self, both, opened):
        for role in set(Role) - {Role.SUPPORT}:
            User.objects.filter(id=both[1].user.id).update(role=role)
            assert self.agreements(both) == []

    def test_who_act_for_the_owner_see_that_message_and_what_it_hangs_on(self, both, opened):
        alice, _ = both
        make_message(alice.integration, subject="Not opened", text="Not opened")
        assert alice.messages.count() > 1

        assert self.messages(both) == [opened.item]
        with acting_as(STAFF, alice):
            assert run_sql("SELECT message_id FROM integrations_messagebody") == [(opened.item,)]
            found = run_sql("SELECT id FROM integrations_integration")
            assert found == [(alice.integration.id,)]
            found = run_sql("SELECT id FROM integrations_connection")
            assert found == [(alice.connection.id,)]
            assert run_sql("SELECT holder FROM limited_use_ledgerkey") == [(alice.connection.id,)]
            assert set(Consent.objects.values_list("feature", flat=True)) == {"support"}

    def test_who_act_for_the_owner_see_that_event_and_what_it_hangs_on(self, both, opened):
        """The calendar of the event, which another account has, and no other event or calendar."""
        alice, _ = both
        account = houses.household(
            who=(alice.user, alice.organisation, alice.membership), product="calendar"
        )
        rows.a_calendar(account)
        calendar = rows.a_calendar(account)
        event = calendar.events.get()
        assert Event.objects.filter(user_id=alice.user.id).count() > 1
        with acting_as(STAFF, alice):
            assert run_sql("SELECT id FROM integrations_event") == []
            assert run_sql("SELECT id FROM integrations_calendar") == []

        Consent.objects.filter(id=opened.id).update(item=event.id)

        with acting_as(STAFF, alice):
            assert run_sql("SELECT id FROM integrations_event") == [(event.id,)]
            assert run_sql("SELECT id FROM integrations_calendar") == [(calendar.id,)]
            assert run_sql("SELECT id FROM integrations_integration") == [(account.integration.id,)]
            assert run_sql("SELECT id FROM integrations_connection") == [(account.connection.id,)]
            assert run_sql("SELECT id FROM integrations_message") == []
        Consent.objects.filter(id=opened.id).update(withdrawn_at=timezone.now())
        with acting_as(STAFF, alice):
            assert set(staff_counts().values()) == {0}

    def test_who_act_for_an_owner_see_no_calendar_of_another_by_an_event_that_names_it(
        self, both, opened
    ):
        alice, bob = both
        event = rows.a_calendar(alice).events.get()
        Event.objects.filter(id=event.id).update(calendar_id=rows.a_calendar(bob).id)
        Consent.objects.filter(id=opened.id).update(item=event.id)

        with acting_as(STAFF, alice):
            assert run_sql("SELECT id FROM integrations_calendar") == []
            assert run_sql("SELECT id FROM integrations_integration") == []

    def test_who_act_for_an_owner_who_opened_nothing_see_nothing(self, both, opened):
        _, bob = both
        User.objects.filter(id=bob.user.id).update(role=Role.MEMBER)
        with acting_as(STAFF, bob):
            assert set(staff_counts().values()) == {0}

    def test_read_no_sealed_token_and_change_nothing(self, both, opened):
        alice, _ = both
        for statement in (
            "SELECT refresh_token FROM integrations_connection",
            "SELECT remote FROM integrations_event",
            "SELECT about FROM integrations_calendar",
            "SELECT cursor FROM integrations_calendar",
            "UPDATE integrations_event SET is_busy = false",
            "DELETE FROM integrations_event",
            "UPDATE integrations_message SET received_at = now()",
            "DELETE FROM integrations_messagebody",
            "UPDATE limited_use_consent SET expires_at = now() + interval '1 year'",
            "UPDATE accounts_user SET role = 'operator'",
            "UPDATE accounts_user SET password = ''",
        ):
            with acting_as(STAFF, alice), pytest.raises(ProgrammingError), transaction.atomic():
                run_sql(statement)

    @pytest.mark.invariant(5)
    def test_see_it_while_that_stands(self, both, opened):
        at = timezone.now()
        for ended in ({"withdrawn_at": at}, {"expires_at": at}, {"feature": "inbox"}):
            with transaction.atomic():
                Consent.objects.filter(id=opened.id).update(**{"given_at": at - HOUR, **ended})
                assert self.agreements(both) == []
                assert self.messages(both) == []
                transaction.set_rollback(True)

    def test_see_nothing_any_more_once_they_have_left(self, both, opened):
        at = timezone.now()
        User.objects.filter(id=both[1].user.id).update(is_active=False, deactivated_at=at)
        assert self.agreements(both) == []

    def test_are_nobody_at_the_ordinary_site(self, both, opened):
        alice, bob = both
        with acting_as(WEB), row_owner.acting_for(bob.user.id, bob.organisation.id):
            assert not Consent.objects.filter(owner_id=alice.user.id).exists()


def staff_counts():
    names = {
        table: label
        for table, label in get_owned_tables().items()
        if GRANTS[label].is_used_by(STAFF)
    }
    return {one: run_sql(f"SELECT count(*) FROM {one}")[0][0] for one in names}  # noqa: S608


@pytest.mark.control("4.1.1")
class TestASession:
    """Of one site: a process that serves the other is neither shown it nor may make it."""

    @pytest.fixture
    def sessions(self, db):
        at = timezone.now() + HOUR
        for site in ("web", "staff"):
            Session.objects.create(session_key=site, session_data="", expire_date=at, site=site)

    @pytest.mark.parametrize(("process_class", "other"), [(WEB, "staff"), (STAFF, "web")])
    def test_is_shown_to_its_own_site(self, sessions, process_class, other):
        with acting_as(process_class):
            assert list(Session.objects.values_list("site", flat=True)) == [str(process_class)]
            assert Session.objects.filter(session_key=other).update(session_data="x") == 0
            assert Session.objects.filter(session_key=other).delete()[0] == 0

    @pytest.mark.parametrize(("process_class", "other"), [(WEB, "staff"), (STAFF, "web")])
    def test_is_made_for_no_other(self, sessions, process_class, other):
        at = timezone.now() + HOUR
        more = {"session_data": "", "expire_date": at, "site": other}
        with acting_as(process_class), pytest.raises(ProgrammingError), transaction.atomic():
            Session.objects.create(session_key="planted", **more)
        with acting_as(process_class), pytest.raises(ProgrammingError), transaction.atomic():
            Session.objects.update(site=other)

    def test_is_deleted_by_purge_whichever_site_it_is_of(self, sessions):
        with acting_as(ProcessClass.PURGE):
            assert Session.objects.all().delete()[0] == 2


class TestATransaction:
    """Whom it is for is its own, and ends with it."""

    def seen(self):
        return set(Message.objects.values_list("user_id", flat=True))

    def test_leaves_nothing_to_the_next(self, both):
        alice, _ = both
        with acting_as(WEB):
            with row_owner.acting_for(alice.user.id, alice.organisation.id):
                assert self.seen() == {alice.user.id}
            assert run_sql(f"SELECT current_setting('{PERSON}', true)") in ([("",)], [(None,)])
            assert self.seen() == set()
            assert run_sql("SELECT user_id FROM integrations_message") == []

    @pytest.mark.parametrize("fails", [False, True])
    def test_leaves_nothing_however_it_ends(self, both, fails):
        alice, _ = both
        with acting_as(WEB):
            with transaction.atomic():
                with row_owner.acting_for(alice.user.id, alice.organisation.id):
                    assert self.seen() == {alice.user.id}
                assert self.seen() == set()
                transaction.set_rollback(fails)
            assert self.seen() == set()
            assert connection.connection.execute(
                "SELECT count(*) FROM integrations_message"
            ).fetchone() == (0,)

    def test_that_fails_in_the_middle_leaves_the_connection_as_it_was(self, both):
        alice, _ = both
        with acting_as(WEB, alice):
            with pytest.raises(IntegrityError):
                SyncWork.objects.create(integration=alice.integration, next_sync_at=alice.at)
            assert self.seen() == {alice.user.id}
            with pytest.raises(ProgrammingError):
                run_sql("SELECT no_such_column FROM integrations_message")
            assert self.seen() == {alice.user.id}

    @pytest.mark.parametrize("in_block", [False, True])
    def test_is_told_before_what_psycopg_sends_by_other_ways(self, both, in_block):
        alice, _ = both
        add = "UPDATE integrations_syncwork SET done_count = 7 WHERE integration_id = %s"
        with (
            acting_as(WEB, alice),
            transaction.atomic() if in_block else row_owner.as_owner(row_owner.get_owner()),
        ):
            assert {one.user_id for one in Message.objects.iterator()} == {alice.user.id}
            with connection.cursor() as cursor:
                cursor.executemany(add, [[alice.integration.id]])
        assert SyncWork.objects.get(integration=alice.integration).done_count == 7

    steps = st.recursive(
        st.sampled_from(["look", "alice", "bob", "nobody"]),
        lambda inner: st.tuples(st.sampled_from(["keep", "undo"]), st.lists(inner, max_size=4)),
        max_leaves=12,
    )

    def walk(self, steps, people):
        for step in steps:
            if isinstance(step, tuple):
                with transaction.atomic():
                    self.walk(step[1], people)
                    transaction.set_rollback(step[0] == "undo")
            elif step == "nobody":
                row_owner.clear_owner()
            elif step != "look":
                row_owner.enter_person(*people[step])
            expected = {row_owner.get_owner().person_id} - {None}
            assert self.seen() == expected
            assert set(Message.objects.iterator()) == set(
                Message.objects.filter(user_id__in=expected)
            )

    @given(st.lists(steps, max_size=5))
    # The rows stay as they are: it looks, and writes nothing.
    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_shows_who_is_entered_whatever_came_before(self, walked, steps):
        with acting_as(WEB), row_owner.without_owner():
            self.walk(steps, walked)

    @pytest.fixture
    def walked(self, both):
        return {
            name: (house.user.id, house.organisation.id)
            for name, house in zip(("alice", "bob"), both, strict=True)
        }


class TestWhichStatements:
    def test_are_told_of_whom_they_are_for(self):
        for table in get_owned_tables():
            assert touches_owned_rows(f'SELECT "{table}"."id" FROM "{table}"')  # noqa: S608
            assert touches_owned_rows(f"\n  with x as (select 1) delete from {table}")  # noqa: S608
            assert touches_owned_rows(f"(SELECT 1 FROM {table}) UNION (SELECT 2)")  # noqa: S608
        assert touches_owned_rows("SELECT * FROM vault_person_held(%s)")
        assert touches_owned_rows("SELECT * FROM find_colleague(%s)")
        assert not touches_owned_rows("SELECT 1 FROM accounts_organisation")
        assert not touches_owned_rows("SAVEPOINT s")
        assert not touches_owned_rows("CREATE TABLE integrations_message (id uuid); SELECT 1")
        assert touches_owned_rows(psycopg.sql.SQL("SELECT 1"))


@pytest.mark.control("4.1.1")
class TestRowOwnerCheck:
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("planted", "found"),
        [
            ("ALTER TABLE {t} DISABLE ROW LEVEL SECURITY", "rows of {t} are hidden from nobody"),
            ("ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY", "rows of {t} are hidden from nobody"),
            ("DROP POLICY web_theirs ON {t}", "policy web_theirs on {t} is missing"),
            ("ALTER POLICY web_theirs ON {t} USING (true)", "web_theirs on {t} is not what"),
            ("ALTER POLICY sync_theirs ON {t} TO PUBLIC", "sync_theirs on {t} is not what"),
            (
                "ALTER POLICY web_theirs ON {t} USING (true) WITH CHECK (true)",
                "web_theirs on {t} is not what",
            ),
            ("CREATE POLICY more ON {t} USING (true)", "too much: policy more on {t}"),
            (
                "CREATE POLICY more ON accounts_user USING (true)",
                "too much: policy more on accounts_user",
            ),
        ],
    )
    def test_finds_what_was_changed_by_hand_and_the_command_takes_it_back(self, planted, found):
        table = "integrations_message"
        assert provisioning.find_differences() == []
        run_sql(planted.format(t=table))

        (said,) = provisioning.find_differences()
        assert found.format(t=table) in said
        assert provisioning.build_walls() != []

        assert provisioning.find_differences() == []

    @pytest.mark.django_db
    def test_finds_a_policy_whose_words_in_the_code_have_changed(self, monkeypatch):
        monkeypatch.setattr(declared_row_security, "build_owner_condition", lambda *_: "false")

        assert "policy web_theirs on integrations_message is not what the code says" in (
            provisioning.find_differences()
        )

    @pytest.mark.django_db
    def test_is_part_of_what_is_asked_before_a_process_serves(self):
        with acting_as(WEB):
            run_as_owner = [one for one in provisioning.find_excess_rights(WEB) if "policy" in one]

        assert run_as_owner == []


class TestCrossings:
    def test_find_an_account_by_its_hash_and_nothing_without(self, both):
        alice, bob = both
        blind = bytes(alice.connection.account_blind)
        with acting_as(WEB, bob):
            (found,) = cross_user_lookups.find_account_connections(
                provider="google", account_blind=blind
            )
            assert found == (alice.connection.id, alice.user.id, alice.organisation.id, "active")
            assert (
                cross_user_lookups.find_account_connections(
                    provider="google", account_blind=bytes(32)
                )
                == []
            )
            assert (
                cross_user_lookups.find_account_connections(provider="other", account_blind=blind)
                == []
            )

    def test_are_open_to_no_other_class(self, both):
        with acting_as(ProcessClass.CONSOLE), pytest.raises(ProgrammingError):
            cross_user_lookups.find_account_connections(provider="google", account_blind=bytes(32))
        with acting_as(SYNC), pytest.raises(ProgrammingError):
            cross_user_lookups.find_watch_owners(kind="topic", lookup_blind=bytes(32))
