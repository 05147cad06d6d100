"""A new event: at the provider once, here at once, and nothing where it may not be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.process_classes import ProcessClass
from integrations import providers
from integrations.calendar.events import event_access, event_service
from integrations.calendar.events.event_drafts import DraftGuest, EventDraft
from integrations.calendar.events.write_errors import GuestsAlwaysNotified
from integrations.formats.event_content import When
from integrations.providers.calendars import RemoteEvent
from tests.integrations.calendar_house import moment
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-6")]

BERLIN = "Europe/Berlin"


def draft(title="Review", *, at=None, hours=1, **more):
    at = at or moment(3)
    return EventDraft(
        title=title,
        start=When(at=at, zone=BERLIN),
        end=When(at=at.replace(hour=at.hour + hours), zone=BERLIN),
        **more,
    )


def create_event(asked, calendar, made, key="key-1", **more):
    with acting_as(ProcessClass.WEB):
        seen = event_access.find_writable_calendar(asked, calendar.id)
        return event_service.create(asked, seen, made, key=key, **more)


class TestWhereGuestsAreAlwaysTold:
    @pytest.fixture(autouse=True)
    def always(self, monkeypatch, account):
        google = replace(providers.PROVIDERS["google"], always_notifies_guests=True)
        monkeypatch.setitem(providers.PROVIDERS, "google", google)

    @pytest.mark.claim("write.guests-told", "form.guests-told")
    def test_nobody_is_told_whom_nobody_wanted_told(self, alice, asked, account):
        invited = draft(attendees=(DraftGuest("bob@example.com"),))

        with pytest.raises(GuestsAlwaysNotified):
            create_event(asked, alice.primary, invited)

        assert account.events[account.email] == {}

    def test_it_is_written_where_they_may_be_or_nobody_is_invited(self, alice, asked, account):
        create_event(
            asked, alice.primary, draft(attendees=(DraftGuest("bob@example.com"),)), notify="all"
        )
        create_event(asked, alice.primary, draft("Alone"), key="key-2")

        assert len(account.events[account.email]) == 2


class TestNewProviderEvent:
    def test_is_at_the_provider_and_here_at_once(self, alice, asked, account):
        guests = (DraftGuest("bob@example.com", "Bob"),)

        written = create_event(asked, alice.primary, draft(attendees=guests, location="Room 9"))

        [held] = account.events[account.email].values()
        assert isinstance(held, RemoteEvent)
        assert held.content.location == "Room 9"
        assert [one.email for one in held.content.attendees] == ["bob@example.com"]
        assert alice.titles() == ["Review"]
        assert str(alice.events.get().id) == written.event_id
