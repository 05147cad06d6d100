"""Events of calendars that live here, written by hand: the same operations as at a provider."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from django.db import connection

from accounts import row_owner
from config.process_classes import ProcessClass
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.calendar import etags, event_lookup, local_calendars, local_events
from integrations.calendar.etags import EventStale
from integrations.calendar.events import event_access, event_service
from integrations.calendar.events.event_drafts import DraftGuest, EventDraft
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.events.write_errors import (
    EventKeyReused,
    NoSuchOccurrence,
    NotInvitedToEvent,
)
from integrations.formats.event_content import Attendee, When
from integrations.models import Calendar, Event
from limited_use.models import Leaf
from limited_use.vault.envelope import Damaged
from tests.integrations.calendar import local_house as house
from tests.integrations.calendar.local_house import (
    BERLIN,
    create_local_calendar,
    event,
    make_local_input,
    titles,
    utc,
)
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW
from tests.integrations.household import person
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9")]
JUNE = utc(1, 0), utc(30, 0)
DAILY = ("RRULE:FREQ=DAILY;COUNT=6",)


@pytest.fixture
def alice(keyring, db):
    actor = actor_of(*person("alice", at=NOW))
    with row_owner.acting_for(actor.user_id, actor.organisation_id):
        yield actor


@pytest.fixture
def home(alice):
    return create_local_calendar(alice)


@pytest.fixture
def asked(alice):
    return RequestContext(alice, alice.user_id, NOW)


@pytest.fixture
def series(alice, home):
    house.write_events(
        alice, home, make_local_input("a@x", event("Daily", utc(3), recurrence=DAILY))
    )


@pytest.fixture
def review(alice, home):
    house.write_events(
        alice, home, make_local_input("a@x", event("Review", utc(3), location="Room 9"))
    )


def draft(title="Review", day=3, **more):
    times = {"start": make_when(day), "end": make_when(day, 10)}
    return EventDraft(title=title, **(times | more))


def make_when(day: int, hour: int = 9) -> When:
    return When(at=utc(day, hour), zone=BERLIN)


def list_shown_events(alice) -> list[dict]:
    return house.list_shown_events(alice, *JUNE)


def days(alice) -> list[str]:
    return [f"{when[:2]} {title}" for when, title in titles(alice, *JUNE)]


def act_on_event(what, asked, one, *given, **more):
    with acting_as(ProcessClass.WEB):
        return what(asked, event_lookup.parse_event_id(one["id"]), *given, **more)


def change_event(asked, one, edit, **more):
    return act_on_event(event_service.change, asked, one, edit, **{"etag": one["etag"], **more})


def series_of(asked, one) -> dict:
    with acting_as(ProcessClass.WEB):
        return orjson.loads(
            event_lookup.get_event_json(asked, event_lookup.parse_event_id(one["master_event_id"]))
        )


def move(asked, one, *, to):
    return act_on_event(event_service.move, asked, one, to=to, etag=one["etag"])


def delete_event(asked, one, **more):
    return act_on_event(event_service.delete, asked, one, **{"etag": one["etag"], **more})


def create_event(asked, calendar_id, made, key="key-1"):
    with acting_as(ProcessClass.WEB):
        seen = event_access.find_writable_calendar(asked, calendar_id)
        return event_service.create(asked, seen, made, key=key)


class TestNewLocalEvent:
    @pytest.mark.scenario("C3")
    def test_is_there_once_however_often_it_is_sent(self, alice, asked, home):
        first, second = (create_event(asked, home, draft()) for _ in range(2))

        assert first == second
        assert days(alice) == ["03 Review"]
        assert str(Event.objects.get().id) == first.event_id

    def test_under_the_key_of_another_is_none(self, asked, home):
        create_event(asked, home, draft())

        with pytest.raises(EventKeyReused):
            create_event(asked, home, draft("Another"))

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"attendees": (DraftGuest("bob@example.com"),)}, "attendees"),
            ({"end": make_when(2)}, "end"),
            ({"recurrence": ("RRULE:FREQ=NEVER",)}, "recurrence"),
        ],
    )
    def test_that_cannot_be_one_is_told_by_field(self, asked, home, more, field):
        with pytest.raises(BadEventDraft) as told:
            create_event(asked, home, draft(**more))

        assert set(told.value.fields) == {field}
        assert not Event.objects.exists()

    def test_in_a_calendar_of_somebody_else_is_none(self, asked, home):
        mallory = actor_of(*person("mallory", at=NOW))

        with pytest.raises(ObjectNotFound):
            create_event(RequestContext(mallory, mallory.user_id, NOW), home, draft())

    @pytest.mark.invariant(3)
    def test_stands_in_the_ledger_without_a_word_of_it(self, asked, home):
        before = set(Leaf.objects.values_list("id", flat=True))

        create_event(asked, home, draft("Dentist"))

        said = [bytes(one.payload) for one in Leaf.objects.exclude(id__in=before)]
        assert {orjson.loads(one)["recipient"] for one in said} == {"vault"}
        assert not any(b"Dentist" in one for one in said)


@pytest.mark.usefixtures("review")
class TestLocalChange:
    def test_is_seen_at_once_and_is_another_version(self, alice, asked):
        [one] = list_shown_events(alice)

        written = change_event(asked, one, {"title": "Retro"})

        [now] = list_shown_events(alice)
        assert (now["title"], now["location"], now["id"]) == ("Retro", "Room 9", written.event_id)
        assert now["etag"] != one["etag"]

    def test_keeps_what_was_changed_meanwhile_and_tells_of_the_same(self, alice, asked):
        [one] = list_shown_events(alice)
        change_event(asked, one, {"location": "Room 1"})

        change_event(asked, one, {"title": "Retro"})
        with pytest.raises(EventStale) as told:
            change_event(asked, one, {"location": "Room 2"})

        assert told.value.fields == ("location",)
        assert told.value.__traceback__.tb_next is not None
        assert [one["location"] for one in list_shown_events(alice)] == ["Room 1"]

    def test_overtaken_while_it_is_made_is_made_anew(self, alice, asked, home, monkeypatch):
        [one] = list_shown_events(alice)
        prepare, overtaken = local_events.prepare_write, []

        def prepare_slowly(place, write):
            done = prepare(place, write)
            if not overtaken:
                overtaken.append(True)
                change_event(asked, one, {"location": "Room 1"})
            return done

        monkeypatch.setattr(local_events, "prepare_write", prepare_slowly)
        change_event(asked, one, {"title": "Retro"})

        [now] = list_shown_events(alice)
        assert (now["title"], now["location"]) == ("Retro", "Room 1")

    @pytest.mark.parametrize("etag", ["0" * 88, "", "x"])
    def test_of_no_version_is_none(self, alice, asked, etag):
        [one] = list_shown_events(alice)

        with pytest.raises((EventStale, etags.VersionMalformed)):
            change_event(asked, one, {"title": "Retro"}, etag=etag)

        assert days(alice) == ["03 Review"]

    def test_that_makes_it_repeat_does(self, alice, asked):
        [one] = list_shown_events(alice)

        change_event(asked, one, {"recurrence": ("RRULE:FREQ=DAILY;COUNT=2",)})

        assert days(alice) == ["03 Review", "04 Review"]

    def test_that_invites_somebody_is_refused_at_their_field(self, alice, asked):
        [one] = list_shown_events(alice)

        with pytest.raises(BadEventDraft) as told:
            change_event(asked, one, {"attendees": (DraftGuest("bob@example.com"),)})

        assert set(told.value.fields) == {"attendees"}

    def test_by_somebody_else_is_of_nothing(self, alice):
        [one] = list_shown_events(alice)
        mallory = actor_of(*person("mallory", at=NOW))

        with pytest.raises(ObjectNotFound):
            change_event(RequestContext(mallory, mallory.user_id, NOW), one, {"title": "Mine"})

    @pytest.mark.invariant(2)
    def test_of_what_does_not_open_loses_nothing(self, alice, asked):
        [one] = list_shown_events(alice)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE integrations_event SET content = content || '\\x00'")
        before = Event.objects.values("timing", "seen_round").get()

        with pytest.raises(Damaged):
            change_event(asked, one, {"title": "Retro"})

        assert Event.objects.values("timing", "seen_round").get() == before

    def test_of_an_event_from_a_file_keeps_who_is_named_in_it(self, alice, asked, home):
        guests = (Attendee("bob@example.com", "Bob", "accepted"),)
        content = event("Party", utc(5), attendees=guests)
        house.write_events(
            alice, home, make_local_input("b@x", content, organizer="carol@example.com")
        )
        one = list_shown_events(alice)[1]

        change_event(asked, one, {"title": "Feast"})

        now = list_shown_events(alice)[1]
        assert (now["title"], now["organizer"]) == ("Feast", "carol@example.com")
        assert [(who["email"], who["status"]) for who in now["participants"]] == [
            ("bob@example.com", "accepted")
        ]

    def test_is_no_answer_to_an_invitation(self, alice, asked):
        [one] = list_shown_events(alice)

        with pytest.raises(NotInvitedToEvent):
            act_on_event(event_service.respond, asked, one, "accepted", etag=one["etag"])


@pytest.mark.usefixtures("series")
@pytest.mark.scenario("C6")
class TestLocalSeriesWrite:
    def test_changes_in_one_place_and_back(self, alice, asked):
        change_event(asked, list_shown_events(alice)[1], {"title": "Once"})
        change_event(asked, list_shown_events(alice)[1], {"location": "Room 1"})

        once = list_shown_events(alice)[1]
        assert (once["title"], once["location"], once["is_changed"]) == ("Once", "Room 1", True)
        assert days(alice).count("04 Once") == 1
        assert len(days(alice)) == 6

    def test_changes_in_all_and_in_the_one_that_was_edited(self, alice, asked):
        change_event(asked, list_shown_events(alice)[1], {"title": "Once"})
        change_event(asked, list_shown_events(alice)[3], {"title": "Twice"})

        change_event(asked, list_shown_events(alice)[1], {"title": "Every"}, scope="all")

        assert [one[3:] for one in days(alice)] == ["Every"] * 3 + ["Twice"] + ["Every"] * 2

    def test_moves_as_a_whole_with_what_was_changed_and_cancelled(self, alice, asked):
        change_event(asked, list_shown_events(alice)[0], {"title": "First"})
        delete_event(asked, list_shown_events(alice)[1])

        change_event(asked, list_shown_events(alice)[1], {"start": make_when(5, 11)}, scope="all")

        assert [one["when"]["start"][8:13] for one in list_shown_events(alice)][1:] == [
            f"{day:02}T11" for day in (5, 6, 7, 8)
        ]
        assert days(alice)[0] == "03 First"

    def test_changes_from_one_on_and_once_however_often_that_is_asked(self, alice, asked):
        third = list_shown_events(alice)[2]

        first = change_event(asked, third, {"title": "New"}, scope="following")
        again = change_event(asked, third, {"title": "New"}, scope="following")

        assert [one[3:] for one in days(alice)] == ["Daily"] * 2 + ["New"] * 4
        assert first == again
        assert first.event_id != list_shown_events(alice)[0]["master_event_id"]

    def test_changes_from_its_first_on_as_a_whole(self, alice, asked):
        change_event(
            asked, list_shown_events(alice)[0], {"start": make_when(3, 12)}, scope="following"
        )

        assert {one["when"]["start"][11:13] for one in list_shown_events(alice)} == {"12"}
        assert Event.objects.count() == 1

    def test_changes_by_its_own_name_and_drops_what_no_longer_fits(self, alice, asked):
        change_event(asked, list_shown_events(alice)[1], {"title": "Once"})
        one = list_shown_events(alice)[0]
        with acting_as(ProcessClass.WEB):
            body = event_lookup.get_event_json(
                asked, event_lookup.parse_event_id(one["master_event_id"])
            )
        whole = orjson.loads(body)

        change_event(asked, whole, {"recurrence": ("RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3",)})

        assert days(alice) == ["03 Daily", "05 Daily", "07 Daily"]
        assert Event.objects.count() == 1

    def test_is_not_repeated_by_one_of_it(self, alice, asked):
        with pytest.raises(BadEventDraft) as told:
            change_event(asked, list_shown_events(alice)[1], {"recurrence": DAILY})

        assert set(told.value.fields) == {"recurrence"}

    @pytest.mark.scenario("D4")
    @pytest.mark.parametrize(("scope", "left"), [("this", 5), ("following", 2), ("all", 0)])
    def test_ends_as_was_chosen_and_once(self, alice, asked, scope, left):
        change_event(asked, list_shown_events(alice)[4], {"title": "Once"})
        third = list_shown_events(alice)[2]

        delete_event(asked, third, scope=scope)

        assert len(list_shown_events(alice)) == left
        assert "05 Daily" not in days(alice)
        if left:
            # What is gone is no error, and not there to be changed.
            delete_event(asked, third, scope=scope)
            with pytest.raises(NoSuchOccurrence):
                change_event(asked, third, {"title": "Back"})
            assert len(list_shown_events(alice)) == left
        else:
            assert not Event.objects.exists()

    def test_of_another_version_is_not_deleted(self, alice, asked):
        second = list_shown_events(alice)[1]
        change_event(asked, second, {"title": "Once"})

        with pytest.raises(EventStale):
            delete_event(asked, second)

        assert "04 Once" in days(alice)


class TestLocalMove:
    @pytest.fixture
    def club(self, alice, home):
        return create_local_calendar(alice, "Club")

    @pytest.mark.usefixtures("series")
    def test_takes_a_series_with_all_that_was_changed_in_it(self, alice, asked, home, club):
        change_event(asked, list_shown_events(alice)[1], {"title": "Once"})
        before = days(alice)

        moved = move(asked, series_of(asked, list_shown_events(alice)[0]), to=club)

        assert days(alice) == before
        assert {one["calendar_id"] for one in list_shown_events(alice)} == {str(club)}
        assert {one["master_event_id"] for one in list_shown_events(alice)} == {moved.event_id}
        assert not Event.objects.filter(calendar_id=home).exists()

    @pytest.mark.usefixtures("series")
    def test_of_one_of_a_series_is_refused(self, alice, asked, club):
        with pytest.raises(BadEventDraft) as told:
            move(asked, list_shown_events(alice)[1], to=club)

        assert set(told.value.fields) == {"calendar_id"}

    @pytest.mark.usefixtures("review")
    def test_to_where_it_is_or_where_a_file_brought_it_is_refused(self, alice, asked, home, club):
        [one] = list_shown_events(alice)
        house.write_events(alice, club, make_local_input("a@x", event("Review", utc(9))))

        for to in (home, club):
            with pytest.raises(BadEventDraft):
                move(asked, one, to=to)

        assert days(alice) == ["03 Review", "09 Review"]

    @pytest.mark.usefixtures("review")
    def test_of_another_version_leaves_it_where_it_is(self, alice, asked, home, club):
        [one] = list_shown_events(alice)
        change_event(asked, one, {"title": "Retro"})

        with pytest.raises(EventStale) as told:
            move(asked, one, to=club)

        assert told.value.fields == ("title",)
        assert [found["calendar_id"] for found in list_shown_events(alice)] == [str(home)]

    @pytest.mark.invariant(5)
    @pytest.mark.usefixtures("review")
    def test_to_what_is_removed_meanwhile_leaves_it_where_it_is(
        self, alice, asked, home, club, monkeypatch
    ):
        [one] = list_shown_events(alice)
        prepare = local_events.prepare_write

        def prepare_and_remove(place, write):
            done = prepare(place, write)
            if (held := Calendar.objects.filter(id=club).first()) is not None:
                at = NOW + timedelta(seconds=1)
                local_calendars.remove_local_calendar(
                    actor=alice, calendar_id=club, etag=held.version, at=at
                )
            return done

        monkeypatch.setattr(local_events, "prepare_write", prepare_and_remove)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever wall it meets first
            move(asked, one, to=club)

        assert type(caught.value).__name__ in {"KeyDestroyed", "ObjectNotFound", "SinkFailed"}
        assert days(alice) == ["03 Review"]
