"""A disconnect in the middle of a sync, of a refresh, and behind a full queue: the same result."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connections as databases
from django.utils import timezone

from accounts.models import Membership
from integrations import connections, purge
from integrations.coordination.leases import NotClaimable
from integrations.grants import access_tokens
from integrations.models import Connection, Message, PurgeJob, PurgeStep, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.purge import inventory
from integrations.sync import sync_engine
from integrations.tasks.sync import sync_mail
from limited_use.models import Receipt
from tests.canaries import stores
from tests.factories import make_keyring, make_organisation, make_user
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser, point_at
from tests.worlds.processes import script, wait_until


@pytest.fixture
def browser(transactional_db, sandbox, settings):
    make_keyring()
    point_at(settings, sandbox)
    sandbox.seed(ALICE_BOX, size=40, days=30)
    return GoogleConnectBrowser(make_user("alice", organisation=make_organisation("Acme")), sandbox)


@pytest.fixture
def integration(browser):
    return browser.connect().connection.integrations.get()


def disconnect(browser, integration):
    return connections.disconnect_integration(
        integration_id=integration.id,
        user_id=browser.user.id,
        organisation_id=Membership.objects.get(user=browser.user).organisation_id,
        at=timezone.now(),
    )


def left(integration):
    counts = inventory.count_rows_left(
        integration_id=integration.id, connection_id=integration.connection_id
    )
    return sum(counts.values())


class InThread(Thread):
    """Work in a thread of its own; what it raised is kept."""

    def __init__(self, work):
        super().__init__()
        self.work, self.raised = work, None

    def run(self):
        try:
            self.work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.raised = error
        finally:
            databases.close_all()


@pytest.mark.invariant(5)
@pytest.mark.invariant(6)
@pytest.mark.scenario("X8")
class TestDisconnectDuringPurge:
    def test_in_the_middle_of_a_sync_leaves_nothing(self, browser, integration, sandbox):
        work = SyncWork.objects.get(integration=integration)
        sandbox.fail_next(2, hang_seconds=1.5, path_prefix="/gmail/v1/users/me/threads")
        sync = InThread(
            lambda: sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=timezone.now())
        )
        sync.start()
        leased = SyncWork.objects.filter(id=work.id, lease_by__isnull=False)
        wait_until(leased.exists)

        job = disconnect(browser, integration)
        step = purge.run_purge(job_id=job.id)
        sync.join()
        again = engine_refuses(work.id)

        assert step is PurgeStep.DONE
        assert again
        assert sync.raised is None
        assert left(integration) == 0
        assert Message.objects.count() == 0
        assert purge.count_purge_residue() == {}
        assert Receipt.objects.count() == 1

    @pytest.mark.scenario("R2")
    def test_in_the_middle_of_a_refresh_leaves_no_token(self, browser, integration, sandbox):
        connection_id = integration.connection_id
        Connection.objects.filter(id=connection_id).update(
            access_expires_at=timezone.now() - timedelta(minutes=1)
        )
        sandbox.fail_next(1, hang_seconds=1.5, path_prefix="/token")
        refresh = InThread(
            lambda: access_tokens.get_provider_access(connection_id=connection_id).token()
        )
        refresh.start()
        leased = Connection.objects.filter(id=connection_id, refresh_lease_by__isnull=False)
        wait_until(leased.exists)

        job = disconnect(browser, integration)
        step = purge.run_purge(job_id=job.id)
        refresh.join()

        ended = Connection.objects.get(id=connection_id)
        assert step is PurgeStep.DONE
        assert refresh.raised is not None
        assert (ended.refresh_token, ended.access_token) == (None, None)
        assert left(integration) == 0
        assert [one for one in sandbox.grants(ALICE_BOX) if one.get("refresh_tokens")] == []
        assert Receipt.objects.count() == 1

    def test_behind_a_full_queue_leaves_nothing(self, browser, integration, settings):
        work = SyncWork.objects.get(integration=integration)
        for _ in range(300):
            sync_mail.delay(work_id=str(work.id))

        job = disconnect(browser, integration)
        with script(
            "celery", "-A", "config.celery", "worker", "--pool", "solo",
            "--queues", "sync,purge", "--loglevel", "critical",
        ):  # fmt: skip
            wait_until(
                lambda: PurgeJob.objects.values_list("step", flat=True).get(id=job.id) == "done"
            )
            wait_until(lambda: stores.client(settings.BROKER_URL).llen("sync") == 0)

        assert left(integration) == 0
        assert purge.count_purge_residue() == {}
        assert Receipt.objects.count() == 1


def engine_refuses(work_id):
    try:
        sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())
    except NotClaimable:
        return True
    return False
