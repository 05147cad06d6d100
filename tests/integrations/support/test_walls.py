"""What a staff process reads of people in the database: nothing, and after a look-up little."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import row_owner
from accounts.ids import uuid7
from accounts.models import User
from accounts.roles import Role
from config.database.row_owners import OWNERS, OwnedTable, StaffRowAccess, get_owned_tables
from config.database.table_grants import GRANTS
from config.process_classes import ProcessClass
from integrations.models import (
    Approval,
    Calendar,
    Integration,
    IntegrationStatus,
    OutboxCommand,
    StatusChange,
    StatusReason,
    SupportAct,
    SupportLookup,
    SupportQuestion,
)
from integrations.sync import status_history
from limited_use.models import Share
from tests.broker import record_messages
from tests.factories import (
    make_connection,
    make_integration,
    make_organisation,
    make_user,
)
from tests.integrations.support.desk import at_desk_of, find, make_agent
from tests.integrations.support.people import make_everything
from tests.outbox import make_command
from tests.walls import acting_as, is_refused, run_sql

pytestmark = [pytest.mark.django_db, pytest.mark.control("4.1.1")]

FOUND = {label for label, table in OWNERS.items() if isinstance(table, OwnedTable) and table.found}


@pytest.fixture(autouse=True)
def _nothing_is_queued(monkeypatch):
    record_messages(monkeypatch)


@pytest.fixture
def sam():
    return make_agent()


@pytest.fixture
def alice():
    return make_everything("alice")


@pytest.fixture
def bob():
    return make_everything("bob")


def get_mailbox(user):
    return Integration.objects.get(connection__user=user, product="mail", status="active")


def make_share(calendar, *, viewer, withdrawn_at):
    at = timezone.now() - timedelta(minutes=1)
    return Share.objects.create(
        owner_id=calendar.user_id,
        organisation_id=calendar.organisation_id,
        viewer_id=viewer.id,
        owner_membership=uuid7(),
        viewer_membership=uuid7(),
        item=calendar.id,
        level="freebusy",
        given_at=at,
        withdrawn_at=withdrawn_at,
    )


def list_readable_columns(label, table):
    columns = [column for (cls, letter), names in GRANTS[label].columns.items()
               if cls is ProcessClass.STAFF and letter == "r" for column in names]  # fmt: skip
    if "r" not in GRANTS[label].staff:
        return columns
    return [
        row[0]
        for row in run_sql(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s", table
        )
    ]


def count_visible_rows():
    """Count the rows of each table with owners that a staff process may read at all."""
    counts = {}
    for table, label in get_owned_tables().items():
        if not GRANTS[label].is_used_by(ProcessClass.STAFF):
            continue
        # The agent's own rows, to sign in, and their own look-ups and orders.
        if OWNERS[label].opened in {
            StaffRowAccess.STAFF, StaffRowAccess.LOOKUP, StaffRowAccess.ORDER
        }:  # fmt: skip
            continue
        columns = list_readable_columns(label, table)
        if columns:
            names = ", ".join(f'"{name}"' for name in columns)
            counts[label] = len(run_sql(f"SELECT {names} FROM {table}"))  # noqa: S608 - our own names
    return counts


class TestWords:
    """The person's page has a text for every word, so that no row can break it."""

    def test_of_a_look_up_are_of_the_closed_lists(self, sam, alice):
        for means, reason in (("platform_id", "curiosity"), ("guess", "other")):
            with (
                at_desk_of(sam),
                pytest.raises(IntegrityError, match="support_lookup_has_known_words"),
                transaction.atomic(),
            ):
                run_sql(
                    "SELECT open_support_lookup(%s, %s, %s, %s, %s, '')",
                    *(uuid7(), means, alice.platform_id, [], reason),
                )

    @pytest.mark.parametrize("word", ["reason", "state"])
    def test_of_orders_are_of_the_closed_lists(self, sam, alice, word):
        (lookup_id,), at = find(sam, alice.email), timezone.now()
        row = {"agent_id": sam.id, "lookup_id": lookup_id, "user": alice, "asked_at": at}
        row |= {"reason": "other", "state": "waiting", word: "unheard"}
        settled = {"settled_at": at} if word == "state" else {}
        answered = {"answered_at": at} if word == "state" else {}
        with at_desk_of(sam):
            with pytest.raises(IntegrityError, match="known_words"), transaction.atomic():
                SupportAct.objects.create(
                    **row, **settled, kind="revoke_person", text="x", ticket="1", next_try_at=at
                )
            with pytest.raises(IntegrityError, match="known_words"), transaction.atomic():
                SupportQuestion.objects.create(
                    **row, **answered, kind="message", text="x", expires_at=at
                )


