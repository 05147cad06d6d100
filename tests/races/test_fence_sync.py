"""A disconnect against a sync that is under way: nothing is written after the fence."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import purge
from integrations.coordination.leases import NotClaimable
from integrations.models import (
    Integration,
    Message,
    MessageBody,
    PurgeTrigger,
    SyncWork,
    Thread,
)
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.sync.conftest import keyring
from tests.walls import acting_as

__all__ = ["keyring"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.invariant(5)]

CALLS = ("profile", "list_page", "fetch", "changes")


@pytest.fixture
def mailbox(monkeypatch):
    box = houses.provided(monkeypatch, FakeMailbox())
    for _ in range(3):
        box.deliver()
    return box


@pytest.fixture
def alice(transactional_db, mailbox):
    return houses.household()


def disconnect(house) -> None:
    # As the page does, in a process of its own: a worker that syncs ends nothing.
    with acting_as(ProcessClass.WEB, house), transaction.atomic(durable=True):
        integration = Integration.objects.select_for_update().get(id=house.integration.id)
        purge.open_purge_job(integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now())


class At(list):
    """The world's list of calls, which disconnects when it hears the name it waits for."""

    def __init__(self, name, house):
        super().__init__()
        self.name, self.house = name, house

    def append(self, name):
        super().append(name)
        if name == self.name and self.house is not None:
            house, self.house = self.house, None
            disconnect(house)


class TestADisconnectDuringARun:
    @pytest.mark.scenario("X8")
    @pytest.mark.parametrize("name", CALLS[:2])
    def test_lets_nothing_be_written_from_a_first_sync(self, alice, mailbox, name):
        mailbox.calls = At(name, alice)

        alice.run()

        assert alice.messages.count() == 0
        assert MessageBody.objects.count() == Thread.objects.count() == 0

    @pytest.mark.scenario("X8")
    def test_lets_nothing_be_written_from_a_fetch(self, alice, mailbox, settings):
        # One call at a time, in a thread of its own, which ends with the connection it used.
        settings.GMAIL_CONCURRENCY = 1
        from django.db import connections

        class AtFetch(At):
            def append(self, name):
                super().append(name)
                if name == "fetch":
                    connections.close_all()

        mailbox.calls = AtFetch("fetch", alice)

        alice.run()

        assert Message.objects.count() == 0

    @pytest.mark.scenario("X8")
    def test_lets_nothing_be_written_from_a_delta(self, alice, mailbox):
        alice.settle()
        cursor = bytes(SyncWork.objects.values_list("cursor", flat=True).get())
        mailbox.deliver()
        mailbox.calls = At("changes", alice)

        alice.run()

        assert Message.objects.count() == 3
        assert bytes(SyncWork.objects.values_list("cursor", flat=True).get()) == cursor

    def test_leaves_a_row_that_nobody_claims_again(self, alice, mailbox):
        disconnect(alice)

        with pytest.raises(NotClaimable):
            alice.run()
