"""The behaviour of leases, the same for every table with a lease."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.apps import apps
from django.db import connection as database
from django.db import connections, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.ids import uuid7
from integrations.coordination import leases
from integrations.coordination.leases import Lease, LeaseLost, NotClaimable
from integrations.grants import token_refresh
from integrations.models import (
    BulkRevocation,
    Connection,
    DriveFile,
    LookupMeans,
    OutboxCommand,
    PurgeJob,
    PurgeTrigger,
    SupportAct,
    SupportActKind,
    SupportLookup,
    SupportReason,
    SyncWork,
    Upload,
    Watch,
)
from integrations.outbox import dispatch, upload_body
from integrations.purge import purge_jobs
from integrations.push import desired_watches
from integrations.support import act_rows, bulk_runner
from integrations.sync import work_leases
from tests import drive, outbox
from tests.integrations import household as houses

MINUTE = timedelta(minutes=1)


def open_watch(house):
    watch = houses.open_watch(house, at=house.at)
    Watch.objects.update(due_at=house.at)
    return watch


def open_purge_job(house):
    return PurgeJob.objects.create(
        integration=house.integration,
        user_id=house.user.id,
        organisation_id=house.organisation.id,
        trigger=PurgeTrigger.OWNER,
        next_try_at=house.at,
        fenced_at=house.at,
    )


def claim_work(row, at):
    return work_leases.claim(work_id=row.id, at=at, duration=MINUTE).lease


def claim_watch(row, at):
    return leases.claim_from(desired_watches.filter_claimable(at), row.id, at=at, duration=MINUTE)[
        0
    ]


def claim_purge_job(row, at):
    return purge_jobs.claim_purge_job(job_id=row.id, at=at, duration=MINUTE)[0]


def make_due_command(house):
    command = outbox.make_command(house.integration, house.at)
    OutboxCommand.objects.update(due_at=house.at)
    return command


def claim_command(row, at):
    return dispatch._claim(row.id, at=at)[0]


def claim_upload(row, at):
    return upload_body._claim_upload(row.id, at=at)[0]


def claim_drive_file(row, at):
    due = DriveFile.objects.filter(leases.match_unleased(at), due_at__lte=at)
    return leases.claim_from(due, row.id, at=at, duration=MINUTE)[0]


def claim_refresh(row, at):
    lease = token_refresh._claim_refresh(Connection.objects.get(id=row.id), at=at)
    if lease is None:
        raise NotClaimable
    return lease


def order_act(house):
    """Return an act of support that waits for a sync worker."""
    lookup = SupportLookup.objects.create(
        search_id=uuid7(),
        agent_id=uuid7(),
        means=LookupMeans.CONNECTION,
        user=house.user,
        reason=SupportReason.SYNC_PROBLEM,
        opened_at=house.at,
        expires_at=house.at,
    )
    return SupportAct.objects.create(
        agent_id=lookup.agent_id,
        kind=SupportActKind.SYNC_NOW,
        lookup=lookup,
        user=house.user,
        integration=house.integration,
        reason=lookup.reason,
        asked_at=house.at,
        next_try_at=house.at,
    )


def claim_act(row, at):
    return act_rows.claim_act(row.id, act_rows.SYNC_KINDS, at=at).lease


def propose_bulk(house):
    """Return a bulk revocation that waits for a worker to count."""
    return BulkRevocation.objects.create(
        agent_id=uuid7(),
        organisation=house.organisation,
        connected_until=house.at,
        reason=SupportReason.INCIDENT,
        text="The provider reported stolen tokens.",
        ticket="INC-1",
        asked_at=house.at,
        next_try_at=house.at,
    )


def claim_bulk(row, at):
    due = bulk_runner._find_work(at)
    return leases.claim_from(due, row.id, at=at, duration=MINUTE)[0]


@dataclass(frozen=True)
class LeasedTable:
    """
    A table with a lease, and how its worker claims a row.

    :param due: the column that a release sets
    :param statements: how many a claim takes
    """

    model: type[Model]
    create_row: Callable[[houses.Household], Model]
    claim: Callable[[Model, datetime], Lease]
    due: str
    statements: int
    prefix: str = ""

    def read_lease(self, row):
        names = [f"{self.prefix}lease_by", f"{self.prefix}lease_until"]
        return self.model.objects.values_list(*names).get(id=row.id)

    def read_due(self, row):
        return self.model.objects.values_list(self.due, flat=True).get(id=row.id)


TABLES = [
    LeasedTable(SyncWork, lambda house: house.work, claim_work, "next_sync_at", 1),
    LeasedTable(Watch, open_watch, claim_watch, "due_at", 2),
    LeasedTable(PurgeJob, open_purge_job, claim_purge_job, "next_try_at", 2),
    # Whether its last worker crashed is read before, and both counts after it.
    LeasedTable(OutboxCommand, make_due_command, claim_command, "due_at", 4),
    # An upload is never due: its release sets nothing, so any time does.
    LeasedTable(
        Upload,
        lambda house: outbox.make_upload(house.integration, house.at),
        claim_upload,
        "created_at",
        2,
    ),
    LeasedTable(
        DriveFile,
        lambda house: drive.make_drive_file(house.integration, house.at),
        claim_drive_file,
        "due_at",
        2,
    ),
    LeasedTable(SupportAct, order_act, claim_act, "next_try_at", 2),
    LeasedTable(BulkRevocation, propose_bulk, claim_bulk, "next_try_at", 2),
    LeasedTable(
        Connection,
        lambda house: house.connection,
        claim_refresh,
        "refresh_failed_at",
        # The statement that reads the connection is the test's own.
        2,
        leases.REFRESH_PREFIX,
    ),
]
# A refresh waits for a locked row: nothing holds the lock of a connection for long.
SKIPPING = TABLES[:-1]


def every(tables):
    return pytest.mark.parametrize("table", tables, ids=lambda table: table.model.__name__)


@pytest.fixture(autouse=True)
def duration(settings, monkeypatch):
    settings.LEASE_SECONDS = MINUTE.total_seconds()
    monkeypatch.setattr(dispatch, "LEASE_TIME", MINUTE)


@pytest.fixture
def house(db):
    return houses.household()


@pytest.fixture
def row(house, table):
    return table.create_row(house)


def count_statements(queries):
    return sum(query["sql"].lstrip().startswith(("SELECT", "UPDATE", "WITH")) for query in queries)


def test_every_table_with_a_lease_is_listed():
    leased = {
        (model, field.name.removesuffix("lease_by"))
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name.endswith("lease_by")
    }

    assert {(table.model, table.prefix) for table in TABLES} == leased


@every(TABLES)
class TestClaim:
    def test_writes_holder_and_end(self, house, table, row):
        lease = table.claim(row, house.at)

        assert table.read_lease(row) == (lease.holder, house.at + MINUTE)
        assert (lease.model, lease.row_id, lease.claimed_at) == (table.model, row.id, house.at)

    def test_is_refused_until_the_lease_expires(self, house, table, row):
        first = table.claim(row, house.at)

        with pytest.raises(NotClaimable):
            table.claim(row, house.at + MINUTE - timedelta(microseconds=1))
        assert table.read_lease(row) == (first.holder, house.at + MINUTE)

        second = table.claim(row, house.at + MINUTE)
        assert second.holder != first.holder
        assert table.read_lease(row) == (second.holder, house.at + 2 * MINUTE)

    def test_takes_few_statements(self, house, table, row):
        with CaptureQueriesContext(database) as queries:
            table.claim(row, house.at)

        assert count_statements(queries) == table.statements


@every(TABLES)
class TestRenew:
    def test_extends_the_lease_and_saves_values(self, house, table, row):
        lease = table.claim(row, house.at)

        with CaptureQueriesContext(database) as queries:
            leases.renew(lease, at=house.at + MINUTE / 2, **{table.due: house.at + 5 * MINUTE})

        assert count_statements(queries) == 1
        assert table.read_lease(row) == (lease.holder, house.at + 1.5 * MINUTE)
        assert table.read_due(row) == house.at + 5 * MINUTE

    def test_of_an_expired_lease_that_no_worker_claimed_succeeds(self, house, table, row):
        lease = table.claim(row, house.at)

        leases.renew(lease, at=house.at + 2 * MINUTE)

        assert table.read_lease(row) == (lease.holder, house.at + 3 * MINUTE)


@every(TABLES)
class TestRelease:
    def test_frees_the_row_and_sets_when_it_is_due(self, house, table, row):
        lease = table.claim(row, house.at)

        with CaptureQueriesContext(database) as queries:
            leases.release(lease, **{table.due: house.at + MINUTE})

        assert count_statements(queries) == 1
        assert table.read_lease(row) == (None, None)
        assert table.read_due(row) == house.at + MINUTE
        assert table.claim(row, house.at + MINUTE)

    def test_ends_the_lease(self, house, table, row):
        lease = table.claim(row, house.at)
        leases.release(lease)

        for write in (leases.release, leases.delete_row):
            with pytest.raises(LeaseLost):
                write(lease)


@every(TABLES)
class TestLostLease:
    def test_writes_nothing(self, house, table, row):
        lost = table.claim(row, house.at)
        current = table.claim(row, house.at + MINUTE)
        due, values = table.read_due(row), {table.due: house.at + 5 * MINUTE}

        with pytest.raises(LeaseLost):
            leases.renew(lost, at=house.at + MINUTE, **values)
        with pytest.raises(LeaseLost):
            leases.release(lost, **values)
        with pytest.raises(LeaseLost):
            leases.delete_row(lost)

        assert table.read_lease(row) == (current.holder, house.at + 2 * MINUTE)
        assert table.read_due(row) == due


class TestDeleteRow:
    def test_deletes_the_row_of_the_holder(self, house):
        watch = open_watch(house)

        leases.delete_row(claim_watch(watch, house.at))

        assert not Watch.objects.exists()


class TestClaimOfAReadRow:
    @pytest.mark.parametrize("column", ["epoch", "grant_generation"])
    def test_is_refused_if_a_column_has_changed(self, house, column):
        read = Connection.objects.get(id=house.connection.id)
        Connection.objects.update(**{column: getattr(read, column) + 1})

        assert token_refresh._claim_refresh(read, at=house.at) is None
        assert TABLES[-1].read_lease(read) == (None, None)


class TestUnleased:
    def test_ends_with_the_lease(self, house):
        claim_work(house.work, house.at)
        ends_at = house.at + MINUTE

        assert not SyncWork.objects.filter(leases.match_unleased(ends_at - MINUTE / 60)).exists()
        assert SyncWork.objects.filter(leases.match_unleased(ends_at)).exists()


STEPS = st.tuples(
    st.sampled_from(["claim", "renew", "release"]),
    # Worker, and seconds until its step.
    st.integers(0, 2),
    st.integers(0, 90),
)


@every(TABLES)
class TestAnyOrder:
    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
    )
    @given(steps=st.lists(STEPS, max_size=12))
    def test_gives_the_row_to_one_worker_at_a_time(self, house, table, row, steps):
        """A worker holds the row from its claim to its release, or until a later claim."""
        free = {f"{table.prefix}lease_by": None, f"{table.prefix}lease_until": None}
        table.model.objects.filter(id=row.id).update(**free, **{table.due: house.at})
        at, holder, ends_at = house.at, None, None
        given: dict[int, Lease] = {}
        for action, worker, seconds in steps:
            at += timedelta(seconds=seconds)
            if action == "claim":
                is_free = holder is None or ends_at <= at
                assert (self.claim(table, row, at, given, worker)) is is_free
                if is_free:
                    holder, ends_at = worker, at + MINUTE
            elif worker in given:
                is_held = self.write(action, given[worker], at, table)
                assert is_held is (holder == worker)
                if is_held:
                    holder, ends_at = (worker, at + MINUTE) if action == "renew" else (None, None)
            expected = None if holder is None else given[holder].holder
            assert table.read_lease(row) == (expected, ends_at)

    def claim(self, table, row, at, given, worker):
        try:
            given[worker] = table.claim(row, at)
        except NotClaimable:
            return False
        return True

    def write(self, action, lease, at, table):
        try:
            if action == "renew":
                leases.renew(lease, at=at)
            else:
                leases.release(lease, **{table.due: at})
        except LeaseLost:
            return False
        return True


@pytest.mark.django_db(transaction=True)
class TestSeveralWorkers:
    @pytest.fixture
    def house(self, transactional_db):
        return houses.household()

    @every(TABLES)
    def test_never_hold_one_row(self, house, table, row):
        table.claim(row, house.at)  # Its worker dies.
        start = Barrier(6)

        def work(_):
            start.wait(60)
            try:
                return table.claim(row, house.at + MINUTE).holder
            except NotClaimable:
                return None
            finally:
                connections.close_all()

        with ThreadPoolExecutor(6) as pool:
            holders = list(pool.map(work, range(6)))

        won = [holder for holder in holders if holder is not None]
        assert len(won) == 1
        assert table.read_lease(row) == (won[0], house.at + 2 * MINUTE)

    @every(SKIPPING)
    def test_skip_a_locked_row(self, house, table, row):
        def work():
            try:
                return table.claim(row, house.at)
            except NotClaimable:
                return None
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            table.model.objects.select_for_update(no_key=True).get(id=row.id)
            assert pool.submit(work).result(30) is None
