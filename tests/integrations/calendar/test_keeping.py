"""Events of calendars that live here: written whole, replaced by name, bound to a version."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import transaction

from accounts.actors import ActorKind
from accounts.ids import uuid7
from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations.access import calendar_permits
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import ObjectNotFound
from integrations.calendar import local_calendars, local_events
from integrations.calendar.local_event_types import CalendarWrite
from integrations.connections import automatic_disconnect
from integrations.formats.event_content import EventContent, When
from integrations.formats.recurrence.recurrence_parser import BadSeries
from integrations.formats.recurrence.rrule_iter import TooManyOccurrences
from integrations.formats.recurrence.series import BadEventTimes
from integrations.formats.timezones import UnknownZone
from integrations.models import Calendar, Event, Integration, PurgeTrigger
from limited_use.models import Leaf
from limited_use.usage import access_rates
from tests.integrations.calendar.local_house import (
    create_local_calendar,
    event,
    list_shown_events,
    make_local_input,
    titles,
    utc,
    write_events,
)
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW
from tests.integrations.household import person
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9")]
JUNE = utc(1, 0), utc(30, 0)
DAILY = ("RRULE:FREQ=DAILY;COUNT=3",)


@pytest.fixture
def alice(keyring, db):
    return actor_of(*person("alice", at=NOW))


@pytest.fixture
def home(alice):
    return create_local_calendar(alice)


class TestStoredEvent:
    def test_is_there_once_it_was_written(self, alice, home):
        written = write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        assert titles(alice, *JUNE) == [("03 09:00", "Dentist")]
        assert set(written.row_ids) == {"a@x"}
        assert Event.objects.get().id == written.row_ids["a@x"]

    @pytest.mark.scenario("C3")
    def test_of_the_same_name_is_replaced(self, alice, home):
        first = write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        again = write_events(alice, home, make_local_input("a@x", event("Surgeon", utc(4))))

        assert titles(alice, *JUNE) == [("04 09:00", "Surgeon")]
        assert again.row_ids == first.row_ids
        assert again.replaced_uids == {"a@x"}
        assert again.etag != first.etag

    def test_is_dropped(self, alice, home):
        write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        gone = write_events(alice, home, drop=["a@x", "never@x"])

        assert gone.dropped_count == 1
        assert Event.objects.count() == 0

    def test_is_of_days(self, alice, home):
        content = EventContent(
            title="Fair", start=When(day=date(2026, 6, 5)), end=When(day=date(2026, 6, 7))
        )

        write_events(alice, home, make_local_input("a@x", content))

        (one,) = list_shown_events(alice, *JUNE)
        assert one["when"] == {"object": "datespan", "start": "2026-06-05", "end": "2026-06-07"}

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (event("Backwards", utc(3), hours=-1), BadEventTimes),
            (event("Nowhere", utc(3), zone="Europe/Atlantis"), UnknownZone),
            (event("Odd", utc(3), recurrence=("RRULE:FREQ=NEVER",)), BadSeries),
        ],
    )
    def test_that_makes_no_sense_writes_nothing_of_the_others_either(
        self, alice, home, content, error
    ):
        with pytest.raises(error):
            write_events(
                alice,
                home,
                make_local_input("good@x", event("Good", utc(3))),
                make_local_input("bad@x", content),
            )

        assert Event.objects.count() == 0
        assert Calendar.objects.get().round == 0

    def test_moves_to_another_calendar_at_once(self, alice, home):
        other = create_local_calendar(alice, "Club")
        content = event("Dentist", utc(3))
        write_events(alice, home, make_local_input("a@x", content))

        moved = {
            home: CalendarWrite(drop=["a@x"]),
            other: CalendarWrite(put=[make_local_input("a@x", content)]),
        }
        with acting_as(ProcessClass.WEB, alice):
            local_events.write_local_events(actor=alice, writes=moved, at=NOW)

        assert Event.objects.get().calendar_id == other


class TestStoredSeries:
    def test_has_its_exceptions(self, alice, home):
        write_events(
            alice,
            home,
            make_local_input(
                "a@x",
                event("Stand-up", utc(3), recurrence=DAILY),
                {utc(4): event("Moved", utc(4, 15)), utc(5): None},
            ),
        )

        assert titles(alice, *JUNE) == [("03 09:00", "Stand-up"), ("04 15:00", "Moved")]

    @pytest.mark.scenario("C6")
    def test_written_again_has_only_those_that_it_has_now(self, alice, home):
        content = event("Stand-up", utc(3), recurrence=DAILY)
        write_events(alice, home, make_local_input("a@x", content, {utc(4): None, utc(5): None}))

        write_events(alice, home, make_local_input("a@x", content, {utc(5): None}))

        assert [when for when, _ in titles(alice, *JUNE)] == ["03 09:00", "04 09:00"]
        assert Event.objects.count() == 2

    def test_is_dropped_with_them(self, alice, home):
        content = event("Stand-up", utc(3), recurrence=DAILY)
        write_events(alice, home, make_local_input("a@x", content, {utc(4): None}))

        write_events(alice, home, drop=["a@x"])

        assert Event.objects.count() == 0

    def test_goes_on_for_ever_in_one_row(self, alice, home):
        write_events(
            alice,
            home,
            make_local_input("a@x", event("Tea", utc(3), recurrence=("RRULE:FREQ=HOURLY",))),
        )

        assert Event.objects.get().last_week is None

    def test_that_nobody_could_count_is_refused(self, alice, home, monkeypatch):
        monkeypatch.setattr(local_events, "MAX_STEPS", 10)

        rule = "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE;BYSETPOS=-1;COUNT=900"

        with pytest.raises((TooManyOccurrences, BadSeries)):
            write_events(
                alice, home, make_local_input("a@x", event("Tea", utc(3), recurrence=(rule,)))
            )


class TestAVersion:
    def test_is_asked_for_by_whoever_read_it(self, alice, home):
        first = write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))
        change = make_local_input("a@x", event("Surgeon", utc(3)))

        write_events(alice, home, change, expected_etags={"a@x": first.etag})
        with pytest.raises(local_events.LocalEventChanged):
            write_events(alice, home, change, expected_etags={"a@x": first.etag})

    def test_of_nothing_means_that_it_is_not_there_yet(self, alice, home):
        content = make_local_input("a@x", event("Dentist", utc(3)))

        write_events(alice, home, content, expected_etags={"a@x": None})
        with pytest.raises(local_events.LocalEventChanged):
            write_events(alice, home, content, expected_etags={"a@x": None})

    def test_is_what_its_owner_is_shown(self, alice, home):
        write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))
        (before,) = list_shown_events(alice, *JUNE)

        write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        (after,) = list_shown_events(alice, *JUNE)
        assert before["etag"]
        assert after["etag"] != before["etag"]


class TestAWrite:
    @pytest.mark.control("3.1.4")
    def test_is_its_owners_alone(self, alice, home):
        mallory = actor_of(*person("mallory", at=NOW))

        with pytest.raises(ObjectNotFound):
            write_events(mallory, home, make_local_input("a@x", event("Dentist", utc(3))))

    def test_is_not_for_features(self, alice, home):
        client = type(alice)(
            kind=ActorKind.CLIENT,
            id=uuid7(),
            user_id=alice.user_id,
            organisation_id=alice.organisation_id,
            feature="scheduler",
            purpose="calendar.schedule",
        )

        with pytest.raises(ObjectNotFound):
            write_events(client, home, make_local_input("a@x", event("Dentist", utc(3))))

    @pytest.mark.invariant(3)
    def test_is_in_the_ledger_and_opens_nothing(self, alice, home):
        write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        found = [bytes(one.payload) for one in Leaf.objects.all()]
        assert sum(b"keep-own-local-calendar" in one for one in found) == 2
        assert b"Dentist" not in b"".join(found)

    def test_is_not_counted_as_reading(self):
        entry = {
            "event": "use.permitted",
            "purpose": "calendar.schedule",
            "recipient": "vault",
            "count": 10_000,
            "at": 0,
            "actor": "x",
        }

        # Would need the database if there were anything to count.
        access_rates.count_data_openings([entry])

        assert not Alarm.objects.exists()

    def test_that_would_fill_it_writes_nothing(self, alice, home, monkeypatch):
        monkeypatch.setattr(local_events, "MAX_ROWS", 1)
        write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        with pytest.raises(local_events.LocalCalendarFull):
            write_events(alice, home, make_local_input("b@x", event("Surgeon", utc(3))))

        assert titles(alice, *JUNE) == [("03 09:00", "Dentist")]

    def test_that_was_overtaken_is_made_anew(self, alice, home, monkeypatch):
        made, overtaken = local_events.prepare_write, []

        def prepare_slowly(place, write_):
            done = made(place, write_)
            if not overtaken:
                overtaken.append(True)
                write_events(alice, home, make_local_input("b@x", event("Surgeon", utc(4))))
            return done

        monkeypatch.setattr(local_events, "prepare_write", prepare_slowly)
        write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        assert [title for _, title in titles(alice, *JUNE)] == ["Dentist", "Surgeon"]
        assert Calendar.objects.get().round == 2

    @pytest.mark.invariant(5)
    def test_after_its_end_writes_nothing(self, alice, home, monkeypatch):
        permit, etag = calendar_permits.to_write_locally, Calendar.objects.get(id=home).version

        def permit_and_remove(**asked):
            epoch = permit(**asked)
            with acting_as(ProcessClass.WEB):
                local_calendars.remove_local_calendar(
                    actor=alice, calendar_id=home, etag=etag, at=NOW
                )
            return epoch

        monkeypatch.setattr(calendar_permits, "to_write_locally", permit_and_remove)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever wall it meets first
            write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        assert type(caught.value).__name__ in {"KeyDestroyed", "ObjectNotFound"}
        assert Event.objects.count() == 0

    @pytest.mark.invariant(5)
    def test_after_a_disconnect_writes_nothing(self, alice, home, monkeypatch):
        prepare = local_events.event_store.prepare_local_batch

        def prepare_and_disconnect(*given, **more):
            batch = prepare(*given, **more)
            with acting_as(ProcessClass.WEB), transaction.atomic():
                automatic_disconnect.disconnect_in_transaction(
                    integration=Integration.objects.get(),
                    trigger=PurgeTrigger.OWNER,
                    at=NOW + timedelta(seconds=1),
                )
            return batch

        monkeypatch.setattr(local_events.event_store, "prepare_local_batch", prepare_and_disconnect)
        with pytest.raises(DisconnectedError):
            write_events(alice, home, make_local_input("a@x", event("Dentist", utc(3))))

        assert Event.objects.count() == 0