class TestStaff:
    def test_see_nothing_of_anybody_without_a_look_up(self, sam, alice, bob):
        with at_desk_of(sam):
            counts = count_visible_rows()

        assert counts.keys() > FOUND
        assert set(counts.values()) == {0}

    def test_see_rows_of_the_person_whom_they_found_and_of_nobody_else(self, sam, alice, bob):
        find(sam, alice.email)
        with at_desk_of(sam):
            counts = count_visible_rows()
            owners = set(run_sql("SELECT user_id FROM integrations_connection"))
            calendars = run_sql("SELECT count(id) FROM integrations_calendar")

        assert {label for label, count in counts.items() if count} == FOUND
        assert owners == {(alice.id,)}
        assert calendars == [(1,)]

    def test_see_nothing_by_the_look_up_of_another_agent(self, sam, alice):
        find(sam, alice.email)

        with at_desk_of(make_agent("tim")):
            assert set(count_visible_rows().values()) == {0}
            assert run_sql("SELECT count(*) FROM integrations_supportlookup") == [(0,)]

    def test_see_nothing_after_the_look_up(self, sam, alice):
        find(sam, alice.email)
        SupportLookup.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

        with at_desk_of(sam):
            assert set(count_visible_rows().values()) == {0}

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.OPERATOR])
    def test_of_another_role_see_nothing_by_a_row_that_names_them(self, alice, role):
        otto, now = make_agent("otto", role), timezone.now()
        SupportLookup.objects.create(
            search_id=uuid7(),
            agent_id=otto.id,
            means="address",
            user=alice,
            reason="other",
            opened_at=now,
            expires_at=now + timedelta(minutes=30),
        )

        with at_desk_of(otto):
            assert set(count_visible_rows().values()) == {0}

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            ("integrations_connection", "email"),
            ("integrations_connection", "account_blind"),
            ("integrations_connection", "address_blind"),
            ("integrations_connection", "access_token"),
            ("integrations_connection", "refresh_token"),
            ("integrations_calendar", "about"),
            ("integrations_calendar", "remote_blind"),
            ("integrations_syncwork", "cursor"),
            ("integrations_syncwork", "label_names"),
            ("integrations_setaside", "remote_id"),
            ("integrations_watch", "channel"),
            ("integrations_watch", "lookup_blind"),
            ("integrations_approval", "state_hash"),
            ("limited_use_receipt", "document"),
            ("integrations_supportcode", "code_hash"),
            ("integrations_event", "remote"),
            ("integrations_thread", "id"),
            ("integrations_outboxcommand", "id"),
            ("integrations_notice", "id"),
        ],
    )
    def test_cannot_read_a_column_that_support_does_not_need(self, sam, alice, table, column):
        find(sam, alice.email)

        with at_desk_of(sam):
            assert is_refused(f"SELECT {column} FROM {table}")  # noqa: S608 - our own names

    def test_cannot_make_or_change_a_look_up_or_read_a_code(self, sam, alice):
        find(sam, alice.email)

        with at_desk_of(sam):
            assert is_refused(
                "INSERT INTO integrations_supportlookup SELECT * FROM integrations_supportlookup"
            )
            assert is_refused("UPDATE integrations_supportlookup SET expires_at = now()")
            assert is_refused("DELETE FROM integrations_supportlookup")
            assert is_refused("SELECT * FROM integrations_supportcode")
            assert is_refused("UPDATE integrations_supportcode SET used_at = NULL")

    def test_change_no_row_of_a_person_whom_they_found(self, sam, alice):
        find(sam, alice.email)

        with at_desk_of(sam):
            for label in sorted(FOUND):
                table = next(name for name, each in get_owned_tables().items() if each == label)
                assert is_refused(f"DELETE FROM {table}"), table  # noqa: S608 - our own names
                assert is_refused(f"UPDATE {table} SET id = id"), table  # noqa: S608


