"""A feature reads, or acknowledges, at the very moment at which its copies have to go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as Signal

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from accounts import delegations, memberships
from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from accounts.models import Delegation, ServiceClient
from integrations import connections, purge
from integrations.access import feature_reads, fences
from integrations.calendar import local_calendars
from integrations.features import removals
from integrations.models import (
    Calendar,
    FeatureRead,
    FeatureRemoval,
    PurgeTrigger,
    RemovalReason,
)
from integrations.purge import feature_removals, removal_deadlines
from limited_use.agreements.service_clients import create_declared_client
from limited_use.policy.feature_registry import FEATURES
from tests.api.cast import KEYS
from tests.factories import actor_for, make_connection, make_integration
from tests.integrations.calendar import local_house
from tests.integrations.google import acme, alice
from tests.races.locks import run_in_session, wait_for_waiters
from tests.races.test_withdraw import do_together

__all__ = ["acme", "alice"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clause("LU-1")]
WIDGET = "inbox-widget"


@pytest.fixture
def client(transactional_db):
    return create_declared_client(
        feature=WIDGET, purposes=["inbox.display"], jwks=KEYS, at=timezone.now()
    )


@pytest.fixture
def integration(alice, acme):
    return make_integration(make_connection(alice, acme))


@pytest.fixture
def delegation(alice, acme, client):
    return delegations.switch_delegation_on(
        user_id=alice.id,
        organisation_id=acme.id,
        feature=WIDGET,
        feature_version=FEATURES[WIDGET].version,
        at=timezone.now(),
    )


def read(delegation: Delegation, *integrations) -> bool:
    """Note a read, as a request does before it opens anything; return whether it may read."""
    actor = Actor(
        kind=ActorKind.CLIENT,
        id=uuid7(),
        user_id=delegation.user_id,
        organisation_id=delegation.organisation_id,
        delegation_id=delegation.id,
        delegation_epoch=delegation.epoch,
        feature=WIDGET,
        purpose="inbox.display",
    )
    try:
        feature_reads.record_feature_reads(
            actor=actor, integration_ids=[row.id for row in integrations], at=timezone.now()
        )
    except fences.DisconnectedError:
        return False
    return True


def disconnect(integration) -> None:
    connections.disconnect_integration(
        integration_id=integration.id,
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        at=timezone.now(),
    )


def issue_item(integration) -> None:
    with transaction.atomic():
        feature_removals.issue_item_removals(
            integration_id=integration.id,
            item_ids=[uuid7()],
            reason=RemovalReason.DELETED_AT_PROVIDER,
            at=timezone.now(),
        )


def call_while_held(hold, work):
    """Return what `work` returns if it begins before the transaction of `hold` commits."""
    holds, may_commit = Signal(), Signal()

    def hold_locks():
        with transaction.atomic():
            hold()
            holds.set()
            assert may_commit.wait(10)

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(run_in_session, hold_locks)
        assert holds.wait(10)
        working = pool.submit(run_in_session, work)
        wait_for_waiters(1)
        may_commit.set()
        holding.result()
        return working.result()


def end_while_noted(end, delegation, integration) -> None:
    """Call `end` while the note of an allowed read holds its locks and is not committed."""

    def note():
        # As a durable transaction of a test.
        database.atomic_blocks[-1]._from_testcase = True
        assert read(delegation, integration)

    call_while_held(note, end)


@pytest.mark.invariant(5)
class TestARead:
    def test_before_the_disconnect_commits_waits_and_is_refused(self, integration, delegation):
        def end():
            purge.open_purge_job(
                integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
            )

        assert call_while_held(end, lambda: read(delegation, integration)) is False

        assert not FeatureRead.objects.exists()
        assert not FeatureRemoval.objects.exists()

    def test_that_is_noted_first_is_removed(self, integration, delegation):
        end_while_noted(lambda: disconnect(integration), delegation, integration)

        (removal,) = FeatureRemoval.objects.all()
        assert (removal.integration_id, removal.feature) == (integration.id, WIDGET)

    def test_that_is_noted_before_its_calendar_is_removed_is_told(self, alice, acme, delegation):
        actor = actor_for(alice, acme)
        calendar = Calendar.objects.get(id=local_house.create_local_calendar(actor))

        def remove():
            local_calendars.remove_local_calendar(
                actor=actor, calendar_id=calendar.id, etag=calendar.version, at=timezone.now()
            )

        end_while_noted(remove, delegation, calendar.integration)

        (removal,) = FeatureRemoval.objects.all()
        assert (removal.feature, removal.item_ids) == (WIDGET, [calendar.id])

    def test_of_a_feature_that_is_being_switched_off_waits_and_is_refused(
        self, integration, delegation
    ):
        def end():
            switched_off = delegations.switch_delegation_off(
                delegation_id=delegation.id, user_id=delegation.user_id, at=timezone.now()
            )
            feature_removals.issue_delegation_removals(switched_off, at=timezone.now())

        assert call_while_held(end, lambda: read(delegation, integration)) is False

        assert not FeatureRead.objects.exists()

    @pytest.mark.parametrize("end", ["disconnect", "switch_off"])
    def test_beside_an_end_is_refused_or_removed(self, alice, integration, delegation, end):
        def finish():
            if end == "disconnect":
                disconnect(integration)
            else:
                connections.switch_off_feature(
                    delegation_id=delegation.id,
                    user_id=alice.id,
                    organisation_id=delegation.organisation_id,
                    at=timezone.now(),
                )

        allowed, _ = do_together(lambda: read(delegation, integration), finish)

        assert FeatureRemoval.objects.count() == int(allowed)

    def test_of_many_at_once_is_one_row_and_no_deadlock(self, alice, acme, delegation):
        integrations = [make_integration(make_connection(alice, acme)) for _ in range(4)]
        reads = [
            lambda order=order: read(delegation, *order)
            for order in (integrations, integrations[::-1]) * 3
        ]

        assert do_together(*reads) == [True] * 6

        assert FeatureRead.objects.count() == 4

    def test_does_not_wait_for_another_read(self, integration, delegation):
        with transaction.atomic():
            database.atomic_blocks[-1]._from_testcase = True
            other = make_integration(integration.connection, product="calendar")
            with database.cursor() as cursor:
                cursor.execute(
                    "SELECT id FROM integrations_integration WHERE id = %s FOR SHARE",
                    [integration.id],
                )
            with ThreadPoolExecutor(1) as pool:
                reading = pool.submit(
                    run_in_session, lambda: read(delegation, integration), lock_timeout="2s"
                )
                assert reading.result() is True
        assert other.id


class TestAnAcknowledgement:
    def test_beside_an_issue_leaves_the_due_time_of_what_is_open(
        self, integration, delegation, client
    ):
        for _ in range(8):
            FeatureRemoval.objects.all().delete()
            assert read(delegation, integration)
            issue_item(integration)
            (row,) = removals.close_removals(
                list(FeatureRemoval.objects.values_list("id", flat=True)), at=timezone.now()
            )

            def acknowledge(row=row):
                removals.acknowledge_removal(client, removal_id=row.id, at=timezone.now())

            do_together(acknowledge, lambda: issue_item(integration))

            (still_open,) = FeatureRemoval.objects.open()
            client.refresh_from_db()
            assert client.removals_due_at == still_open.due_at

    def test_waits_for_another_and_then_sees_what_it_left(self, integration, delegation, client):
        assert read(delegation, integration)
        issue_item(integration)
        removals.close_removals(
            list(FeatureRemoval.objects.values_list("id", flat=True)), at=timezone.now()
        )
        issue_item(integration)
        removals.close_removals(
            list(FeatureRemoval.objects.values_list("id", flat=True)), at=timezone.now()
        )
        rows = list(FeatureRemoval.objects.all())
        assert len(rows) == 2

        do_together(
            *[
                lambda row=row: removals.acknowledge_removal(
                    client, removal_id=row.id, at=timezone.now()
                )
                for row in rows
            ]
        )

        assert not FeatureRemoval.objects.open().exists()
        assert ServiceClient.objects.get().removals_due_at is None

    def test_does_not_wait_for_a_disconnect_that_has_not_committed(
        self, integration, delegation, client
    ):
        assert read(delegation, integration)
        issue_item(integration)
        (row,) = removals.close_removals(
            list(FeatureRemoval.objects.values_list("id", flat=True)), at=timezone.now()
        )
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            purge.open_purge_job(
                integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
            )
            acknowledging = pool.submit(
                run_in_session,
                lambda: removals.acknowledge_removal(client, removal_id=row.id, at=timezone.now()),
                lock_timeout="2s",
            )
            assert acknowledging.result().acknowledged_at is not None
            # No other session sees the removal yet.
            client.refresh_from_db()
            assert client.removals_due_at is None

        # The commit of the disconnect wrote it.
        client.refresh_from_db()
        assert client.removals_due_at == FeatureRemoval.objects.open().get().due_at


class TestAList:
    def test_beside_an_issue_names_every_item_once_it_is_acknowledged(
        self, integration, delegation, client
    ):
        assert read(delegation, integration)
        issued = 12

        def issue():
            for _ in range(issued):
                issue_item(integration)

        def follow():
            """List and acknowledge, as a client does, and return what it was told."""
            told = set()
            for _ in range(issued):
                page = removals.list_removals(
                    client,
                    state=removals.RemovalState.OPEN,
                    cursor=None,
                    limit=50,
                    at=timezone.now(),
                )
                for row in page.rows:
                    removals.acknowledge_removal(client, removal_id=row.id, at=timezone.now())
                    told |= set(row.item_ids)
            return told

        _, told = do_together(issue, follow)
        told |= follow()

        named = [item for row in FeatureRemoval.objects.all() for item in row.item_ids]
        assert len(named) == issued
        assert told == set(named)

    def test_leaves_out_a_removal_that_is_just_getting_items(self, integration, delegation, client):
        assert read(delegation, integration)
        issue_item(integration)
        [before] = FeatureRemoval.objects.all()
        has_added, may_commit = Signal(), Signal()

        def add_slowly():
            with transaction.atomic():
                issue_item(integration)
                has_added.set()
                assert may_commit.wait(10)

        with ThreadPoolExecutor(1) as pool:
            adding = pool.submit(run_in_session, add_slowly)
            assert has_added.wait(10)
            during = removals.close_removals([before.id], at=timezone.now())
            may_commit.set()
            adding.result()
        [after] = removals.close_removals([before.id], at=timezone.now())

        assert during == []
        assert len(after.item_ids) == 2

    def test_twice_at_once_closes_every_removal(self, integration, delegation, client):
        assert read(delegation, integration)
        for _ in range(3):
            issue_item(integration)
            removals.close_removals(
                list(FeatureRemoval.objects.values_list("id", flat=True)), at=timezone.now()
            )
        FeatureRemoval.objects.update(listed_at=None)
        ids = list(FeatureRemoval.objects.values_list("id", flat=True))

        pages = do_together(
            *[lambda: removals.close_removals(ids, at=timezone.now()) for _ in range(4)]
        )

        # One that another list is closing is left out.
        assert {row.id for page in pages for row in page} == set(ids)
        assert not FeatureRemoval.objects.filter(listed_at=None).exists()


def test_a_due_time_is_settled_by_a_sweep_beside_an_acknowledgement(
    integration, delegation, client
):
    for _ in range(5):
        assert read(delegation, integration)
        issue_item(integration)
        (row,) = removals.close_removals(
            list(FeatureRemoval.objects.open().values_list("id", flat=True)), at=timezone.now()
        )
        do_together(
            removal_deadlines.settle_all_due_times,
            lambda row=row: removals.acknowledge_removal(
                client, removal_id=row.id, at=timezone.now() + timedelta(seconds=1)
            ),
        )

        client.refresh_from_db()
        assert client.removals_due_at is None


def test_a_sweep_that_waits_for_a_disconnect_leaves_it_and_tells_of_the_others(
    alice, acme, client, delegation
):
    integrations = [make_integration(make_connection(alice, acme)) for _ in range(2)]
    first, second = sorted(integrations, key=lambda row: row.id)
    assert read(delegation, first, second)
    owner = {"user_id": alice.id, "organisation_id": acme.id}
    with transaction.atomic():
        memberships.end_membership(**owner, at=timezone.now())
    memberships.add_member(**owner, at=timezone.now())

    call_while_held(
        lambda: purge.open_purge_job(
            integration=first, trigger=PurgeTrigger.OWNER, at=timezone.now()
        ),
        lambda: feature_removals.issue_removals_after_return(at=timezone.now()),
    )

    told = FeatureRemoval.objects.order_by("integration_id")
    assert [(removal.integration_id, removal.reason) for removal in told] == [
        (first.id, RemovalReason.DISCONNECTED),
        (second.id, RemovalReason.SWITCHED_OFF),
    ]
