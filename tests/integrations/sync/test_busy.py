"""No parser process is free: nobody's fault, tried again later, and seen if it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations.calendar.sync import LIST_RESOURCE, get_calendar_work_resource
from integrations.connections import status_messages
from integrations.models import IntegrationStatus, SetAside, StatusReason, SyncWork
from integrations.operations.alarm_guide import NEXT_STEPS
from integrations.parsers.parser_pool import ParsersBusy
from tests.integrations import calendar_house
from tests.integrations.calendar.conftest import account
from tests.integrations.pages import reading
from tests.walls import acting_as

__all__ = ["account"]

pytestmark = [pytest.mark.invariant(8, 10, 13)]

BUSY = (IntegrationStatus.DEGRADED, StatusReason.BUSY)
ACTIVE = (IntegrationStatus.ACTIVE, StatusReason.NONE)
UP_TO_DATE = "Up to date."


def read_card(house) -> str:
    browser = Client()
    browser.force_login(house.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    with acting_as(ProcessClass.WEB):
        (card,) = reading.cards(browser.get("/settings/integrations/").text)
    return reading.text(card)


@pytest.fixture
def synced(alice, mailbox):
    mailbox.deliver()
    alice.settle()
    return alice


@pytest.fixture
def busy(synced, mailbox):
    """Her mailbox with news that no process is free to read."""
    for _ in range(3):
        mailbox.deliver()
    mailbox.failing["fetch"] = ParsersBusy()
    return synced


class TestBusyMailbox:
    @pytest.mark.claim("status.up-to-date")
    def test_backs_off_and_says_no_longer_that_it_is_up_to_date(self, busy):
        assert busy.run() is False

        assert busy.status == ACTIVE
        assert (busy.work.failure_count, busy.work.crash_count) == (1, 0)
        assert busy.work.next_sync_at > busy.at
        assert UP_TO_DATE not in read_card(busy)
        assert not Alarm.objects.exists()

    def test_is_shown_and_an_alarm_after_a_quarter_of_an_hour(self, busy, mailbox):
        for minutes in (0, 10, 20, 30):
            busy.at = SyncWork.objects.get().failing_since or busy.at
            busy.at += timedelta(minutes=minutes)
            busy.run(travelled=True)

        assert busy.status == BUSY
        # One a day: it may be midnight meanwhile.
        assert set(Alarm.objects.values_list("kind", flat=True)) == {"parsers.busy"}
        assert "parsers.busy" in NEXT_STEPS
        assert str(status_messages.REASON[StatusReason.BUSY]) in read_card(busy)

    def test_loses_nothing_and_recovers(self, busy, mailbox):
        busy.run()
        mailbox.failing.clear()

        busy.settle()

        assert (busy.messages.count(), busy.status) == (4, ACTIVE)
        assert not SetAside.objects.exists()
        assert busy.work.failure_count == 0


class TestBusyCalendar:
    @pytest.mark.parametrize("where", ["list", "copy"])
    def test_backs_off_is_shown_and_recovers(self, db, account, where):
        house = calendar_house.calendar_house(at=calendar_house.NOW)
        account.put(calendar_house.meeting(calendar_house.moment(2)))
        house.sync()
        resource = (
            LIST_RESOURCE if where == "list" else get_calendar_work_resource(house.primary.id)
        )
        works = SyncWork.objects.filter(resource=resource)
        for minutes in (1, 20):
            account.refusals = [ParsersBusy()]
            house.run(resource, at=house.at + timedelta(minutes=minutes))

        work = works.get()
        assert (work.failure_count, work.crash_count) == (2, 0)
        assert house.status == BUSY
        assert Alarm.objects.filter(kind="parsers.busy").count() == 1

        account.refusals = []
        house.run(resource, at=house.at + timedelta(minutes=40))
        assert (house.status, works.get().failure_count) == (ACTIVE, 0)

    @pytest.mark.parametrize("where", ["list", "copy"])
    def test_that_crashes_three_times_is_a_state_and_an_alarm(self, db, account, where):
        house = calendar_house.calendar_house(at=calendar_house.NOW)
        house.sync()
        resource = (
            LIST_RESOURCE if where == "list" else get_calendar_work_resource(house.primary.id)
        )
        for minutes in (1, 2, 3):
            account.refusals = [RuntimeError("a bug")]
            with pytest.raises(RuntimeError):
                house.run(resource, at=house.at + timedelta(minutes=minutes))

        assert house.status == (IntegrationStatus.DEGRADED, StatusReason.UNEXPECTED)
        assert Alarm.objects.filter(kind="sync.crashing").count() == 1
