"""How often a provider is asked, and what follows from what it tells and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Alarm
from integrations.models import IntegrationStatus, StatusReason, SyncWork, Watch
from integrations.push import silence_alarm
from integrations.push.watch_health import RECHECK_SECONDS
from integrations.sync.integration_status import QUIET_FOR
from tests.integrations.push.conftest import alice, clock, keyring, mailbox, provider, told_of
from tests.integrations.push.conftest import reconcile_due_watches as see_to_watches

__all__ = ["alice", "clock", "keyring", "mailbox", "provider"]

SELDOM, OFTEN = 600, 60
HOUR = timedelta(hours=1)


@pytest.fixture
def told(alice, mailbox, clock):
    """Return Alice, whose mailbox the provider tells of, as it has shown."""
    see_to_watches(clock)
    clock.at = timezone.now()
    told_of(mailbox.email, clock)
    alice.settle()
    long_ago()
    return alice


def long_ago() -> None:
    """Let what was told and found lie back an hour, and the last look ten minutes."""
    then = timezone.now() - HOUR
    Watch.objects.update(started_at=then - HOUR, last_event_at=then)
    looked_at = timezone.now() - timedelta(minutes=10)
    SyncWork.objects.update(last_synced_at=looked_at, last_event_at=then)


def rest_of(house) -> float:
    """Return for how many seconds nothing is looked for now."""
    return (house.work.next_sync_at - timezone.now()).total_seconds()


def tell_of_mail(house, mailbox, clock) -> None:
    clock.at = timezone.now()
    assert told_of(mailbox.email, clock)


class TestPollInterval:
    def test_is_rare_while_the_provider_tells(self, told):
        told.settle()

        assert SELDOM - 10 < rest_of(told) <= SELDOM

    def test_is_as_often_as_ever_until_it_was_heard(self, alice, clock):
        see_to_watches(clock)

        alice.settle()

        assert OFTEN - 10 < rest_of(alice) <= OFTEN

    def test_is_as_often_as_ever_where_it_does_not_tell(self, alice, settings, clock):
        settings.PUSH = replace(settings.PUSH, pubsub_topic="")
        see_to_watches(clock)

        alice.settle()

        assert OFTEN - 10 < rest_of(alice) <= OFTEN
        assert not Watch.objects.exists()

    @pytest.mark.scenario("P3")
    def test_is_as_often_as_ever_once_the_watch_is_over(self, told, mailbox):
        Watch.objects.update(expires_at=timezone.now() - HOUR)
        mailbox.deliver()

        told.settle()

        # What came meanwhile is found by asking, and nobody is blamed for not having told.
        assert told.messages.count() == 1
        assert OFTEN - 10 < rest_of(told) <= OFTEN
        assert Watch.objects.get().silent_since is None


@pytest.mark.scenario("P1")
class TestASilentProvider:
    def test_is_found_out_by_what_it_did_not_tell(self, told, mailbox):
        mailbox.deliver()

        told.settle()

        assert told.messages.count() == 1
        assert OFTEN - 10 < rest_of(told) <= OFTEN
        assert Watch.objects.get().silent_since is not None

    def test_is_shown_once_it_has_lasted(self, told, mailbox):
        mailbox.deliver()
        told.settle()
        assert told.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)
        Watch.objects.update(silent_since=timezone.now() - QUIET_FOR)

        told.settle()

        assert told.status == (IntegrationStatus.DEGRADED, StatusReason.PUSH_SILENT)

    def test_is_trusted_again_when_it_is_heard(self, told, mailbox, clock):
        mailbox.deliver()
        told.settle()
        Watch.objects.update(silent_since=timezone.now() - QUIET_FOR)
        told.settle()

        mailbox.deliver()
        tell_of_mail(told, mailbox, clock)
        told.settle()

        assert told.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)
        assert SELDOM - 10 < rest_of(told) <= SELDOM

    def test_that_never_spoke_is_silent_once_there_was_something_to_tell(
        self, alice, mailbox, clock
    ):
        see_to_watches(clock)
        Watch.objects.update(started_at=timezone.now() - HOUR)
        alice.settle()
        SyncWork.objects.update(last_synced_at=timezone.now() - timedelta(minutes=10))
        mailbox.deliver()
        alice.settle()
        Watch.objects.update(silent_since=timezone.now() - QUIET_FOR)

        alice.settle()

        assert alice.status == (IntegrationStatus.DEGRADED, StatusReason.PUSH_SILENT)

    def test_that_never_spoke_of_an_empty_mailbox_is_asked_often_and_not_blamed(self, alice, clock):
        see_to_watches(clock)
        Watch.objects.update(started_at=timezone.now() - HOUR)

        alice.settle()

        assert alice.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)
        assert OFTEN - 10 < rest_of(alice) <= OFTEN

    def test_is_not_what_was_on_its_way(self, told, mailbox, clock):
        SyncWork.objects.update(last_synced_at=timezone.now() - timedelta(seconds=5))
        Watch.objects.update(last_event_at=timezone.now() - timedelta(seconds=20))
        mailbox.deliver()

        told.settle()

        assert Watch.objects.get().silent_since is None

    @pytest.mark.scenario("O6")
    def test_that_tells_nobody_anything_is_the_operators(self, told, mailbox):
        now = timezone.now()
        assert silence_alarm.alarm_silent_providers(at=now) == []
        Watch.objects.update(last_event_at=None)

        assert silence_alarm.alarm_silent_providers(at=now) == ["google"]
        assert silence_alarm.alarm_silent_providers(at=now) == ["google"]
        assert Alarm.objects.get().kind == "provider.push_silent"


@pytest.mark.scenario("P2")
class TestNewsThatIsNotThereYet:
    def test_is_looked_for_again_until_it_is_told_where(self, told, mailbox, clock):
        mailbox.deliver()
        mailbox.slow_history = 2
        tell_of_mail(told, mailbox, clock)

        told.run()
        first = rest_of(told)
        told.run()
        second = rest_of(told)
        told.run()

        assert 0 < first <= RECHECK_SECONDS[0] < second + 1
        assert second <= RECHECK_SECONDS[1]
        assert told.messages.count() == 1
        assert rest_of(told) > SELDOM - 10

    def test_is_looked_for_again_until_it_can_be_read(self, told, mailbox, clock):
        late, other = mailbox.deliver(), mailbox.deliver()
        mailbox.unreadable[late] = 2
        tell_of_mail(told, mailbox, clock)
        cursor = bytes(SyncWork.objects.values_list("cursor", flat=True).get() or b"")

        told.run()

        # Its neighbour is here; the place to go on from stays, so that nothing is passed by.
        assert told.messages.count() == 1
        assert bytes(SyncWork.objects.values_list("cursor", flat=True).get()) == cursor
        assert rest_of(told) <= RECHECK_SECONDS[0]
        told.run()
        told.run()

        assert told.messages.count() == 2
        assert rest_of(told) > SELDOM - 10
        assert other

    def test_is_gone_again_if_it_does_not_appear(self, told, mailbox, clock):
        gone = mailbox.deliver()
        mailbox.unreadable[gone] = 100
        tell_of_mail(told, mailbox, clock)
        Watch.objects.update(
            last_event_at=timezone.now() - timedelta(seconds=RECHECK_SECONDS[-1] + 1)
        )

        told.settle()

        assert told.messages.count() == 0
        assert rest_of(told) > SELDOM - 10
        before = mailbox.calls.count("fetch")
        told.settle()
        assert mailbox.calls.count("fetch") == before

    @pytest.mark.scenario("P5")
    def test_that_was_found_already_is_looked_for_a_few_times_at_most(self, told, mailbox, clock):
        tell_of_mail(told, mailbox, clock)
        looks = 0
        for passed in (0.5, 1.0, 2, 3, 5, 8, 13, 20, 21):
            Watch.objects.update(last_event_at=timezone.now() - timedelta(seconds=passed))
            told.run()
            looks += rest_of(told) < OFTEN

        assert looks <= 2 * len(RECHECK_SECONDS)
        assert rest_of(told) > SELDOM - 10


@pytest.mark.scenario("P5")
def test_ten_notifications_bring_one_message_once(told, mailbox, clock):
    mailbox.deliver()
    for _ in range(10):
        tell_of_mail(told, mailbox, clock)
        told.run()

    assert told.messages.count() == 1
    assert mailbox.calls.count("fetch") == 1
