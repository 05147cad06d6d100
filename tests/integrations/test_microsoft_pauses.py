"""What a mailbox at Microsoft does when Graph asks for a pause: nobody calls, then all arrives."""

from __future__ import annotations

import pytest
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.coordination.leases import NotClaimable
from integrations.grants import request_slots
from integrations.models import Connection, Message, QuotaBucket, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine, work_leases
from tests.integrations.microsoft import MicrosoftConnectBrowser, microsoft
from tests.walls import acting_as

__all__ = ["microsoft"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(microsoft, alice):
    MicrosoftConnectBrowser(alice, microsoft).connect()
    return Connection.objects.get()


def run_turn():
    """Take one turn; return whether the work was due."""
    with acting_as(ProcessClass.SYNC):
        try:
            sync_engine.run_sync_turn(
                PRODUCTS, work_id=SyncWork.objects.get().id, at=timezone.now()
            )
        except NotClaimable:
            return False
    return True


def let_pass():
    """Have all rows believe that the pauses are over."""
    QuotaBucket.objects.update(parked_until=timezone.now(), awaited_until=None)
    SyncWork.objects.update(next_sync_at=timezone.now())


@pytest.mark.parametrize(
    ("problem", "status", "least"),
    [
        ("graph_throttled", 429, 2.0),
        ("graph_too_many", 429, 1.0),
        ("graph_unavailable_for_a_while", 503, 2.4),
        ("graph_throttled_silently", 429, 2.0),
    ],
)
# The listing comes first, and then content, which a batch brings.
@pytest.mark.parametrize("path", ["/v1.0/me/messages", "/v1.0/$batch"], ids=["list", "fetch"])
class TestAPause:
    def test_is_kept_by_all_and_then_everything_arrives(
        self, *, microsoft, connection, problem, status, least, path
    ):
        microsoft.sandbox.fail_next(path_contains=path, problem=problem)

        assert run_turn()

        statuses = microsoft.sandbox.counters()["statuses"]
        refused = [count for name, count in statuses.items() if name.endswith(f" {status}")]
        assert refused == [1]
        assert Message.objects.count() < 3
        until = QuotaBucket.objects.get(connection=connection).parked_until
        assert least < (until - timezone.now()).total_seconds() <= work_leases.FIRST_PAUSE
        assert not run_turn()
        with (
            pytest.raises(request_slots.NoFreeSlot),
            request_slots.hold_slots(connection_id=connection.id, want=1, most=4, is_person=True),
        ):
            pass

        let_pass()
        for _ in range(5):
            run_turn()
        assert Message.objects.count() == 3
