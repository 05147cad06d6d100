"""Subscriptions: renewed where they stand, opened anew where they ended, ended at a disconnect."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from integrations import providers, push
from integrations.calendar.sync import work_items
from integrations.models import SyncWork, Watch, WatchStatus
from integrations.providers import errors
from integrations.providers.push import SubscriptionNotification
from integrations.push import blind_lookup, push_mechanisms, watch_health
from integrations.tasks import watches as tasks
from tests.broker import record_messages, sync_message
from tests.fakes.pushes import make_open_subscriptions
from tests.integrations.push.conftest import (
    CALENDAR,
    list_watches,
    open_purge_job,
    reconcile_due_watches,
)

OWN = push_mechanisms.SUBSCRIPTION_MECHANISMS["calendar"]
HALF = timedelta(days=3, hours=10)


@pytest.fixture(autouse=True)
def subscribed(mailbox, provider, monkeypatch, settings):
    """Let the provider tell of everything by subscriptions."""
    settings.PUSH = replace(settings.PUSH, pubsub_topic="", pubsub_account="")
    google = replace(
        providers.PROVIDERS["google"],
        watch_mail=None,
        watch_calendars=None,
        subscriptions=make_open_subscriptions(provider),
    )
    monkeypatch.setitem(providers.PROVIDERS, "google", google)
    way = push_mechanisms.PushMechanism(
        OWN.kind, find_target=lambda watch, *_: f"{watch.resource}@there"
    )
    monkeypatch.setitem(push_mechanisms.SUBSCRIPTION_MECHANISMS, "calendar", way)


@pytest.fixture
def followed(calendars, clock):
    reconcile_due_watches(clock)
    return calendars


def only(provider):
    [(name, (hook, _))] = provider.channels.items()
    return name, hook


def test_a_calendar_and_a_mailbox_have_one_each(alice, calendars, provider, clock):
    push.request_watch(integration=alice.integration, resource="mail", at=clock.at)
    reconcile_due_watches(clock)

    assert set(provider.calls) == {"open mailbox", f"open {CALENDAR}@there"}
    for hook, _ in provider.channels.values():
        assert blind_lookup.is_proven(hook.channel_id, hook.token)


def test_which_calendars_there_are_is_asked_and_not_told(calendars, monkeypatch):
    monkeypatch.setitem(push_mechanisms.SUBSCRIPTION_MECHANISMS, "calendar", OWN)

    assert push.needs_watch(calendars, work_items.get_calendar_work_resource(calendars.id))
    assert not push.needs_watch(calendars, work_items.LIST_RESOURCE)


def test_it_is_heard_as_it_was_tried_and_not_taken_for_silent(followed, clock):
    clock.advance(minutes=10)

    found = watch_health.load_resource_health(followed.id, CALENDAR)

    assert found.is_trusted(clock.at)
    assert found.get_silence_start(clock.at) is None


@pytest.mark.invariant(4)
def test_nothing_of_it_stands_in_clear(followed, provider):
    name, hook = only(provider)

    row = str(Watch.objects.filter(integration=followed).values().get())

    assert not any(one in row for one in (name, hook.channel_id, hook.token))


@pytest.mark.scenario("P3")
class TestRenewing:
    def test_happens_at_half_of_its_life_where_it_stands(self, followed, provider, clock):
        name, _ = only(provider)
        clock.at += HALF
        reconcile_due_watches(clock)

        [row] = list_watches(followed)
        assert provider.calls[-1] == f"renew {name}"
        assert row.expires_at - clock.at > HALF
        assert row.due_at > clock.at

    def test_of_one_that_has_ended_opens_another_and_asks_what_was_not_told(
        self, followed, provider, clock, monkeypatch
    ):
        queued = record_messages(monkeypatch)
        provider.channels.clear()
        [row] = list_watches(followed)
        Watch.objects.update(due_at=clock.at)
        SyncWork.objects.update(next_sync_at=clock.at + HALF)

        tasks.keep_watch(watch_id=str(row.id))

        [after] = list_watches(followed)
        assert after.status == WatchStatus.LIVE
        assert after.started_at > row.started_at
        assert bytes(after.lookup_blind) == blind_lookup.blind_channel(only(provider)[1].channel_id)
        assert queued == [sync_message(SyncWork.objects.get(integration=followed))]

    def test_fails_quietly_and_is_tried_again(self, followed, provider, clock):
        clock.at += HALF
        provider.refusals = [errors.Unavailable("down")]
        reconcile_due_watches(clock)
        clock.advance(hours=2)
        reconcile_due_watches(clock)

        [row] = list_watches(followed)
        assert (row.status, row.failure_count) == (WatchStatus.LIVE, 0)

    @pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved"])
    def test_is_done_at_once_where_it_says_that_it_ends(self, followed, provider, clock, event):
        name, hook = only(provider)
        if event == "subscriptionRemoved":
            provider.channels.clear()

        ending = SubscriptionNotification(
            name, hook.channel_id, hook.token, is_lifecycle_event=True
        )
        heard = push.receive_subscription_notification(ending, at=clock.at)
        reconcile_due_watches(clock)

        assert [one.resource for one in heard] == [CALENDAR]
        assert f"renew {name}" in provider.calls
        assert len(provider.channels) == 1


class TestTheEnd:
    @pytest.mark.invariant(5)
    def test_of_one_that_was_opened_while_its_account_was_disconnected_is_said_there(
        self, calendars, alice, provider, clock
    ):
        provider.after_opening = lambda: open_purge_job(alice, calendars, clock)
        reconcile_due_watches(clock)

        [row] = list_watches(calendars)
        assert (row.status, row.expires_at) == (WatchStatus.WANTED, None)
        assert provider.calls[-1].startswith("stop ")
        assert provider.channels == {}

    def test_of_what_nobody_wants_is_said_there(self, followed, provider, clock):
        push.withdraw_watches(integration_id=followed.id, resource=CALENDAR, at=clock.at)
        reconcile_due_watches(clock)

        assert (provider.channels, list_watches(followed)) == ({}, [])

    @pytest.mark.scenario("P4")
    def test_leaves_late_calls_proven_and_about_nothing(self, followed, provider, clock):
        name, hook = only(provider)
        Watch.objects.all().delete()

        assert blind_lookup.is_proven(hook.channel_id, hook.token)
        late = SubscriptionNotification(name, hook.channel_id, hook.token)
        assert push.receive_subscription_notification(late, at=clock.at) == []
