"""Messages that the provider does not deliver just now: they are late, not unreadable."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from integrations.connections import status_messages
from integrations.mail.sync import mail_quarantine
from integrations.models import IntegrationStatus, QuotaBucket, SetAside, StatusReason, SyncWork
from integrations.providers import errors
from integrations.sync import work_leases
from tests.fakes.mail import KilledDuringFetch
from tests.integrations.pages import reading

ACTIVE = (IntegrationStatus.ACTIVE, StatusReason.NONE)
ASIDE = (IntegrationStatus.DEGRADED, StatusReason.QUARANTINED_ITEMS)
SETTINGS = "/settings/integrations/"
TRANSIENT = {
    "a part of a batch is missing": lambda: errors.Unavailable("no part", status=200),
    "bad gateway": lambda: errors.Unavailable("bad gateway", status=502),
    "no answer": lambda: errors.Unavailable("no answer"),
}


def fail(mailbox, message_id: str, make) -> None:
    """Have the provider not deliver a message from now on."""

    def raise_error(_):
        raise make()

    mailbox.twisted[message_id] = raise_error


def travel(house) -> float:
    """Let a worker have the next turn when it is due; return after how many seconds that was."""
    before = house.at
    house.at = house.work.next_sync_at
    house.run(travelled=True)
    return (house.at - before).total_seconds()


@pytest.fixture
def late(alice, mailbox):
    """Return the id of the one of four messages that the provider does not deliver at first."""
    ids = [mailbox.deliver() for _ in range(4)]
    fail(mailbox, ids[1], TRANSIENT["bad gateway"])
    alice.settle()
    return ids[1]


@pytest.fixture
def client(alice):
    client = Client()
    client.force_login(alice.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


@pytest.mark.scenario("S2")
class TestAMessageThatIsNotDelivered:
    @pytest.mark.parametrize("case", TRANSIENT)
    def test_arrives_at_the_next_try_within_half_a_minute(self, alice, mailbox, case):
        ids = [mailbox.deliver() for _ in range(4)]
        fail(mailbox, ids[2], TRANSIENT[case])
        alice.settle()
        assert (alice.messages.count(), alice.status) == (3, ACTIVE)

        mailbox.twisted.clear()
        waited = travel(alice)

        assert waited <= 30
        assert (alice.messages.count(), alice.status) == (4, ACTIVE)
        assert not SetAside.objects.exists()

    def test_is_late_and_not_unreadable_on_the_pages_and_in_the_api(self, alice, late, client):
        (card,) = reading.cards(client.get(SETTINGS).text)
        details = reading.text(
            client.get(reverse("settings-details", args=[alice.integration.id])).text
        )
        (connection,) = client.get("/v1/users/me/connections").json()["data"]

        shown = reading.text(card)
        assert str(status_messages.STATUS[IntegrationStatus.DEGRADED].label) not in shown
        # Nothing claims that all is here.
        assert str(status_messages.STATUS[IntegrationStatus.ACTIVE].says) not in shown
        assert str(status_messages.NOT_COMPLETE.says) in shown
        assert "Google has not delivered 1 message yet. Next try:" in shown
        assert "Not delivered yet" in details
        assert "1, next try" in details
        assert "Messages that could not be read None." in details
        sync = connection["integrations"][0]["sync"]
        assert (sync["delayed_count"], sync["set_aside_count"]) == (1, 0)

    def test_is_up_to_date_once_it_came(self, alice, mailbox, late, client):
        mailbox.twisted.clear()
        # As if the time of the next try had come.
        SetAside.objects.update(next_try_at=alice.at)
        alice.settle()

        (card,) = reading.cards(client.get(SETTINGS).text)

        assert str(status_messages.STATUS[IntegrationStatus.ACTIVE].says) in reading.text(card)
        assert len(client.get("/v1/users/me/messages").json()["data"]) == 4

    def test_is_tried_after_growing_pauses_for_an_hour_and_then_daily(self, alice, mailbox, late):
        began, tries = alice.at, []
        mailbox.calls.clear()
        while SetAside.objects.get().reason == mail_quarantine.DELAYED:
            due = SetAside.objects.get().next_try_at
            assert len(tries) < 20
            tries.append((due - alice.at).total_seconds())
            while alice.work.next_sync_at < due:
                travel(alice)
            travel(alice)
            assert alice.status == (ACTIVE if SetAside.objects.get().next_try_at else ASIDE)

        assert len(tries) <= 12
        # Ten seconds from the failed fetch, which comes a little after the turn's time.
        assert tries[0] < 11
        assert all(earlier < later for earlier, later in pairwise(tries[:6]))
        assert timedelta(minutes=50) < alice.at - began < timedelta(minutes=75)
        assert SetAside.objects.get().reason == "unavailable"
        asked = mailbox.calls.count("fetch")
        for _ in range(5):
            travel(alice)
        assert mailbox.calls.count("fetch") == asked
        SyncWork.objects.update(reconcile_at=alice.at)
        mailbox.twisted.clear()
        while alice.run(travelled=True) or SetAside.objects.exists():
            alice.at += timedelta(seconds=1)
        assert (alice.messages.count(), alice.status) == (4, ACTIVE)

    def test_is_tried_again_if_a_worker_dies_meanwhile(self, alice, mailbox, late):
        due = SetAside.objects.get().next_try_at

        def kill(_):
            raise KilledDuringFetch

        mailbox.twisted[late] = kill
        alice.at = due
        with pytest.raises(KilledDuringFetch):
            alice.run(travelled=True)
        assert SetAside.objects.get().next_try_at == due
        mailbox.twisted.clear()
        alice.at = alice.work.lease_until
        assert alice.work.id in work_leases.get_due_ids(at=alice.at)
        alice.run(travelled=True)

        assert alice.messages.count() == 4
        assert not SetAside.objects.exists()

    def test_stops_neither_news_nor_others_that_are_late(self, alice, mailbox, late):
        other = mailbox.deliver()
        news = mailbox.deliver()
        fail(mailbox, other, TRANSIENT["no answer"])
        alice.settle()
        del mailbox.twisted[other]
        SetAside.objects.update(next_try_at=alice.at)

        alice.run(travelled=True)

        assert news
        assert alice.messages.count() == 5
        assert SetAside.objects.get().try_count == 2
        assert alice.work.failure_count == 0

    def test_waits_with_the_mailbox_that_is_told_to_slow_down(self, alice, mailbox, late):
        fail(mailbox, late, lambda: errors.RateLimited("slow down", status=429, retry_after=90))
        travel(alice)

        assert SetAside.objects.get().reason == mail_quarantine.DELAYED
        assert QuotaBucket.objects.get().parked_until is not None
        assert alice.status == ACTIVE

    def test_in_the_first_sync_is_tried_before_that_is_over(self, alice, mailbox):
        mailbox.page_size = 2
        ids = [mailbox.deliver() for _ in range(6)]
        fail(mailbox, ids[-1], TRANSIENT["bad gateway"])
        alice.run(time_budget=timedelta(0))
        alice.settle()
        SyncWork.objects.update(stage="snapshot", position=None, round=2)
        mailbox.twisted.clear()
        SetAside.objects.update(next_try_at=alice.at)
        mailbox.failing["list_page"] = errors.Unavailable("down")

        alice.run()

        assert alice.messages.count() == 6

    def test_by_hand_is_tried_at_once(self, alice, mailbox, late, client):
        mailbox.twisted.clear()

        client.post(reverse("settings-retry", args=[alice.integration.id]))
        alice.run()

        assert alice.messages.count() == 4


class TestAnAnswerThatNobodyForesaw:
    def test_is_set_aside_at_once(self, alice, mailbox):
        ids = [mailbox.deliver() for _ in range(2)]
        fail(mailbox, ids[0], lambda: errors.Unexpected("what?", status=418))

        alice.settle()

        assert SetAside.objects.get().reason == "unexpected"
        assert alice.status == ASIDE
