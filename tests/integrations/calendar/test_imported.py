"""What came from a file is like anything else in a calendar: shared, hidden, and gone."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation
from config.process_classes import ProcessClass
from integrations import purge
from integrations.calendar import ics_import
from integrations.connections import automatic_disconnect
from integrations.models import Calendar, Event, Integration, PurgeTrigger
from limited_use.agreements import consents, shares
from limited_use.models import DataKey
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from tests.integrations.calendar.local_house import create_local_calendar, utc
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW
from tests.integrations.formats.icalendar.files import calendar, event
from tests.integrations.household import person
from tests.walls import acting_as

from . import local_house

pytestmark = [pytest.mark.clause("AN-9")]

FILE = calendar(
    event("DTSTART:20260603T090000", "DURATION:PT1H", "SUMMARY:Tea", uid="tea@x"),
    event(
        "DTSTART:20260604T090000", "DURATION:PT1H", "SUMMARY:Doctor", "CLASS:PRIVATE", uid="dr@x"
    ),
    event(
        "DTSTART:20260605T090000",
        "DURATION:PT1H",
        "SUMMARY:Club",
        "RRULE:FREQ=DAILY;COUNT=3",
        "EXDATE:20260606T090000",
        uid="club@x",
    ),
)


@pytest.fixture
def alice(keyring, db):
    return actor_of(*person("alice", at=NOW))


@pytest.fixture
def bob(alice):
    organisation = Organisation.objects.get(id=alice.organisation_id)
    return actor_of(*person("bob", organisation, at=NOW))


@pytest.fixture
def home(alice):
    calendar_id = create_local_calendar(alice)
    with acting_as(ProcessClass.WEB, alice):
        ics_import.import_calendar_file(actor=alice, calendar_id=calendar_id, data=FILE, at=NOW)
    return calendar_id


def share_calendar(alice, bob, home, level):
    with transaction.atomic():
        consents.give(
            person_id=alice.user_id,
            organisation_id=alice.organisation_id,
            feature="calendar-sharing",
            version=FEATURES["calendar-sharing"].version,
            at=NOW,
        )
        return shares.give(
            person_id=alice.user_id,
            organisation_id=alice.organisation_id,
            viewer_id=bob.user_id,
            item=home,
            level=level,
            at=NOW,
        )


def titles(actor) -> list[str | None]:
    return [one["title"] for one in local_house.list_shown_events(actor, utc(1, 0), utc(30, 0))]


@pytest.mark.django_db
@pytest.mark.invariant(1)
@pytest.mark.clause("AN-8")
def test_is_shared_with_a_colleague_as_its_owner_chose_and_until_they_take_it_back(
    alice, home, bob
):
    given = share_calendar(alice, bob, home, ShareLevel.DETAILS)
    assert titles(bob) == ["Tea", None, "Club", "Club"]

    with transaction.atomic():
        shares.withdraw(person_id=alice.user_id, share_id=given.id, at=NOW)
    assert titles(bob) == []

    share_calendar(alice, bob, home, ShareLevel.FREEBUSY)
    assert titles(bob) == [None] * 4
    assert titles(alice) == ["Tea", "Doctor", "Club", "Club"]


@pytest.mark.django_db
@pytest.mark.scenario("C4")
@pytest.mark.scenario("C6")
@pytest.mark.parametrize(
    "midnight", [";TZID=Europe/Berlin:20260602T000000", ":20260602T000000", ":20260601T220000Z"]
)
def test_shows_a_moved_day_once_however_its_file_named_it(alice, midnight):
    calendar_id = create_local_calendar(alice, "Shifts")
    moved = event(
        f"RECURRENCE-ID{midnight}", "DTSTART;VALUE=DATE:20260610", "SUMMARY:Swapped", uid="d@x"
    )
    duty = event(
        "DTSTART;VALUE=DATE:20260601", "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:Duty", uid="d@x"
    )

    # First without its series, as some programs send it, and then all of it.
    for data in (calendar(moved), calendar(duty, moved)):
        with acting_as(ProcessClass.WEB, alice):
            ics_import.import_calendar_file(actor=alice, calendar_id=calendar_id, data=data, at=NOW)

    assert local_house.titles(alice, utc(1, 0), utc(30, 0)) == [
        ("01 00:00", "Duty"),
        ("03 00:00", "Duty"),
        ("10 00:00", "Swapped"),
    ]


@pytest.mark.django_db
@pytest.mark.scenario("C6")
@pytest.mark.parametrize("rules", ["", "BEGIN:VTIMEZONE\nTZID:{name}\nEND:VTIMEZONE"])
@pytest.mark.parametrize("name", ["Asia/Tokyo", "(UTC+09:00) Osaka, Sapporo, Tokyo"])
def test_is_at_its_time_though_its_file_has_no_rules_of_its_zone(alice, name, rules):
    calendar_id = create_local_calendar(alice, "Japan")
    call = event(f'DTSTART;TZID="{name}":20260603T090000', "SUMMARY:Call", uid="c@x")
    data = calendar(rules.format(name=name), call)

    with acting_as(ProcessClass.WEB, alice):
        ics_import.import_calendar_file(actor=alice, calendar_id=calendar_id, data=data, at=NOW)

    assert local_house.titles(alice, utc(1, 0), utc(30, 0)) == [("03 00:00", "Call")]


@pytest.mark.django_db
@pytest.mark.scenario("C6")
def test_has_each_day_once_whatever_a_newer_file_says_of_what_follows(alice):
    calendar_id = create_local_calendar(alice, "Club")
    club = event("DTSTART;VALUE=DATE:20260601", "RRULE:FREQ=DAILY;COUNT=4", "SUMMARY:Old", uid="c")

    def following(day, title):
        return event(
            f"RECURRENCE-ID;VALUE=DATE;RANGE=THISANDFUTURE:202606{day:02}",
            f"DTSTART;VALUE=DATE:202606{day:02}", f"SUMMARY:{title}", uid="c",
        )  # fmt: skip

    files = [
        ([club, following(2, "New"), following(4, "Newer")], ["Old", "New", "New", "Newer"]),
        ([club, following(3, "Later")], ["Old", "Old", "Later", "Later"]),
        ([club], ["Old"] * 4),
    ]
    for parts, wanted in files:
        with acting_as(ProcessClass.WEB, alice):
            ics_import.import_calendar_file(
                actor=alice, calendar_id=calendar_id, data=calendar(*parts), at=NOW
            )
        assert [title for _, title in local_house.titles(alice, utc(1, 0), utc(30, 0))] == wanted


@pytest.mark.django_db(transaction=True)
@pytest.mark.invariant(6)
@pytest.mark.scenario("X2")
def test_goes_with_the_purge_for_the_colleague_too(alice, home, bob):
    share_calendar(alice, bob, home, ShareLevel.DETAILS)
    held = Calendar.objects.get().cache_id
    with acting_as(ProcessClass.WEB, alice), transaction.atomic():
        job = automatic_disconnect.disconnect_in_transaction(
            integration=Integration.objects.get(), trigger=PurgeTrigger.OWNER, at=NOW
        )
    assert (titles(alice), titles(bob)) == ([], [])
    later = timezone.now()

    with acting_as(ProcessClass.PURGE):
        purge.run_purge(job_id=job.id, now=lambda: later)

    assert not Event.objects.exists()
    assert not Calendar.objects.exists()
    assert not DataKey.objects.filter(holder=held).exists()
