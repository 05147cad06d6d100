"""Which tables and functions a page asks the database for, in order: each has its reason."""

from __future__ import annotations

import re
from typing import Final

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from limited_use.agreements import consents, shares
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from tests.factories import actor_for
from tests.fakes.calendars import FakeCalendars
from tests.fakes.mail import FakeMailbox
from tests.integrations import calendar_house, household
from tests.integrations.calendar import local_house
from tests.integrations.calendar_house import NOW, meeting, moment
from tests.integrations.household import person

pytestmark = pytest.mark.django_db
#: Asked by every request, to find out who asks; `tests.api` and `tests.accounts` say how often.
WHO_ASKS: Final = ("accounts_", "count_rate", "find_web_session")
#: Unread notices, in the head of every page.
BELL: Final = "integrations_ownernotice"
_SOURCE: Final = re.compile(r'(?:FROM|INTO|UPDATE) "?(\w+)')


def browser_of(user) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def sources_of(client, path: str) -> list[str]:
    """Return the first table or function of each statement but those that find out who asks."""
    with time_machine.travel(timezone.now(), tick=False):
        # The first request of a day, or of five minutes, writes that there was one.
        assert client.get(path).status_code == 200
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
    found = (_SOURCE.search(one["sql"]) for one in captured)
    return [one[1] for one in found if one is not None and not one[1].startswith(WHO_ASKS)]


class TestTheInboxPage:
    def test_reads_mailboxes_threads_and_keys_once_and_records_the_use(self, monkeypatch):
        mailbox = household.provided(monkeypatch, FakeMailbox())
        alice = household.household()
        for hour in range(3):
            mailbox.deliver(at=NOW, thread=f"thread-{hour}", label_ids=("INBOX", "Label_1"))
        alice.settle()

        assert sources_of(browser_of(alice.user), "/inbox/") == [
            "integrations_integration",
            "integrations_thread",
            "limited_use_leaf",
            # The link to the outbox.
            "integrations_outboxcommand",
            "integrations_draftproposal",
            "vault_person_read_account",
            BELL,
        ]


class TestTheCalendarPage:
    @pytest.fixture
    def alice(self, monkeypatch):
        """Alice has calendars of an account and one that is stored only in Antares."""
        account = calendar_house.provided(monkeypatch, FakeCalendars("alice@gmail.example"))
        alice = calendar_house.calendar_house(at=NOW)
        account.add("side")
        account.put(meeting(moment(1)))
        alice.sync()
        local_house.create_local_calendar(alice.actor)
        return alice

    @pytest.mark.parametrize("view", ["month", "week", "day", "agenda"])
    def test_finds_facts_of_all_calendars_at_once(self, alice, view):
        assert sources_of(browser_of(alice.user), f"/calendar/?view={view}") == [
            "integrations_calendar",
            "limited_use_share",
            "integrations_event",
            "integrations_integration",
            "limited_use_leaf",
            "vault_person_read_account",
            BELL,
        ]

    def test_reads_what_others_share_in_four_more(self, alice):
        bob, *_ = person("bob", alice.organisation, at=NOW)
        local_house.create_local_calendar(actor_for(bob, alice.organisation))
        whose = {"person_id": alice.user.id, "organisation_id": alice.organisation.id}
        with transaction.atomic():
            version = FEATURES["calendar-sharing"].version
            consents.give(**whose, feature="calendar-sharing", version=version, at=NOW)
            for calendar in alice.calendars:
                shares.give(
                    **whose, viewer_id=bob.id, item=calendar.id, level=ShareLevel.DETAILS, at=NOW
                )

        assert sources_of(browser_of(bob), "/calendar/?view=week") == [
            "integrations_calendar",
            "limited_use_share",
            "integrations_calendar",
            "integrations_event",
            "integrations_integration",
            "limited_use_share",
            "limited_use_leaf",
            "share_partners",
            "vault_person_read_account",
            BELL,
        ]
