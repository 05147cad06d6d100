"""A mailbox whose turns crash is a state that its owner and the operator see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations.connections import status_messages
from integrations.models import IntegrationStatus, StatusReason, SyncWork
from integrations.providers import errors
from integrations.sync import work_leases
from limited_use.models import DataKey
from limited_use.vault import data_keys
from tests.integrations.pages import reading
from tests.walls import acting_as

UP_TO_DATE = "Up to date."
DEGRADED = (IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED)
ACTIVE = (IntegrationStatus.ACTIVE, StatusReason.NONE)
LEASE = timedelta(seconds=60)


@pytest.fixture
def synced(alice, mailbox):
    mailbox.deliver()
    alice.settle()
    return alice


def crash(house, mailbox, times=1):
    for _ in range(times):
        mailbox.refusals = [RuntimeError("a bug")]
        with pytest.raises(RuntimeError):
            house.run()
    mailbox.refusals = []


def kill_worker(house):
    """Leave the row as a worker that was killed in the middle of its turn does."""
    work = house.work
    house.at = max(house.at, work.next_sync_at, work.lease_until or house.at)
    with acting_as(ProcessClass.SYNC):
        work_leases.claim(work_id=work.id, at=house.at, duration=LEASE)
    house.at += LEASE


def read_card(house):
    browser = Client()
    browser.force_login(house.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    with acting_as(ProcessClass.WEB):
        (card,) = reading.cards(browser.get("/settings/integrations/").text)
    return reading.text(card)


@pytest.mark.invariant(13)
@pytest.mark.claim("status.unexpected", "status.up-to-date")
class TestThreeCrashesInARow:
    def test_degrade_the_mailbox_and_raise_one_alarm(self, synced, mailbox):
        crash(synced, mailbox, times=4)

        assert synced.status == DEGRADED
        (alarm,) = Alarm.objects.filter(kind="sync.crashing")
        assert alarm.about == synced.integration.id
        assert alarm.body == {"work": str(synced.work.id), "crashes": 3}
        card = read_card(synced)
        assert str(status_messages.REASON[StatusReason.UNEXPECTED]) in card
        assert UP_TO_DATE not in card

    def test_of_workers_that_were_killed_count_as_well(self, synced, mailbox):
        for _ in range(3):
            kill_worker(synced)
        assert (synced.work.crash_count, synced.work.failing_since is None) == (2, False)
        mailbox.refusals = [errors.Unavailable("down")] * 10

        synced.run(travelled=True)

        assert Alarm.objects.get(kind="sync.crashing").body["crashes"] == 3
        assert synced.status == DEGRADED
        mailbox.refusals = []
        synced.at += timedelta(seconds=1)
        synced.run(travelled=True)
        assert (synced.status, synced.work.crash_count) == (ACTIVE, 0)

    def test_are_over_with_the_first_success(self, synced, mailbox):
        crash(synced, mailbox, times=3)

        synced.settle()

        assert (synced.status, synced.work.crash_count) == (ACTIVE, 0)
        assert UP_TO_DATE in read_card(synced)


@pytest.mark.invariant(13)
@pytest.mark.claim("status.up-to-date")
class TestOneCrash:
    def test_is_no_state_yet_but_nothing_says_that_all_is_well(self, synced, mailbox):
        assert UP_TO_DATE in read_card(synced)

        crash(synced, mailbox, times=2)

        assert (synced.status, synced.work.crash_count) == (ACTIVE, 2)
        assert not Alarm.objects.filter(kind="sync.crashing").exists()
        card = read_card(synced)
        assert "The last check failed." in card
        assert UP_TO_DATE not in card

    def test_is_not_in_a_row_with_one_before_the_provider_answered(self, synced, mailbox):
        crash(synced, mailbox, times=2)
        mailbox.refusals = [errors.Unavailable("down")] * 10
        synced.run()
        crash(synced, mailbox, times=2)

        assert (synced.status, synced.work.crash_count) == (ACTIVE, 2)


@pytest.mark.invariant(13)
@pytest.mark.claim("status.up-to-date")
class TestAMailboxThatIsNotChecked:
    def test_is_not_up_to_date_after_a_while(self, synced):
        SyncWork.objects.update(last_synced_at=synced.at - timedelta(hours=1))

        assert UP_TO_DATE not in read_card(synced)


@pytest.mark.invariant(13)
@pytest.mark.claim("status.unexpected", "status.up-to-date")
class TestCrashByDamagedKey:
    def test_is_shown_to_the_owner(self, synced):
        DataKey.objects.filter(holder=synced.integration.id).update(wrapped=b"\1" * 60)
        data_keys.drop_cached_keys()

        synced.run()

        assert synced.status == DEGRADED
        assert Alarm.objects.filter(kind="sync.damaged").exists()
        assert UP_TO_DATE not in read_card(synced)
