"""Workers that are killed in the middle of a mailbox, and a broker that forgets everything."""

from __future__ import annotations

import time

import pytest
from django.db import connection
from django.utils import timezone

from config.database import provisioning
from config.process_classes import ProcessClass
from integrations.mail.sync import mail_quarantine
from integrations.mail.sync.provider_ids import MESSAGE
from integrations.models import Integration, Message, SetAside, SyncStage, SyncWork
from limited_use.vault.sealing import get_sealer
from tests.canaries import stores
from tests.factories import make_connection, make_integration
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser
from tests.worlds.processes import PATIENCE, wait_until

SIZE = 240

pytestmark = [pytest.mark.invariant(7), pytest.mark.invariant(8)]


@pytest.fixture
def integration(world, alice):
    """Return a mailbox of some size at a provider that is slow, connected a moment ago."""
    world.seed(ALICE_BOX, size=SIZE, days=30, malformed=0, hostile=0)
    # Every call takes long enough for a test to come between.
    world.dial(latency_seconds=0.25)
    return GoogleConnectBrowser(alice, world).connect().connection.integrations.get()


def list_provider_ids(world):
    """Return the ids that the provider lists: spam and trash are not."""
    shown = world.mailbox(ALICE_BOX)["messages"]
    return [one["id"] for one in shown if not {"SPAM", "TRASH"} & set(one["labelIds"])]


def list_own_blinds():
    return sorted(bytes(one) for one in Message.objects.values_list("remote_blind", flat=True))


def list_expected_blinds(integration, world):
    now = Integration.objects.get(id=integration.id)
    blind = get_sealer(holder=now.id, epoch=now.epoch).compute_blind
    return sorted(blind(MESSAGE, one) for one in list_provider_ids(world))


def get_work():
    return SyncWork.objects.get()


def is_held():
    return get_work().lease_by is not None


def is_settled():
    now = get_work()
    return now.stage == SyncStage.DELTA and now.last_synced_at is not None and not now.lease_by


def assert_everything_once(integration, world):
    wait_until(lambda: list_own_blinds() == list_expected_blinds(integration, world))
    assert Integration.objects.get().status == "active"


@pytest.mark.scenario("S3")
class TestAWorkerKilledInTheMiddle:
    def test_of_a_first_sync_leaves_the_rest_to_the_next(self, integration, running, world):
        running.beat()
        running.worker("first")
        wait_until(lambda: 0 < Message.objects.count() < SIZE and is_held())

        running.kill("first")
        left_behind = Message.objects.count()
        world.dial(latency_seconds=0.0)
        running.worker("second")
        wait_until(is_settled)

        assert 0 < left_behind < len(list_provider_ids(world))
        assert_everything_once(integration, world)

    def test_of_a_delta_leaves_the_cursor_where_its_rows_are(self, integration, running, world):
        world.dial(latency_seconds=0.0)
        running.beat()
        running.worker("first")
        wait_until(is_settled)
        before = Message.objects.count()

        world.dial(latency_seconds=0.6)
        for number in range(30):
            world.deliver(ALICE_BOX, subject=f"news {number}", text="hello")
        deleted = list_provider_ids(world)[40]
        world.delete(ALICE_BOX, deleted)
        listed = world.calls("gmail.users.history.list")
        wait_until(lambda: world.calls("gmail.users.history.list") > listed and is_held())
        running.kill("first")
        count = Message.objects.count()
        world.dial(latency_seconds=0.0)
        running.worker("second")
        wait_until(lambda: Message.objects.count() == before + 29)

        # What was read of the history was not written: it is read again, from the same place.
        assert count < before + 29
        assert_everything_once(integration, world)


@pytest.mark.scenario("S2")
class TestPartsOfBatchesThatAreNotAnswered:
    @pytest.mark.thorough("waits for the pause before a further try, with a worker that is killed")
    def test_are_late_and_not_unreadable_whatever_becomes_of_the_worker(
        self, integration, running, world, client, alice
    ):
        world.dial(latency_seconds=0.0)
        late = [
            world.deliver(ALICE_BOX, subject=f"late {number}", text="hello")["id"]
            for number in range(5)
        ]
        for message_id in late:
            path = f"/gmail/v1/users/me/messages/{message_id}"
            world.fail_next(2, path_prefix=path, status=502, body="{}")
        client.force_login(alice)
        running.beat()
        running.worker("first")
        wait_until(lambda: SetAside.objects.count() == len(late) and is_settled())
        running.kill("first")

        assert set(SetAside.objects.values_list("reason", flat=True)) == {mail_quarantine.DELAYED}
        assert Integration.objects.get().status == "active"
        page = client.get("/settings/integrations/").content.decode()
        assert "has not delivered 5 messages yet" in page
        assert "Delayed" not in page
        running.worker("second")
        wait_until(lambda: not SetAside.objects.exists(), within=60)

        assert_everything_once(integration, world)
        listed = client.get("/v1/users/me/messages").json()["data"]
        assert {one["subject"] for one in listed} >= {f"late {number}" for number in range(5)}


@pytest.mark.scenario("R8")
class TestABrokerThatForgets:
    def test_in_the_middle_of_a_first_sync_loses_nothing(self, integration, running, world):
        running.beat()
        running.worker()
        wait_until(lambda: 0 < Message.objects.count() < SIZE and is_held())

        with stores.client(running.broker_url) as broker:
            broker.flushall()
        left_behind = Message.objects.count()
        world.dial(latency_seconds=0.0)
        wait_until(is_settled)
        world.deliver(ALICE_BOX, subject="after the flood", text="hello")

        assert left_behind < len(list_provider_ids(world))
        assert_everything_once(integration, world)
        assert get_work().last_synced_at <= timezone.now()


@pytest.mark.scenario("O2")
class TestAStartWithManyMailboxes:
    def test_holds_as_many_connections_to_the_database_as_it_has_threads(
        self, integration, running, world
    ):
        world.dial(latency_seconds=0.0)
        for _ in range(80):
            make_integration(make_connection(access_token="dead", refresh_token="dead"))
        most = 0

        running.beat()
        running.worker()
        deadline = time.monotonic() + PATIENCE
        while is_due() and time.monotonic() < deadline:
            most = max(most, connections_of(ProcessClass.SYNC))
            time.sleep(0.05)

        assert not is_due()
        # Four threads, and one of the process itself.
        assert 0 < most <= 5


def is_due():
    return SyncWork.objects.filter(next_sync_at__lte=timezone.now(), failure_count=0).exists()


def connections_of(process_class):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND datname = %s",
            [provisioning.get_roles().get_login(process_class), connection.settings_dict["NAME"]],
        )
        return cursor.fetchone()[0]
