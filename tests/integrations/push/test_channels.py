"""Channels: opened beside each other, never renewed; one stands before the other is stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from integrations import push
from integrations.models import SyncWork, Watch, WatchKind, WatchStatus
from integrations.providers import errors
from integrations.push import blind_lookup, push_mechanisms
from integrations.push.watch_worker import OVERLAP
from integrations.push.watched_resources import CALENDAR_LIST
from tests.integrations.push.conftest import CALENDAR, list_watches, reconcile_due_watches

HALF = timedelta(days=3, hours=12)


@pytest.fixture(autouse=True)
def without_mailboxes(settings):
    settings.PUSH = replace(settings.PUSH, pubsub_topic="", pubsub_account="")


@pytest.fixture
def followed(calendars, clock):
    reconcile_due_watches(clock)
    return calendars


def only_channel(provider):
    [(hook, resource)] = provider.channels.values()
    return hook, resource


def receive_notification(channel_id, clock, resource=f"resource-{CALENDAR}@there"):
    token = blind_lookup.derive_token(channel_id)
    changed = push.receive_channel_notification(
        channel_id, token, resource_id=resource, at=clock.at
    )
    return [one.resource for one in changed]


def test_a_calendar_is_followed_by_a_channel_of_its_own(calendars, provider, clock):
    reconcile_due_watches(clock)

    hook, resource = only_channel(provider)
    [watch] = list_watches(calendars)
    assert provider.calls == [f"open {CALENDAR}@there"]
    assert hook.address.endswith("/webhooks/google/channel")
    assert blind_lookup.is_proven(hook.channel_id, hook.token)
    assert (watch.status, bytes(watch.lookup_blind), bytes(watch.resource_blind)) == (
        WatchStatus.LIVE,
        blind_lookup.blind_channel(hook.channel_id),
        blind_lookup.blind_resource(hook.channel_id, resource),
    )
    assert HALF * 0.9 <= watch.due_at - clock.at <= HALF


@pytest.mark.invariant(4)
def test_nothing_of_a_channel_stands_in_clear(followed, provider):
    hook, resource = only_channel(provider)

    row = str(Watch.objects.filter(integration=followed).values().get())

    assert not any(one in row for one in (hook.channel_id, hook.token, resource))


def test_it_is_not_wanted_twice(followed, clock):
    again = push.request_watch(integration=followed, resource=CALENDAR, at=clock.at)

    assert again is None
    assert len(list_watches(followed)) == 1


def test_the_list_of_calendars_is_followed_as_well(calendars, provider, monkeypatch, clock):
    of_list = push_mechanisms.PushMechanism(WatchKind.CHANNEL, find_target=lambda *_: CALENDAR_LIST)
    monkeypatch.setitem(push_mechanisms.MECHANISMS, "calendar", of_list)

    reconcile_due_watches(clock)

    assert provider.calls == ["open list"]


@pytest.mark.scenario("P6")
def test_its_first_call_may_precede_the_answer(calendars, provider, clock):
    said = []

    def note_watch() -> None:
        # What the provider calls it is not known here yet.
        [watch] = list_watches(calendars)
        said.append((watch.status, watch.lookup_blind is not None))

    provider.meanwhile = note_watch
    reconcile_due_watches(clock)

    assert said == [(WatchStatus.WANTED, True)]


@pytest.mark.scenario("P7", "P3")
class TestSucceeding:
    def test_opens_another_and_then_stops_the_first(self, followed, provider, clock):
        first, _ = only_channel(provider)
        provider.now = clock.advance(days=4)
        reconcile_due_watches(clock)
        both = set(provider.channels)
        reconcile_due_watches(clock)

        assert len(set(provider.channels) | both) == 2
        second = next(one for one in provider.channels if one != first.channel_id)
        # Both are heard, and tell of one and the same thing: nothing is lost or doubled.
        assert (
            receive_notification(first.channel_id, clock)
            == receive_notification(second, clock)
            == [CALENDAR]
        )

        clock.at += OVERLAP
        reconcile_due_watches(clock)

        assert set(provider.channels) == {second}
        assert [row.status for row in list_watches(followed)] == [WatchStatus.LIVE]
        assert receive_notification(first.channel_id, clock) == []

    def test_leaves_the_first_where_no_other_can_be_opened(self, followed, provider, clock):
        first, _ = only_channel(provider)
        provider.now = clock.advance(days=4)
        provider.refusals = [errors.Unavailable("down")] * 3
        for _ in range(3):
            reconcile_due_watches(clock)
            clock.advance(hours=1)

        assert set(provider.channels) == {first.channel_id}
        assert receive_notification(first.channel_id, clock) == [CALENDAR]
        assert {row.status for row in list_watches(followed)} == {
            WatchStatus.LIVE,
            WatchStatus.WANTED,
        }

    def test_begins_anew_where_all_of_it_was_missed(self, followed, provider, clock):
        first, _ = only_channel(provider)
        provider.channels.clear()
        provider.now = clock.advance(days=10)

        for _ in range(3):
            reconcile_due_watches(clock)

        second, _ = only_channel(provider)
        [watch] = list_watches(followed)
        assert second.channel_id != first.channel_id
        assert (watch.status, watch.started_at) == (WatchStatus.LIVE, clock.at)


class TestALostAnswer:
    def test_leads_to_another_id_and_the_orphan_is_heard_by_nobody(
        self, calendars, provider, clock
    ):
        provider.loses_answer = True
        reconcile_due_watches(clock)
        orphan, _ = only_channel(provider)
        [watch] = list_watches(calendars)
        assert watch.status == WatchStatus.WANTED
        clock.at = watch.due_at

        reconcile_due_watches(clock)

        [watch] = list_watches(calendars)
        assert watch.status == WatchStatus.LIVE
        assert len(provider.channels) == 2
        assert receive_notification(orphan.channel_id, clock) == []


class TestGivingUp:
    def test_stops_the_channel_and_forgets_it(self, followed, provider, clock):
        push.withdraw_watches(integration_id=followed.id, resource=CALENDAR, at=clock.at)

        reconcile_due_watches(clock)

        assert (provider.channels, list_watches(followed)) == ({}, [])

    def test_of_one_that_was_never_opened_asks_nobody(self, calendars, provider, clock):
        push.withdraw_watches(integration_id=calendars.id, resource=CALENDAR, at=clock.at)

        reconcile_due_watches(clock)

        assert (provider.calls, list_watches(calendars)) == ([], [])

    def test_follows_from_the_settings(self, followed, provider, settings, clock):
        settings.PUSH = replace(settings.PUSH, calendar_channels=False)

        reconcile_due_watches(clock)

        assert (provider.channels, list_watches(followed)) == ({}, [])

    def test_follows_from_the_end_of_the_calendar(self, followed, provider, clock):
        SyncWork.objects.filter(resource=CALENDAR).delete()

        reconcile_due_watches(clock)

        assert (provider.channels, list_watches(followed)) == ({}, [])

    def test_is_done_where_there_is_nothing_to_open_a_channel_for(
        self, calendars, provider, monkeypatch, clock
    ):
        gone = push_mechanisms.PushMechanism(WatchKind.CHANNEL, find_target=lambda *_: None)
        monkeypatch.setitem(push_mechanisms.MECHANISMS, "calendar", gone)

        reconcile_due_watches(clock)

        assert (provider.calls, list_watches(calendars)) == ([], [])

    def test_stops_one_that_the_provider_has_forgotten(self, followed, provider, clock):
        provider.channels.clear()
        push.withdraw_watches(integration_id=followed.id, resource=CALENDAR, at=clock.at)

        reconcile_due_watches(clock)

        assert list_watches(followed) == []