class TestFunctions:
    FIND = "SELECT person FROM open_support_lookup(%s, 'address', %s, '{}', 'other', '')"
    COUNT = "SELECT kind, counted FROM count_support_effect(%s)"

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.REVIEWER, Role.OPERATOR])
    def test_find_and_count_nothing_for_anybody_but_support(self, alice, role):
        integration = Integration.objects.get(
            connection__user=alice, product="mail", status="active"
        )

        with at_desk_of(make_agent("otto", role)):
            assert run_sql(self.FIND, uuid7(), alice.email) == []
            assert run_sql(self.COUNT, [integration.id]) == []

        assert not SupportLookup.objects.exists()

    def test_find_and_count_nothing_for_nobody(self, alice):
        integration = Integration.objects.get(
            connection__user=alice, product="mail", status="active"
        )

        with acting_as(ProcessClass.STAFF):
            assert run_sql(self.FIND, uuid7(), alice.email) == []
            assert run_sql(self.COUNT, [integration.id]) == []

    def test_find_and_count_nothing_for_an_agent_who_is_inactive(self, sam, alice):
        find(sam, alice.email)
        mailbox = get_mailbox(alice)
        User.objects.filter(id=sam.id).update(is_active=False, deactivated_at=timezone.now())

        with at_desk_of(sam):
            assert run_sql(self.FIND, uuid7(), alice.email) == []
            assert run_sql(self.COUNT, [mailbox.id]) == []
            assert set(count_visible_rows().values()) == {0}

    def test_count_what_a_found_person_has(self, sam, alice, bob):
        now, calendar = timezone.now(), Calendar.objects.get(user_id=alice.id)
        make_command(get_mailbox(alice), now)
        OutboxCommand.objects.all().stop(at=now)
        make_command(get_mailbox(alice), now)
        for withdrawn_at in (None, now):
            make_share(calendar, viewer=bob, withdrawn_at=withdrawn_at)
        find(sam, alice.email)
        ids = list(Integration.objects.values_list("id", flat=True))

        with at_desk_of(sam):
            counts = dict(run_sql(self.COUNT, ids))

        assert counts == {
            "messages": 1, "calendars": 1, "events": 1, "quarantined": 1, "unsent": 1, "shares": 1
        }  # fmt: skip

    @pytest.mark.parametrize("process_class", [ProcessClass.WEB, ProcessClass.SYNC])
    def test_are_refused_to_other_classes(self, alice, process_class):
        with acting_as(process_class):
            assert is_refused(self.FIND, uuid7(), alice.email)
            assert is_refused(self.COUNT, [uuid7()])


class TestStatusChanges:
    @pytest.fixture
    def integration(self):
        home = make_organisation()
        return make_integration(make_connection(make_user(organisation=home), home))

    @staticmethod
    def list_changes(integration):
        rows = StatusChange.objects.filter(integration=integration).order_by("since", "id")
        return [(row.status, row.reason) for row in rows]

    def test_begin_with_the_first_status(self, integration):
        assert self.list_changes(integration) == [("active", "")]

    @pytest.mark.parametrize("process_class", [ProcessClass.SYNC, ProcessClass.PURGE])
    def test_are_kept_by_a_worker_without_a_row_owner(self, integration, process_class):
        with acting_as(process_class):
            self.degrade(integration)

        assert self.list_changes(integration)[-1] == ("degraded", "rate_limited")

    def test_are_kept_by_a_web_process_of_their_owner(self, integration):
        owner = integration.connection
        with (
            acting_as(ProcessClass.WEB),
            row_owner.acting_for(owner.user_id, owner.organisation_id),
        ):
            self.degrade(integration)

        assert self.list_changes(integration)[-1] == ("degraded", "rate_limited")

    def test_are_not_kept_of_a_purge(self, integration):
        Integration.objects.filter(id=integration.id).update(
            status=IntegrationStatus.PURGING, switched_off_at=timezone.now()
        )

        assert self.list_changes(integration) == [("active", "")]

    @staticmethod
    def degrade(integration):
        changed = Integration.objects.filter(id=integration.id).update(
            status=IntegrationStatus.DEGRADED,
            status_reason=StatusReason.RATE_LIMITED,
            status_since=timezone.now() + timedelta(seconds=1),
        )
        assert changed == 1

    def test_are_deleted_after_ninety_days(self, integration):
        self.degrade(integration)
        now = timezone.now()
        oldest = StatusChange.objects.order_by("since")[0]
        StatusChange.objects.filter(id=oldest.id).update(since=now - timedelta(days=91))

        with acting_as(ProcessClass.PURGE):
            status_history.delete_old_changes(at=now)

        assert self.list_changes(integration) == [("degraded", "rate_limited")]


def test_approval_of_another_person_is_hidden(sam, alice, bob):
    find(sam, alice.email)

    with at_desk_of(sam):
        assert set(Approval.objects.values_list("user_id", flat=True)) == {alice.id}
