"""An event, or a calendar's key, whose bytes were changed here: all else is there, and counted."""

from __future__ import annotations

from copy import deepcopy

import pytest

from accounts.models import Alarm
from integrations.formats.event_content import When
from integrations.models import Event, EventKind
from integrations.providers.calendars import RemoteEvent
from limited_use.models import DataKey
from limited_use.vault import data_keys
from limited_use.vault.fields import StoredCiphertext
from tests.api import schema
from tests.api.calendars.asking import V1, WEEK, find_event_by_title, list_events, ok
from tests.integrations.calendar_house import meeting, moment
from tests.integrations.pages import reading

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(8)]
COUNTED = "could not be read and"


@pytest.fixture(autouse=True)
def synced(week):
    """All of it is about a week that is here."""


@pytest.fixture
def damage(hers):
    """Return a function that flips a bit of one column of an event's row."""

    def damage_column(event_id, column="timing"):
        row = Event.objects.get(id=event_id.partition("_")[0])
        (raw,) = Event.objects.filter(id=row.id).values_list(column, flat=True)
        row.__dict__[column] = StoredCiphertext(bytes(raw)[:-1] + bytes([bytes(raw)[-1] ^ 1]))
        row.save(update_fields=[column])
        return row

    return damage_column


@pytest.fixture
def damaged_key(alice):
    """The key of the team's calendar is there, and does not unwrap any more."""
    team = alice.calendars.get(is_primary=False)
    DataKey.objects.filter(holder=team.cache_id).update(wrapped=b"\1" * 60)
    data_keys.drop_cached_keys()
    return team


class TestDamagedEvent:
    @pytest.mark.parametrize("column", ["timing", "content", "remote"])
    def test_is_left_out_and_named_and_its_neighbours_are_there(self, hers, damage, column):
        damaged = damage(find_event_by_title(hers, "Review")["id"], column)

        body = ok(hers.get(f"{V1}/events", WEEK))

        titles = [one["title"] for one in body["data"]]
        assert (titles.count("Daily"), titles.count("Lunch"), titles.count("Review")) == (7, 1, 0)
        assert body["unreadable"] == [str(damaged.id)]
        assert all(one["complete"] for one in body["calendars"])

    def test_is_counted_on_the_page(self, hers, damage):
        damage(find_event_by_title(hers, "Review")["id"])

        html = hers.get("/calendar/?view=agenda").text

        assert f"1 event {COUNTED} is not shown" in reading.text(html)
        assert "Daily" in html

    @pytest.mark.invariant(2)
    def test_does_not_open_by_its_id(self, hers, damage):
        name = find_event_by_title(hers, "Review")["id"]
        damage(name)

        schema.problem(hers.get(f"{V1}/events/{name}"), 422, "damaged")

    def test_of_a_series_takes_no_more_than_its_series_along(self, hers, damage):
        name = find_event_by_title(hers, "Daily")["id"]
        damaged = damage(name)

        assert {one["title"] for one in list_events(hers)} == {"Review", "Doctor", "Lunch"}
        schema.problem(hers.get(f"{V1}/events/{name}"), 422, "damaged")
        schema.problem(hers.get(f"{V1}/events/{damaged.id}"), 422, "damaged")

    def test_that_was_moved_within_its_series_is_counted(self, hers, alice, account, week, damage):
        account.write(
            account.email,
            RemoteEvent(
                event_id="moved",
                etag="",
                ical_uid="moved",
                sequence=1,
                content=meeting(moment(3, 9), "Moved"),
                series_id=week["daily"],
                original_start=When(at=moment(3, 7), zone="Europe/Berlin"),
            ),
        )
        alice.sync()
        damaged = damage(str(Event.objects.get(kind=EventKind.CHANGED).id))

        body = ok(hers.get(f"{V1}/events", WEEK))

        assert body["unreadable"] == [str(damaged.id)]
        assert [one["title"] for one in body["data"]].count("Daily") == 7

    @pytest.mark.claim("open.damaged", "form.damaged")
    @pytest.mark.claim("event.damaged")
    @pytest.mark.clause("AN-19")
    def test_tells_an_operator_once_a_day(self, hers, account, damage):
        there = deepcopy(account.events), account.version
        name = find_event_by_title(hers, "Review")["id"]
        damaged = damage(name)

        told = schema.problem(hers.get(f"{V1}/events/{name}"), 422, "damaged")
        (alarm,) = Alarm.objects.filter(kind="record.damaged")
        for _ in range(3):
            list_events(hers)

        assert (
            "An original at Google or Microsoft is not affected. Our operators were notified."
            in told["detail"]
        )
        assert (account.events, account.version) == there
        assert Alarm.objects.get(kind="record.damaged") == alarm
        assert alarm.about == damaged.id


class TestAKey:
    def test_closes_its_calendar_and_no_other(self, hers, damaged_key):
        body = ok(hers.get(f"{V1}/events", WEEK))

        assert {one["title"] for one in body["data"]} == {"Daily", "Review", "Doctor"}
        (unreadable,) = body["unreadable"]
        assert Event.objects.get(id=unreadable).calendar_id == damaged_key.id

    def test_leaves_the_list_of_calendars_with_one_that_has_no_name(self, hers, damaged_key):
        listed = ok(hers.get(f"{V1}/calendars"))["data"]

        assert [one["name"] for one in listed] == ["alice@gmail.example", None]

    def test_is_said_on_the_page(self, hers, damaged_key):
        html = hers.get("/calendar/?view=agenda").text

        assert f"1 event {COUNTED} is not shown" in reading.text(html)
        assert "Review" in html

    def test_keeps_nobody_from_their_settings(self, hers, alice, damaged_key):
        answer = hers.get(f"/settings/integrations/{alice.integration.id}/calendars/")

        assert answer.status_code == 200
        assert "alice@gmail.example" in answer.text

    @pytest.mark.clause("AN-19")
    def test_is_one_alarm_however_many_rows_are_under_it(self, hers, damaged_key):
        for _ in range(3):
            list_events(hers)
            hers.get(f"{V1}/calendars")

        (alarm,) = Alarm.objects.all()
        assert (alarm.kind, alarm.about) == ("key.damaged", damaged_key.cache_id)
        assert alarm.body == {"line": "content", "epoch": 1}
