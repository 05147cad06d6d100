"""What is written of events that are there: merged, or told; never over somebody else's change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from config.process_classes import ProcessClass
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import ObjectNotFound
from integrations.calendar import agenda, event_lookup
from integrations.calendar.etags import EventStale
from integrations.calendar.events import event_access, event_service, provider_backend
from integrations.calendar.events.event_access import EventWriteRequest
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.events.write_errors import (
    CalendarReadOnly,
    NotInvitedToEvent,
    SeriesSplitHalfDone,
    WritePermissionMissing,
)
from integrations.formats.event_content import Attendee, Conference, When
from integrations.models import Calendar, IntegrationStatus
from integrations.providers import errors
from integrations.providers.calendars import CancelledInstance, RemoteEvent
from limited_use.models import Leaf
from limited_use.sinks.traceback_guard import WrongSink
from tests.integrations import calendar_house as houses
from tests.integrations.calendar.events.conftest import allow
from tests.integrations.calendar_house import meeting, moment
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-6")]

DAILY = ("RRULE:FREQ=DAILY;COUNT=6",)


def list_shown_events(asked) -> list[dict]:
    inside = agenda.build_window(moment(1, 0), moment(20, 0), zone="UTC")
    with acting_as(ProcessClass.WEB):
        answer = agenda.get_event_page_json(asked, inside, limit=200, envelope={})
    return orjson.loads(answer)["data"]


def titles(asked) -> list[str]:
    return [one["title"] for one in list_shown_events(asked)]


def act_on_event(what, asked, one, *given, **more):
    with acting_as(ProcessClass.WEB):
        return what(asked, event_lookup.parse_event_id(one["id"]), *given, **more)


def change_event(asked, one, edit, **more):
    return act_on_event(event_service.change, asked, one, edit, etag=one["etag"], **more)


def delete_event(asked, one, **more):
    return act_on_event(event_service.delete, asked, one, etag=one["etag"], **more)


@pytest.fixture
def review(alice, account):
    account.put(meeting(moment(3), "Review", location="Room 9"))
    alice.sync()


@pytest.fixture
def series(alice, account):
    name = account.put(meeting(moment(3), "Daily", recurrence=DAILY))
    alice.sync()
    return name


@pytest.mark.usefixtures("review")
class TestChangeOfEvent:
    def test_is_at_the_provider_and_seen_at_once(self, asked, account):
        [one] = list_shown_events(asked)

        change_event(asked, one, {"title": "Retro"})

        [held] = account.events[account.email].values()
        assert held.content.title == "Retro"
        assert titles(asked) == ["Retro"]
        assert list_shown_events(asked)[0]["etag"] != one["etag"]

    def test_keeps_what_somebody_else_changed_meanwhile(self, asked, account):
        [one] = list_shown_events(asked)
        change_at_provider(account, location="Room 1")

        change_event(asked, one, {"title": "Retro"})

        [held] = account.events[account.email].values()
        assert (held.content.title, held.content.location) == ("Retro", "Room 1")

    @pytest.mark.claim("write.changed", "form.stale")
    def test_over_the_same_field_is_told_with_what_is_there_now(self, asked, account):
        [one] = list_shown_events(asked)
        change_at_provider(account, title="Theirs")

        with pytest.raises(EventStale) as told:
            change_event(asked, one, {"title": "Mine"})

        assert told.value.fields == ("title",)
        assert titles(asked) == ["Theirs"]

    def test_to_the_same_as_somebody_else_is_none(self, asked, account):
        [one] = list_shown_events(asked)
        change_at_provider(account, title="Retro")

        change_event(asked, one, {"title": "Retro"})

        assert titles(asked) == ["Retro"]

    def test_without_an_answer_is_looked_at_and_not_repeated_blindly(self, asked, account):
        [one] = list_shown_events(asked)
        account.lose_after("change")

        change_event(asked, one, {"title": "Retro"})

        assert (titles(asked), account.version) == (["Retro"], 2)

    def test_that_ends_before_it_begins_reaches_nobody(self, asked, account):
        [one] = list_shown_events(asked)

        with pytest.raises(BadEventDraft) as told:
            change_event(asked, one, {"end": When(at=moment(2), zone="Europe/Berlin")})

        assert set(told.value.fields) == {"end"}
        assert account.version == 1

    def test_of_what_is_gone_is_told_and_gone_here(self, asked, account):
        [one] = list_shown_events(asked)
        [name] = account.events[account.email]
        account.remove(name)

        with pytest.raises(EventStale):
            change_event(asked, one, {"title": "Retro"})

        assert titles(asked) == []

    @pytest.mark.claim("write.no-permission")
    def test_without_the_permission_says_which(self, alice, asked, account):
        [one] = list_shown_events(asked)
        allow(alice, "calendar.read")

        with pytest.raises(WritePermissionMissing):
            change_event(asked, one, {"title": "Retro"})

        assert account.version == 1

    def test_of_what_may_only_be_read_is_refused_before_any_call(self, asked, account):
        [one] = list_shown_events(asked)
        Calendar.objects.update(role="reader")

        with pytest.raises(CalendarReadOnly):
            change_event(asked, one, {"title": "Retro"})

        assert account.version == 1

    def test_stands_in_the_ledger_as_what_it_was(self, asked):
        [one] = list_shown_events(asked)

        change_event(asked, one, {"title": "Retro"})

        entries = [orjson.loads(bytes(leaf.payload)) for leaf in Leaf.objects.all()]
        written = [
            entry
            for entry in entries
            if (entry.get("purpose"), entry.get("recipient"))
            == ("calendar.schedule", "own_provider")
        ]
        assert [entry["event"] for entry in written] == ["use.permitted"]


@pytest.mark.usefixtures("review")
@pytest.mark.invariant(5)
class TestADisconnectDuringAWrite:
    def test_lets_nothing_in_after_it(self, alice, asked, account):
        [one] = list_shown_events(asked)

        def start_purging():
            type(alice.integration).objects.filter(id=alice.integration.id).update(
                status=IntegrationStatus.PURGING,
                switched_off_at=asked.at,
                epoch=alice.integration.epoch + 1,
            )

        account.before_answer = start_purging
        before = bytes(alice.events.get().content.ciphertext)

        with pytest.raises(DisconnectedError):
            change_event(asked, one, {"title": "Retro"})

        assert bytes(alice.events.get().content.ciphertext) == before


class TestDeletionOfEvent:
    @pytest.mark.usefixtures("review")
    def test_is_there_and_here(self, asked, account):
        [one] = list_shown_events(asked)

        delete_event(asked, one)

        assert list(account.events[account.email].values()) == [None]
        assert titles(asked) == []

    @pytest.mark.scenario("D6")
    @pytest.mark.usefixtures("review")
    def test_of_what_is_deleted_already_is_done(self, asked, account):
        [one] = list_shown_events(asked)
        [name] = account.events[account.email]
        account.remove(name)

        delete_event(asked, one)

        assert titles(asked) == []

    @pytest.mark.claim("write.changed", "form.stale")
    @pytest.mark.usefixtures("review")
    def test_of_what_they_did_not_see_is_not(self, asked, account):
        [one] = list_shown_events(asked)
        change_at_provider(account, title="Theirs")

        with pytest.raises(EventStale):
            delete_event(asked, one)

        assert titles(asked) == ["Theirs"]

    @pytest.mark.scenario("D4")
    def test_of_one_occurrence_leaves_the_others(self, asked, account, series):
        second = list_shown_events(asked)[1]

        delete_event(asked, second)

        assert len(list_shown_events(asked)) == 5
        assert second["id"] not in {one["id"] for one in list_shown_events(asked)}
        held = account.events[account.email].values()
        assert sum(isinstance(one, CancelledInstance) for one in held) == 1

    def test_of_one_and_all_that_follow_leaves_those_before(self, asked, series):
        delete_event(asked, list_shown_events(asked)[2], scope="following")

        assert len(list_shown_events(asked)) == 2

    def test_of_all_leaves_none(self, asked, series):
        delete_event(asked, list_shown_events(asked)[2], scope="all")

        assert list_shown_events(asked) == []


class TestChangeOfSeries:
    def test_goes_on_to_meet_where_it_met(self, alice, account, asked, series):
        held = account.events[account.email][series]
        call = Conference("ready", "https://meet.example/abc")
        account.write(account.email, replace(held, conference=call))
        alice.sync()

        change_event(asked, list_shown_events(asked)[2], {"title": "New"}, scope="following")

        said = {one["title"]: one["conferencing"] for one in list_shown_events(asked)}
        assert said["New"] == said["Daily"] == {"status": "ready", "uri": call.uri}

    def test_changes_in_one_place(self, asked, series):
        change_event(asked, list_shown_events(asked)[1], {"title": "Once"})

        assert titles(asked) == ["Daily", "Once", *["Daily"] * 4]

    def test_changes_in_all(self, asked, series):
        change_event(asked, list_shown_events(asked)[1], {"title": "Every"}, scope="all")

        assert titles(asked) == ["Every"] * 6

    def test_moves_as_a_whole_with_what_is_left_out_of_it(self, asked, series):
        delete_event(asked, list_shown_events(asked)[1])
        third = list_shown_events(asked)[1]
        later = moment(5) + timedelta(hours=2)

        change_event(asked, third, {"start": When(at=later, zone="Europe/Berlin")}, scope="all")

        starts = [one["when"]["start"] for one in list_shown_events(asked)]
        assert [one[11:13] for one in starts] == ["11"] * 5
        assert not any(one.startswith(f"{moment(4):%Y-%m-%d}") for one in starts)

    def test_changes_from_one_on(self, asked, account, series):
        written = change_event(
            asked, list_shown_events(asked)[2], {"title": "New"}, scope="following"
        )

        assert titles(asked) == ["Daily"] * 2 + ["New"] * 4
        assert written.event_id is not None
        assert sum(isinstance(one, RemoteEvent) for one in account.events[account.email].values())

    @pytest.mark.claim("form.half-done", "write.half-done")
    def test_that_was_begun_and_not_cut_off_is_finished_by_the_same_again(
        self, asked, account, series
    ):
        third = list_shown_events(asked)[2]
        account.failures["change"] = [errors.OutcomeUnknown("?"), errors.OutcomeUnknown("?")]
        with pytest.raises((SeriesSplitHalfDone, errors.OutcomeUnknown)):
            change_event(asked, third, {"title": "New"}, scope="following")

        change_event(asked, third, {"title": "New"}, scope="following")
        change_event(asked, third, {"title": "New"}, scope="following")

        assert titles(asked) == ["Daily"] * 2 + ["New"] * 4

    def test_that_somebody_changed_meanwhile_takes_back_what_was_begun(
        self, asked, account, series
    ):
        third = list_shown_events(asked)[2]
        account.failures["change"] = [errors.ChangedMeanwhile("?", status=412)] * 9

        with pytest.raises(EventStale):
            change_event(asked, third, {"title": "New"}, scope="following")

        live = [one for one in account.events[account.email].values() if one is not None]
        assert len(live) == 1


class TestAnInvitation:
    def test_is_answered(self, alice, asked, account):
        guests = (Attendee(account.email, is_self=True), Attendee("bob@example.com"))
        account.put(meeting(moment(3), attendees=guests), organizer="bob@example.com")
        alice.sync()
        [one] = list_shown_events(asked)

        act_on_event(event_service.respond, asked, one, "accepted", etag=one["etag"])

        mine = next(one for one in list_shown_events(asked)[0]["participants"] if one["is_self"])
        assert mine["status"] == "accepted"

    @pytest.mark.usefixtures("review")
    def test_that_there_was_not_is_not(self, asked):
        [one] = list_shown_events(asked)

        with pytest.raises(NotInvitedToEvent):
            act_on_event(event_service.respond, asked, one, "accepted", etag=one["etag"])

    def test_to_something_else_than_they_saw_is_not_answered(self, alice, asked, account):
        guests = (Attendee(account.email, is_self=True), Attendee("bob@example.com"))
        account.put(meeting(moment(3), attendees=guests), organizer="bob@example.com")
        alice.sync()
        [one] = list_shown_events(asked)

        change_at_provider(account, attendees=(*guests, Attendee("carol@example.com")))
        act_on_event(event_service.respond, asked, one, "tentative", etag=one["etag"])
        change_at_provider(account, location="Another town")
        with pytest.raises(EventStale):
            act_on_event(event_service.respond, asked, one, "accepted", etag=one["etag"])

        [now] = list_shown_events(asked)
        mine = next(one for one in now["participants"] if one["is_self"])
        assert (mine["status"], now["location"]) == ("tentative", "Another town")


class TestMoveOfEvent:
    @pytest.mark.invariant(1)
    def test_tells_no_account_what_another_of_the_same_person_calls_its_own(
        self, alice, account, asked, review
    ):
        whose = (alice.user, alice.organisation, alice.membership)
        second = houses.make_second_house(whose)
        allow(second, "calendar.read", "calendar.write")
        [one] = [
            one for one in list_shown_events(asked) if one["calendar_id"] == str(alice.primary.id)
        ]
        before = account.version
        with acting_as(ProcessClass.WEB):
            request = EventWriteRequest(asked, event_lookup.parse_event_id(one["id"]))
            target = event_access.open_event_target(
                request, *event_access.find_event_to_write(request)
            )
            other = event_access.find_writable_calendar(asked, second.primary.id)

            # `service.move` refuses before the provider's backend is called.
            with pytest.raises(WrongSink):
                provider_backend.move(request, target, other, etag=one["etag"], notify="none")

        assert account.version == before

    def test_takes_it_to_another_calendar_of_the_account(self, alice, asked, account):
        account.add("Work")
        account.put(meeting(moment(3), "Review"))
        alice.sync()
        work = alice.calendars.get(is_primary=False)
        [one] = list_shown_events(asked)

        act_on_event(event_service.move, asked, one, to=work.id, etag=one["etag"])

        [moved] = list_shown_events(asked)
        assert moved["calendar_id"] == str(work.id)

    def test_of_another_version_leaves_it_where_it_is(self, alice, asked, account):
        account.add("Work")
        account.put(meeting(moment(3), "Review"))
        alice.sync()
        work = alice.calendars.get(is_primary=False)
        [one] = list_shown_events(asked)
        change_at_provider(account, title="Retro")

        with pytest.raises(EventStale):
            act_on_event(event_service.move, asked, one, to=work.id, etag=one["etag"])

        [now] = list_shown_events(asked)
        assert (now["title"], now["calendar_id"]) == ("Retro", one["calendar_id"])

    @pytest.mark.usefixtures("review")
    def test_to_a_calendar_of_nobody_is_not_found(self, alice, asked):
        [one] = list_shown_events(asked)

        with pytest.raises(ObjectNotFound):
            act_on_event(event_service.move, asked, one, to=alice.integration.id, etag=one["etag"])


def change_at_provider(account, **different):
    """Somebody changes it at the provider."""
    [held] = [one for one in account.events[account.email].values() if one is not None]
    account.write(account.email, replace(held, content=replace(held.content, **different)))
