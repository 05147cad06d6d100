"""A feature that read calendars is told which events are gone, and when a calendar ends."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.calendar.sync import cache_eviction
from integrations.calendar.sync.cache_eviction import EvictionReason
from integrations.models import Event, FeatureRead, FeatureRemoval
from tests.api.calendars.asking import (
    V1,
    free_busy,
    list_events,
    ok,
    scheduler,
    share_calendar,
)
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.clause("LU-1", "AN-5")]


@pytest.fixture(autouse=True)
def planted(week):
    """All of it is about a week that is here."""


def list_item_removals():
    removals = FeatureRemoval.objects.order_by("id")
    return [(removal.reason, set(removal.item_ids)) for removal in removals]


class TestARead:
    @pytest.mark.parametrize(
        "read",
        [
            lambda feature: ok(feature.get(f"{V1}/calendars")),
            list_events,
            lambda feature: free_busy(feature, "me"),
        ],
        ids=["calendars", "events", "free-busy"],
    )
    def test_is_noted_for_the_integration_of_the_calendars(self, alice, read):
        assistant = scheduler(alice)
        assert not FeatureRead.objects.exists()

        read(assistant)

        row = FeatureRead.objects.get()
        assert (row.integration_id, row.feature) == (alice.integration.id, "scheduler")

    def test_of_the_owner_or_of_a_colleague_is_not_noted(self, alice, bob, hers, his):
        share_calendar(alice, bob)

        list_events(hers)
        list_events(his)

        assert not FeatureRead.objects.exists()


class TestADeletedEvent:
    def test_at_the_provider_is_named_to_the_feature(self, alice, account, week):
        list_events(scheduler(alice))
        before = set(alice.events.values_list("id", flat=True))
        account.remove(week["review"])

        alice.sync()

        gone = before - set(alice.events.values_list("id", flat=True))
        assert len(gone) == 1
        assert list_item_removals() == [("deleted_at_provider", gone)]

    def test_of_calendars_that_no_feature_read_is_named_to_nobody(self, alice, hers):
        list_events(hers)

        with acting_as(ProcessClass.PURGE), transaction.atomic():
            copies = list(alice.calendars.select_related("integration"))
            cache_eviction.evict_copies(copies, reason=EvictionReason.GONE, at=timezone.now())

        assert not Event.objects.exists()
        assert not FeatureRemoval.objects.exists()

    @pytest.mark.parametrize(
        ("reason", "named"),
        [
            (EvictionReason.OWNER, "no_longer_kept"),
            (EvictionReason.TOO_OLD, "no_longer_kept"),
            (EvictionReason.GONE, "deleted_at_provider"),
        ],
    )
    def test_of_a_copy_that_ends_is_named_with_the_reason(self, alice, reason, named):
        list_events(scheduler(alice))
        events = set(alice.events.values_list("id", flat=True))
        assert events

        with acting_as(ProcessClass.PURGE), transaction.atomic():
            copies = list(alice.calendars.select_related("integration"))
            cache_eviction.evict_copies(copies, reason=reason, at=timezone.now())

        assert list_item_removals() == [(named, events)]
