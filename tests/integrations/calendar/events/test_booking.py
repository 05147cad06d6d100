"""A time that has to be free when it is booked: looked at anew, and never guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from config.process_classes import ProcessClass
from integrations.calendar import refresh_on_read
from integrations.calendar.events import event_access, event_service
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.events.write_errors import EventSlotTaken
from integrations.calendar.sync import get_calendar_work_resource
from integrations.formats.event_content import When
from integrations.models import Calendar, Event, Reply, SyncWork
from integrations.providers import errors
from integrations.web.idempotency import idempotent
from tests.integrations.calendar import local_house
from tests.integrations.calendar.events.test_creating import create_event, draft
from tests.integrations.calendar.local_house import make_local_input
from tests.integrations.calendar_house import NOW, meeting, moment
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.scenario("C1")]
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def asked(asked):
    """A minute after what is here was brought in."""
    return replace(asked, at=LATER)


@pytest.fixture(autouse=True)
def worker(alice, monkeypatch):
    """Who waits meets what a worker brings in of the calendars that are due."""
    only = set()

    def refresh_calendars(found, since=None, **_):
        for one in found:
            work = SyncWork.objects.get(resource=get_calendar_work_resource(one.calendar.id))
            assert work.next_sync_at <= LATER
            if not only or one.calendar.id in only:
                while alice.run(get_calendar_work_resource(one.calendar.id), at=LATER):
                    pass

    monkeypatch.setattr(refresh_on_read, "wait_for_refresh", refresh_calendars)
    return only


def book(asked, alice, **more):
    more = {"require_free": [asked.user_id], **more}
    return create_event(asked, alice.primary, draft(**more.pop("draft", {})), **more)


def test_a_free_time_is_booked_and_once_however_often_it_is_sent(alice, asked, account):
    first, again = (book(asked, alice) for _ in range(2))

    assert first == again
    assert len(account.events[account.email]) == 1


def test_a_free_time_in_a_calendar_that_lives_here_is_booked_once(alice, asked):
    home = Calendar.objects.get(id=local_house.create_local_calendar(alice.actor))

    first, again = (
        create_event(asked, home, draft(), require_free=[asked.user_id]) for _ in range(2)
    )

    assert first == again
    assert str(Event.objects.get().id) == first.event_id


@pytest.mark.claim("write.not-free")
@pytest.mark.parametrize(
    ("more", "is_free"),
    [
        ({}, False),
        ({"is_tentative": True}, False),
        ({"is_busy": False}, True),
        ({"hours": 0.5, "at": moment(3, 10)}, True),
    ],
)
def test_what_came_in_between_the_look_and_the_booking_counts(alice, asked, account, more, is_free):
    account.put(meeting(more.pop("at", moment(3)), "Conflict", **more))
    before = account.version

    if is_free:
        assert book(asked, alice).event_id is not None
        return
    with pytest.raises(EventSlotTaken):
        book(asked, alice)

    assert account.version == before


def test_what_stands_in_a_calendar_that_lives_here_counts(alice, asked):
    home = local_house.create_local_calendar(alice.actor)
    local_house.write_events(
        alice.actor, home, make_local_input("a@x", meeting(moment(3), "Dentist"))
    )

    with pytest.raises(EventSlotTaken):
        book(asked, alice)


@pytest.mark.scenario("C8")
def test_a_calendar_of_which_nobody_can_tell_is_never_free(alice, asked, account, worker):
    account.add("team")
    alice.sync()
    worker.add(alice.primary.id)

    with pytest.raises(EventSlotTaken):
        book(asked, alice)

    worker.clear()
    assert book(asked, alice).event_id is not None


@pytest.mark.scenario("C8")
def test_somebody_who_shares_nothing_is_never_free(alice, asked):
    with pytest.raises(EventSlotTaken):
        book(asked, alice, require_free=[asked.user_id, uuid4()])


@pytest.mark.parametrize(
    "more",
    [
        {"recurrence": ("RRULE:FREQ=DAILY;COUNT=3",)},
        {"start": When(day=moment(3).date()), "end": When(day=moment(4).date())},
    ],
)
def test_of_days_or_a_series_that_is_not_promised(alice, asked, account, more):
    made = replace(draft(), **more)

    with pytest.raises(BadEventDraft) as told:
        create_event(asked, alice.primary, made, key="k", require_free=[asked.user_id])

    assert set(told.value.fields) == {"require_free"}
    assert not account.events[account.email]


@pytest.mark.invariant(9)
class TestAnEventThatAnEarlierTryWrote:
    """Its process ended before it wrote our row, and no worker brings the row in."""

    @pytest.fixture
    def written(self, alice, asked, monkeypatch):
        written = book(asked, alice)
        alice.events.all().delete()
        monkeypatch.setattr(refresh_on_read, "wait_for_refresh", lambda *_, **__: None)
        return written

    @pytest.fixture
    def again(self, asked, written):
        return replace(asked, at=LATER + timedelta(minutes=3))

    def test_is_found_at_the_provider_though_it_takes_the_time(self, alice, again, account):
        assert book(again, alice).event_id == str(alice.events.get().id)

        assert len(account.events[account.email]) == 1

    def test_and_was_deleted_since_does_not_take_the_time_away_again(self, alice, again, account):
        [name] = account.events[account.email]
        account.remove(name)

        with pytest.raises(EventSlotTaken):
            book(again, alice)

        assert account.events[account.email] == {name: None}

    def test_keeps_its_key_where_the_provider_cannot_tell(self, alice, again, account):
        @idempotent("create_event", undone=event_service.NOT_WRITTEN)
        def post(_, __, *, attempt):
            seen = event_access.find_writable_calendar(again, alice.primary.id)
            assert attempt.claim(again, seen.calendar.integration) is None
            return event_service.create(
                again, seen, draft(), key="key-1", require_free=[again.user_id]
            )

        def send_post():
            factory = APIRequestFactory(headers={"Idempotency-Key": "key-00000001"})
            with acting_as(ProcessClass.WEB):
                return post(None, Request(factory.post("/v1/users/me/events")))

        account.refusals.append(errors.Unavailable("down", status=503))
        with pytest.raises(errors.Unavailable):
            send_post()

        # Free for the same request alone.
        assert list(Reply.objects.values_list("status", "held_until")) == [(None, None)]
        assert send_post().event_id == str(alice.events.get().id)
        assert len(account.events[account.email]) == 1
