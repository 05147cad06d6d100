"""What every `CalendarAdapter` promises, whatever stands behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from integrations.formats.event_content import Conference, EventContent, Reminder, When
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance, RemoteEvent
from tests.contract.calendar_worlds import (
    ALICE,
    BOB,
    FakeCalendarWorld,
    GoogleCalendarWorld,
    GraphWorld,
    guest,
)

TEN = datetime(2026, 11, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = "Europe/Berlin"
WINDOW = (TEN - timedelta(days=180), TEN + timedelta(days=180))


REAL = {"google": GoogleCalendarWorld, "graph": GraphWorld}
#: Answers of success that say nothing, by a name.
UNREADABLE = {
    "list": "[]",
    "number": "1",
    "text": "not JSON",
    "deep": '{"a":' * 9_000 + "1" + "}" * 9_000,
}


@pytest.fixture(params=["fake", *REAL])
def world(request):
    if request.param == "fake":
        made = FakeCalendarWorld()
    else:
        made = REAL[request.param](request.getfixturevalue("sandbox"))
    yield made
    made.check()


@pytest.fixture(params=REAL)
def real(request):
    made = REAL[request.param](request.getfixturevalue("sandbox"))
    yield made
    made.check()


def content(title: str = "Review", start: datetime = TEN, **more) -> EventContent:
    return EventContent(
        title=title,
        start=When(at=start, zone=BERLIN),
        end=When(at=start + HOUR, zone=BERLIN),
        **more,
    )


def weekly(**more) -> EventContent:
    return content("Weekly", recurrence=("RRULE:FREQ=WEEKLY;COUNT=4",), **more)


def read_round(world, cursor=None, window=WINDOW):
    """All that a round brings, as one page."""
    events, cancelled, deleted, page = [], [], [], None
    while True:
        found = world.adapter.list_events(world.primary, cursor=cursor, page=page, window=window)
        events += found.events
        cancelled += found.cancelled
        deleted += found.deleted
        assert not found.rejected
        page = found.next_page
        if page is None:
            assert found.cursor
            return replace(
                found, events=tuple(events), cancelled=tuple(cancelled), deleted=tuple(deleted)
            )
        assert found.cursor is None


class TestCalendarListContract:
    def test_are_told_with_zone_and_role(self, world):
        other = world.add_calendar("Other")

        found = world.adapter.list_calendars()

        mine = next(one for one in found.calendars if one.is_primary)
        assert (mine.calendar_id, mine.zone, mine.role) == (world.primary, BERLIN, "owner")
        assert {one.calendar_id for one in found.calendars} == {world.primary, other}
        assert found.cursor


class TestEvents:
    def test_say_what_when_and_with_whom(self, world):
        world.put(
            content(
                description="<b>Bring</b> numbers",
                location="Room 5",
                attendees=(guest(BOB),),
                is_private=True,
                reminders=(Reminder(5),),
            )
        )

        [found] = read_round(world).events

        assert found.content.title == "Review"
        assert found.content.start == When(at=TEN, zone=BERLIN)
        assert found.content.end == When(at=TEN + HOUR, zone=BERLIN)
        assert (found.content.description, found.content.location) == (
            "<b>Bring</b> numbers",
            "Room 5",
        )
        assert [one.email for one in found.content.attendees] == [BOB]
        assert (found.content.is_private, found.content.reminders) == (True, (Reminder(5),))
        assert found.is_organizer

    @pytest.mark.scenario("C4")
    def test_of_days_stay_days_and_end_the_day_after(self, world):
        holiday = EventContent(
            title="Holiday", start=When(day=date(2026, 10, 25)), end=When(day=date(2026, 10, 26))
        )
        world.put(holiday)

        [found] = read_round(world).events

        assert found.content.start == When(day=date(2026, 10, 25))
        assert found.content.end == When(day=date(2026, 10, 26))

    def test_are_those_of_the_window(self, world):
        world.put(content("before", TEN - timedelta(days=90)))
        within = world.put(content("within"))
        world.put(content("after", TEN + timedelta(days=90)))
        window = (TEN - timedelta(days=30), TEN + timedelta(days=30))

        found = read_round(world, window=window)

        assert [one.event_id for one in found.events] == [within]

    def test_that_changed_are_told_since_the_cursor(self, world):
        kept, changed, gone = (world.put(content(name)) for name in ("kept", "changed", "gone"))
        cursor = read_round(world).cursor
        world.retitle(changed, "otherwise")
        world.delete(gone)
        added = world.put(content("added"))

        found = read_round(world, cursor)

        assert {one.event_id: one.content.title for one in found.events} == {
            changed: "otherwise",
            added: "added",
        }
        assert found.deleted == (gone,)
        assert kept not in {one.event_id for one in found.events}
        assert read_round(world, found.cursor).events == ()

    @pytest.mark.scenario("S2")
    def test_since_a_forgotten_cursor_are_not_to_be_had(self, world):
        cursor = read_round(world).cursor
        world.forget()

        with pytest.raises(errors.CursorExpired):
            world.adapter.list_events(world.primary, cursor=cursor)

    def test_of_no_calendar_are_gone(self, world):
        with pytest.raises(errors.Gone):
            world.adapter.list_events("nobody@example.com", window=WINDOW)


@pytest.mark.scenario("C6")
class TestSeries:
    def test_are_told_as_a_series_with_what_differs(self, world):
        series = world.put(weekly())
        cursor = read_round(world).cursor
        second, third = (
            world.adapter.get_instance_id(series, When(at=TEN + timedelta(weeks=weeks), zone="UTC"))
            for weeks in (1, 2)
        )
        later = TEN + timedelta(weeks=1, hours=5)
        instance = world.adapter.get_event(world.primary, second)
        assert isinstance(instance, RemoteEvent)
        world.adapter.update_event(
            world.primary, second, content("Later", later), etag=instance.etag, notify="none"
        )
        world.adapter.delete_event(world.primary, third, etag="*", notify="none")

        found = read_round(world, cursor)
        whole = read_round(world)

        # What is as it was may be told again.
        told = {one.event_id: one for one in found.events}
        assert told.keys() <= {series, second}
        moved, [cancelled] = told[second], found.cancelled
        assert (moved.series_id, moved.content.title) == (series, "Later")
        assert moved.original_start == When(at=TEN + timedelta(weeks=1), zone=BERLIN)
        assert moved.content.start.at == later
        assert isinstance(cancelled, CancelledInstance)
        assert cancelled.series_id == series
        assert cancelled.original_start == When(at=TEN + timedelta(weeks=2), zone=BERLIN)
        # A whole round tells both again: without them the series would show them.
        assert {one.event_id for one in whole.events} == {series, second}
        assert whole.cancelled == (cancelled,)

    def test_end_with_all_that_differs(self, world):
        series = world.put(weekly())
        second = world.adapter.get_instance_id(
            series, When(at=TEN + timedelta(weeks=1), zone="UTC")
        )
        world.adapter.delete_event(world.primary, second, etag="*", notify="none")
        cursor = read_round(world).cursor

        world.delete(series)

        assert series in read_round(world, cursor).deleted


class TestWriteContract:
    @pytest.mark.scenario("C3")
    def test_twice_under_one_id_is_told_and_changes_nothing(self, world):
        world.adapter.create_event(
            world.primary, content("one"), event_id="0123456789abcdef", notify="none"
        )

        with pytest.raises(errors.AlreadyThere):
            world.adapter.create_event(
                world.primary, content("two"), event_id="0123456789abcdef", notify="none"
            )
        [found] = read_round(world).events
        assert found.content.title == "one"

    @pytest.mark.invariant(9)
    def test_without_an_answer_says_so(self, world):
        world.lose_answer()

        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.create_event(
                world.primary, content(), event_id="0123456789abcdef", notify="none"
            )

    @pytest.mark.invariant(9)
    @pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
    def test_with_an_answer_that_cannot_be_read_leaves_it_open(self, real, body):
        real.sandbox.fail_next(method="POST", status=200, body=body)

        with pytest.raises(errors.OutcomeUnknown):
            real.adapter.create_event(
                real.primary, content(), event_id="0123456789abcdef", notify="none"
            )

    def test_brings_back_what_was_written(self, world):
        wanted = content(
            "New", description="text", location="here", attendees=(guest(BOB),), is_busy=False
        )

        made = world.adapter.create_event(
            world.primary, wanted, event_id="0123456789abcdef", notify="none"
        )
        read = world.adapter.get_event(world.primary, made.event_id)

        assert (read.content.title, read.content.is_busy) == ("New", False)
        assert read.etag == made.etag

    def test_changes_what_is_as_it_was(self, world):
        event_id = world.put(content())
        known = world.adapter.get_event(world.primary, event_id)

        world.adapter.update_event(
            world.primary, event_id, content("mine"), etag=known.etag, notify="none"
        )

        assert world.adapter.get_event(world.primary, event_id).content.title == "mine"

    def test_changes_nothing_that_changed_meanwhile(self, world):
        event_id = world.put(content())
        known = world.adapter.get_event(world.primary, event_id)
        world.retitle(event_id, "theirs")

        with pytest.raises(errors.ChangedMeanwhile):
            world.adapter.update_event(
                world.primary, event_id, content("mine"), etag=known.etag, notify="none"
            )
        with pytest.raises(errors.ChangedMeanwhile):
            world.adapter.delete_event(world.primary, event_id, etag=known.etag, notify="none")
        assert world.adapter.get_event(world.primary, event_id).content.title == "theirs"

    def test_deletes_once_and_minds_no_second_time(self, world):
        event_id = world.put(content())
        etag = world.adapter.get_event(world.primary, event_id).etag

        world.adapter.delete_event(world.primary, event_id, etag=etag, notify="none")
        world.adapter.delete_event(world.primary, event_id, etag=etag, notify="none")

        with pytest.raises(errors.Gone):
            world.adapter.get_event(world.primary, event_id)

    def test_moves_to_another_calendar(self, world):
        other = world.add_calendar("Other")
        event_id = world.put(content())

        etag = world.adapter.get_event(world.primary, event_id).etag
        world.retitle(event_id, "Retro")
        with pytest.raises(errors.ChangedMeanwhile):
            world.adapter.move_event(
                world.primary, event_id, target_calendar_id=other, etag=etag, notify="none"
            )
        etag = world.adapter.get_event(world.primary, event_id).etag
        moved = world.adapter.move_event(
            world.primary, event_id, target_calendar_id=other, etag=etag, notify="none"
        )

        assert world.adapter.get_event(other, moved.event_id).content.title == "Retro"
        with pytest.raises(errors.Gone):
            world.adapter.get_event(world.primary, event_id)

    @pytest.mark.scenario("C6")
    def test_moves_a_series_with_what_differs_and_tells_where_it_went(self, world):
        other = world.add_calendar("Other")
        series = world.put(weekly())
        second, third = (
            world.adapter.get_instance_id(series, When(at=TEN + timedelta(weeks=weeks), zone="UTC"))
            for weeks in (1, 2)
        )
        later = TEN + timedelta(weeks=1, hours=5)
        instance = world.adapter.get_event(world.primary, second)
        world.adapter.update_event(
            world.primary, second, content("Later", later), etag=instance.etag, notify="none"
        )
        world.adapter.delete_event(world.primary, third, etag="*", notify="none")
        etag = world.adapter.get_event(world.primary, series).etag

        with pytest.raises(errors.Gone):
            world.adapter.find_moved_event(other, series)
        moved = world.adapter.move_event(
            world.primary, series, target_calendar_id=other, etag=etag, notify="none"
        )

        assert world.adapter.find_moved_event(other, series).event_id == moved.event_id
        assert moved.content.recurrence
        found = world.adapter.list_exceptions(other, moved.ical_uid)
        changed = [one for one in found if isinstance(one, RemoteEvent)]
        cancelled = [one for one in found if isinstance(one, CancelledInstance)]
        assert [(one.content.title, one.content.start.at) for one in changed] == [("Later", later)]
        assert [one.original_start.at for one in cancelled] == [TEN + timedelta(weeks=2)]
        with pytest.raises(errors.Gone):
            world.adapter.get_event(world.primary, series)

    def test_begins_an_event_that_meets_where_another_does(self, request):
        google = GoogleCalendarWorld(request.getfixturevalue("sandbox"))
        video = {"entryPointType": "video", "uri": "https://meet.example/abc"}
        meets = {"conferenceId": "abc", "entryPoints": [video], "createRequest": {"requestId": "1"}}
        other = google.put(content())
        google.sandbox.put_event(ALICE, id=other, conferenceData=meets)

        made = google.adapter.create_event(
            ALICE, content(), event_id="0abc1", notify="none", conference_event_id=other
        )
        edit = replace(content("Retro"), reminders=(Reminder(5), Reminder(60, "email")))
        now = google.adapter.update_event(
            ALICE, made.event_id, edit, etag=made.etag, notify="none", before=content()
        )

        assert made.conference == now.conference == Conference("ready", video["uri"])
        assert now.content.reminders == edit.reminders
        google.check()

    def test_answers_for_its_own_person_alone(self, world):
        event_id = world.put(
            content(attendees=(guest(BOB), guest(ALICE, is_self=True))), organizer=BOB
        )
        etag = world.adapter.get_event(world.primary, event_id).etag

        found = world.adapter.respond_to_invitation(
            world.primary, event_id, "accepted", etag=etag, notify="none"
        )

        answers = {one.email: one.response for one in found.content.attendees}
        assert answers == {BOB: "needs_action", ALICE: "accepted"}

    def test_answers_no_invitation_that_there_was_not(self, world):
        event_id = world.put(content())
        etag = world.adapter.get_event(world.primary, event_id).etag

        with pytest.raises(errors.Rejected):
            world.adapter.respond_to_invitation(
                world.primary, event_id, "accepted", etag=etag, notify="none"
            )

    def test_is_refused_for_good_where_it_makes_no_sense(self, world):
        backwards = replace(content(), end=When(at=TEN - HOUR, zone=BERLIN))

        with pytest.raises(errors.Rejected):
            world.adapter.create_event(
                world.primary, backwards, event_id="0123456789abcdef", notify="none"
            )


class TestCalendarErrorContract:
    def test_tell_that_it_is_too_fast(self, world):
        world.limit_rate()

        with pytest.raises(errors.RateLimited):
            world.adapter.list_calendars()

    @pytest.mark.scenario("A5")
    def test_tell_a_scope_that_was_not_granted(self, world):
        with pytest.raises(errors.ScopeMissing):
            world.without_scope().list_calendars()

    def test_carry_no_response(self, world):
        with pytest.raises(errors.Gone) as caught:
            world.adapter.get_event(world.primary, "1234567890abcdef")

        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert "1234567890abcdef" not in repr(caught.value)
