"""Calendars that live here: under keys of a line of their own, and otherwise like any other."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from django.db import transaction
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import purge
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.calendar import calendar_list, local_calendars
from integrations.calendar.local_calendars import LocalCalendarProperties
from integrations.calendar.sync import cache_eviction
from integrations.connections import automatic_disconnect
from integrations.formats.timezones import UnknownZone
from integrations.models import Calendar, Connection, Integration, PurgeTrigger, RevocationOutcome
from integrations.purge import purge_jobs
from limited_use.agreements.consents import ConsentMissing
from limited_use.models import DataKey, KeyEpoch
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import key_epochs, rotation_schedule
from limited_use.vault import data_keys
from tests.integrations.calendar.test_shared import actor_of
from tests.integrations.calendar_house import NOW
from tests.integrations.household import person
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-9")]
VERSION = FEATURES["local-calendar"].version
FAMILY = LocalCalendarProperties("Family", "Europe/Berlin", "#aa3377")


@pytest.fixture
def alice(keyring, db):
    return actor_of(*person("alice", at=NOW))


def create_calendar(actor, about=FAMILY, **more):
    with acting_as(ProcessClass.WEB, actor):
        return local_calendars.create_local_calendar(
            actor=actor, properties=about, version=VERSION, at=NOW, **more
        )


def get_version(calendar_id) -> str:
    return Calendar.objects.get(id=calendar_id).version


def list_calendars(actor) -> list[dict]:
    asked = RequestContext(actor, actor.user_id, NOW)
    with acting_as(ProcessClass.WEB, actor):
        return orjson.loads(calendar_list.get_calendar_list_json(asked, envelope={}))["data"]


class TestACalendarThatLivesHere:
    @pytest.mark.claim("calendars.only-here", "local-calendar.sealed")
    def test_needs_no_provider(self, alice):
        create_calendar(alice)

        (one,) = list_calendars(alice)
        assert (one["name"], one["timezone"], one["is_local"]) == ("Family", "Europe/Berlin", True)
        assert one["copy"]["state"] == "local"
        assert Connection.objects.get().provider == "offline"

    def test_has_one_home_with_the_others(self, alice):
        create_calendar(alice)
        create_calendar(alice, LocalCalendarProperties("Club", "UTC"))

        assert Integration.objects.count() == 1
        assert {one["name"] for one in list_calendars(alice)} == {"Family", "Club"}

    @pytest.mark.scenario("C1")
    def test_never_expires(self, alice):
        create_calendar(alice)

        with acting_as(ProcessClass.PURGE):
            assert cache_eviction.evict_expired(at=NOW + timedelta(days=400)) == 0
        asked = RequestContext(alice, alice.user_id, NOW + timedelta(days=400))
        assert orjson.loads(calendar_list.get_calendar_list_json(asked, envelope={}))["data"][0][
            "name"
        ]

    def test_is_renamed(self, alice):
        calendar_id = create_calendar(alice)

        about, etag = LocalCalendarProperties(" Our  family ", "UTC"), get_version(calendar_id)
        local_calendars.rename_local_calendar(
            actor=alice, calendar_id=calendar_id, properties=about, etag=etag
        )

        assert list_calendars(alice)[0]["name"] == "Our family"

    @pytest.mark.claim("local-calendar.changed")
    def test_is_not_renamed_or_removed_over_another_name(self, alice):
        calendar_id = create_calendar(alice)
        etag = get_version(calendar_id)
        local_calendars.rename_local_calendar(
            actor=alice,
            calendar_id=calendar_id,
            properties=LocalCalendarProperties("Club", "UTC"),
            etag=etag,
        )

        with pytest.raises(local_calendars.CalendarChanged):
            local_calendars.rename_local_calendar(
                actor=alice, calendar_id=calendar_id, properties=FAMILY, etag=etag
            )
        with pytest.raises(local_calendars.CalendarChanged):
            local_calendars.remove_local_calendar(
                actor=alice, calendar_id=calendar_id, etag=etag, at=NOW
            )

        assert [one["name"] for one in list_calendars(alice)] == ["Club"]

    @pytest.mark.parametrize("name", ["", "   ", "x" * 201])
    def test_has_a_name(self, alice, name):
        with pytest.raises(local_calendars.CalendarNameMissing):
            create_calendar(alice, LocalCalendarProperties(name, "UTC"))

    def test_is_in_a_zone_that_there_is(self, alice):
        with pytest.raises(UnknownZone):
            create_calendar(alice, LocalCalendarProperties("Family", "Europe/Atlantis"))

    def test_is_agreed_to_in_the_words_that_stand(self, alice):
        with pytest.raises(ConsentMissing):
            local_calendars.create_local_calendar(
                actor=alice, properties=FAMILY, version=VERSION + 1, at=NOW
            )

    @pytest.mark.control("3.1.4")
    def test_is_nobody_elses(self, alice):
        calendar_id = create_calendar(alice)
        mallory = actor_of(*person("mallory", at=NOW))
        etag = get_version(calendar_id)

        assert list_calendars(mallory) == []
        with pytest.raises(ObjectNotFound):
            local_calendars.rename_local_calendar(
                actor=mallory, calendar_id=calendar_id, properties=FAMILY, etag=etag
            )
        with pytest.raises(ObjectNotFound):
            local_calendars.remove_local_calendar(
                actor=mallory, calendar_id=calendar_id, etag=etag, at=NOW
            )


class TestItsKey:
    @pytest.mark.claim("receipt.own-key-epoch", "data-use.key-epochs")
    def test_is_of_a_line_whose_epochs_outlast_copies_of_the_database(self, alice, settings):
        create_calendar(alice)
        settings.BACKUP_RETENTION_DAYS = 30

        calendar = Calendar.objects.get()
        assert DataKey.objects.get(holder=calendar.cache_id).line == KeyLine.OWN
        month = timedelta(days=30)
        hours = rotation_schedule.get_max_hours(KeyLine.OWN)
        assert not rotation_schedule.is_rotation_due(
            KeyLine.OWN, at=NOW + month / 2, max_hours=hours
        )
        assert rotation_schedule.is_rotation_due(KeyLine.OWN, at=NOW + month, max_hours=hours)
        assert rotation_schedule.get_max_hours(KeyLine.CONTENT) == settings.KEY_EPOCH_HOURS

    def test_is_turned_like_any_other(self, alice):
        create_calendar(alice)

        with acting_as(ProcessClass.PURGE):
            turned = key_epochs.rotate_key_epoch(KeyLine.OWN, NOW)

        assert turned.destroyed == (1,)
        assert list_calendars(alice)[0]["name"] == "Family"


class TestRemoving:
    @pytest.mark.invariant(5)
    def test_ends_its_key_in_that_commit(self, alice):
        calendar_id = create_calendar(alice)
        held = Calendar.objects.get().cache_id

        with acting_as(ProcessClass.WEB, alice):
            local_calendars.remove_local_calendar(
                actor=alice, calendar_id=calendar_id, etag=get_version(calendar_id), at=NOW
            )

        assert not data_keys.has_data_key(held)
        assert list_calendars(alice) == []


@pytest.mark.django_db(transaction=True)
class TestDisconnectOfLocalCalendar:
    @pytest.mark.claim("receipt.not-needed")
    @pytest.mark.invariant(6)
    def test_purges_all_of_them_and_asks_no_provider(self, alice):
        create_calendar(alice)
        with acting_as(ProcessClass.WEB, alice), transaction.atomic():
            job = automatic_disconnect.disconnect_in_transaction(
                integration=Integration.objects.get(), trigger=PurgeTrigger.OWNER, at=NOW
            )
        assert KeyEpoch.objects.filter(line=KeyLine.OWN, number=job.own_kek_epoch).exists()
        later = timezone.now()

        with acting_as(ProcessClass.PURGE):
            purge.run_purge(job_id=job.id, now=lambda: later)

        job.refresh_from_db()
        assert job.revocation == RevocationOutcome.NOT_NEEDED
        assert job.step != purge_jobs.PurgeStep.FENCED
        assert not Calendar.objects.exists()
