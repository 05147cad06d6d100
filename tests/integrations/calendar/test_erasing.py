"""The end of a copy: too old, deleted by its owner, or of a calendar that is no more."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

import pytest
from django.db import transaction

from config.process_classes import ProcessClass
from integrations import purge
from integrations.access import calendar_permits
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.calendar.sync import LIST_RESOURCE, cache_eviction, get_calendar_work_resource
from integrations.calendar.sync.cache_eviction import EvictionReason
from integrations.grants import provider_credentials
from integrations.models import Calendar, Event, PurgeTrigger, SyncWork
from integrations.purge import inventory
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import calendar_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault import data_key_rows, data_keys
from limited_use.vault.envelope import Unopenable
from tests.integrations.calendar.conftest import NOW
from tests.integrations.calendar_house import BOTH, meeting, moment
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("AN-5"), pytest.mark.clause("AN-9")]
DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
def synced(alice, account):
    account.put(meeting(moment(3), "Review"))
    alice.sync()


def evict_expired(at) -> int:
    with acting_as(ProcessClass.PURGE):
        return cache_eviction.evict_expired(at=at)


def erase(alice, at=NOW) -> int:
    with acting_as(ProcessClass.WEB, alice), transaction.atomic():
        held = list(alice.calendars.select_related("integration").select_for_update(of=("self",)))
        return cache_eviction.evict_copies(held, reason=EvictionReason.OWNER, at=at)


class TestACopyThatIsTooOld:
    @pytest.mark.claim("stored.calendar-copy", "feature.calendar", "calendars.copy")
    @pytest.mark.scenario("C1")
    @pytest.mark.invariant(1)
    def test_is_refused_by_the_guard_whoever_asks(self, alice):
        wanted = [CalendarViewRequest(alice.primary, BOTH)]
        young, old = NOW + timedelta(hours=23), NOW + DAY + timedelta(minutes=1)

        calendar_permits.to_view(actor=alice.actor, view_requests=wanted, at=young)
        with pytest.raises(AccessRefused) as caught:
            calendar_permits.to_view(actor=alice.actor, view_requests=wanted, at=old)

        assert caught.value.missing == ["cache_current"]

    @pytest.mark.claim("mail.nothing-lost")
    def test_is_swept_within_a_day_after_the_grant_has_ended(self, alice):
        connection = alice.integration.connection
        assert provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=NOW
        )
        copy = alice.primary.cache_id
        assert data_keys.has_data_key(copy)

        assert evict_expired(NOW + DAY + timedelta(minutes=1)) == 1

        assert not data_keys.has_data_key(copy)
        assert not alice.events.exists()

    @pytest.mark.claim("calendars.copy", "calendar.kept-until", "integrations.calendar-kept")
    def test_is_swept_with_its_key(self, alice):
        copy = alice.primary.cache_id

        assert evict_expired(NOW + timedelta(hours=23)) == 0
        assert evict_expired(NOW + DAY + timedelta(minutes=1)) == 1

        assert not data_keys.has_data_key(copy)
        assert not alice.events.exists()
        calendar = alice.primary
        assert (calendar.about, calendar.cursor, calendar.cached_at) == (
            None,
            None,
            None,
        )
        assert calendar.cleared_at is None

    @pytest.mark.claim("stored.calendar-copy")
    def test_is_younger_where_its_owner_wants_it(self, alice):
        alice.integration.cache_hours = 1
        alice.integration.save()

        assert evict_expired(NOW + timedelta(minutes=61)) == 1

    def test_comes_back_under_another_key_when_it_is_asked_for(self, alice):
        former = alice.primary.cache_id
        later = NOW + DAY + timedelta(hours=1)
        evict_expired(later)

        alice.sync(at=later)

        assert alice.primary.cache_id != former
        assert alice.titles(at=later) == ["Review"]

    def test_lets_no_other_go_with_it(self, alice, account):
        account.add("Work")
        alice.run(LIST_RESOURCE)
        other = alice.calendars.get(is_primary=False)
        later = NOW + timedelta(hours=20)
        alice.run(LIST_RESOURCE, at=later)
        alice.run(get_calendar_work_resource(other.id), at=later)

        assert evict_expired(NOW + DAY + timedelta(hours=1)) == 1

        other.refresh_from_db()
        assert data_keys.has_data_key(other.cache_id)
        assert other.cached_at is not None


class TestItsOwnerDeletesIt:
    @pytest.mark.claim("stored.calendar-copy", "feature.calendar")
    @pytest.mark.invariant(5)
    def test_and_nothing_of_it_opens_from_the_commit_on(self, alice):
        event = alice.events.get()
        held = calendar_permits.to_view(
            actor=alice.actor, view_requests=[CalendarViewRequest(alice.primary, BOTH)], at=NOW
        )

        assert erase(alice) == 1

        with pytest.raises(Unopenable):
            calendar_sink.calendar_json(
                [SealedRow(event, {"timing": event.timing})],
                permits=held,
                viewer=alice.actor,
                make=len,
                at=NOW,
            )
        assert data_key_rows.get_data_key_metadata([event.cache_id]) == []

    @pytest.mark.claim("erase.until-asked")
    def test_for_good_until_it_is_asked_for_again(self, alice, account):
        erase(alice)
        account.put(meeting(moment(4), "Another"))

        alice.run(LIST_RESOURCE)
        alice.run(get_calendar_work_resource(alice.primary.id))

        assert not alice.events.exists()
        assert alice.primary.about is None
        assert alice.primary.cleared_at is not None

    @pytest.mark.invariant(5)
    @pytest.mark.scenario("X8")
    def test_while_it_is_being_brought_in_and_nothing_is_written_after(self, alice, account):
        class ErasedMeanwhile(dict):
            def __getitem__(self, name):
                if self.house is not None:
                    house, self.house = self.house, None
                    erase(house)
                return super().__getitem__(name)

        account.put(meeting(moment(4), "Another"))
        account.versions = ErasedMeanwhile(account.versions)
        account.versions.house = alice

        alice.run(get_calendar_work_resource(alice.primary.id))

        assert not alice.events.exists()
        assert alice.primary.cached_at is None


class TestACalendarThatIsGone:
    def test_goes_with_its_work_and_what_was_shared(self, alice, account):
        name = account.add("Work")
        alice.sync()
        gone = alice.calendars.get(is_primary=False)
        del account.calendars[name]
        alice.run(LIST_RESOURCE)

        assert evict_expired(NOW + timedelta(minutes=1)) == 1

        assert not Calendar.objects.filter(id=gone.id).exists()
        assert not SyncWork.objects.filter(resource=get_calendar_work_resource(gone.id)).exists()
        assert not data_keys.has_data_key(gone.cache_id)


class TestCacheAfterDisconnect:
    @pytest.mark.invariant(5)
    @pytest.mark.invariant(6)
    def test_destroys_the_keys_of_all_copies_in_its_commit(self, alice, account):
        account.add("Work")
        alice.sync()
        copies = list(alice.calendars.values_list("cache_id", flat=True))

        with acting_as(ProcessClass.WEB, alice), transaction.atomic():
            job = purge.open_purge_job(
                integration=alice.integration, trigger=PurgeTrigger.OWNER, at=NOW
            )

        assert data_key_rows.get_data_key_metadata(copies) == []
        assert {held for _, _, held, _ in job.cache_keys} == {str(one) for one in copies}

    @pytest.mark.invariant(6)
    @pytest.mark.django_db(transaction=True)
    def test_changes_nothing_at_the_provider(self, alice, account):
        before = deepcopy(account.events), account.version

        with acting_as(ProcessClass.PURGE):
            with transaction.atomic():
                job = purge.open_purge_job(
                    integration=alice.integration, trigger=PurgeTrigger.OWNER, at=NOW
                )
            purge.run_purge(job_id=job.id, now=lambda: NOW)

        assert not Event.objects.exists()
        assert (account.events, account.version) == before

    @pytest.mark.invariant(6)
    @pytest.mark.scenario("X2")
    def test_leaves_nothing(self, alice):
        with acting_as(ProcessClass.PURGE):
            with transaction.atomic():
                purge.open_purge_job(
                    integration=alice.integration, trigger=PurgeTrigger.OWNER, at=NOW
                )
            left = inventory.count_rows_left(integration_id=alice.integration.id)

        assert left["integrations.Event"] == 1
        assert left["limited_use.DataKey.copies"] == 0
        assert Event.objects.count() == 1
