"""The first sync and the rounds after it."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import current_thread, main_thread

import pytest
from django.db import connections
from django.utils import timezone

from integrations.models import (
    Attachment,
    IntegrationStatus,
    MessageBody,
    Reconciliation,
    StatusReason,
    SyncStage,
    SyncWork,
    Thread,
)
from integrations.sync import work_leases
from tests.fakes.mail import KilledDuringFetch
from tests.integrations import household as houses


def days_ago(days: float):
    return timezone.now() - timedelta(days=days)


class TestASnapshot:
    def test_brings_every_message_with_body_and_thread(self, alice, mailbox):
        for day in range(5):
            mailbox.deliver(at=days_ago(day))

        alice.settle()

        assert alice.messages.count() == MessageBody.objects.count() == 5
        assert Thread.objects.filter(integration=alice.integration).count() == 5
        assert alice.work.stage == SyncStage.DELTA
        assert alice.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)

    @pytest.mark.claim("outcome.mail-coming")
    def test_brings_the_newest_first(self, alice, mailbox):
        at = [days_ago(number / 10) for number in range(500)]
        for each in at:
            mailbox.deliver(at=each)

        counts = set()

        def look():
            stored = set(alice.messages.values_list("received_at", flat=True))
            if current_thread() is not main_thread():
                connections.close_all()
            counts.add(len(stored))
            assert stored == set(at[: len(stored)])

        mailbox.meanwhile = look
        alice.settle()

        assert alice.messages.count() == 500
        assert any(0 < count < 500 for count in counts)

    def test_counts_a_thread_from_its_messages(self, alice, mailbox):
        for day in (3, 2, 1):
            mailbox.deliver(at=days_ago(day), thread="t1")
        mailbox.deliver(at=days_ago(4), thread="t1", label_ids=("INBOX", "STARRED"))

        alice.settle()

        thread = Thread.objects.get(integration=alice.integration)
        newest = alice.messages.latest("received_at")
        assert (thread.message_count, thread.unread_count) == (4, 3)
        assert thread.is_starred
        assert thread.last_message_id == newest.id

    @pytest.mark.claim("export.no-older")
    @pytest.mark.claim("data-use.horizon", "stored.mail")
    @pytest.mark.claim("details.horizon")
    def test_keeps_to_the_horizon(self, alice, mailbox):
        mailbox.deliver(at=days_ago(89))
        mailbox.deliver(at=days_ago(91))

        alice.settle()

        assert alice.messages.count() == 1

    @pytest.mark.invariant(11)
    def test_leaves_older_messages_of_a_kept_thread_at_the_provider(self, alice, mailbox):
        for day in (1, 2, 3, 100, 200):
            mailbox.deliver(at=days_ago(day), thread="long")

        alice.settle()

        assert alice.messages.count() == 3
        assert "fetch_thread" in mailbox.calls

    @pytest.mark.claim("export.no-older")
    def test_does_not_fetch_spam_or_trash(self, alice, mailbox):
        mailbox.deliver(label_ids=("SPAM",))
        mailbox.deliver(label_ids=("TRASH",))
        mailbox.deliver()

        alice.settle()

        assert alice.messages.count() == 1

    @pytest.mark.scenario("S10")
    def test_misses_nothing_that_arrives_while_it_lists(self, alice, mailbox):
        for day in range(1, 4):
            mailbox.deliver(at=days_ago(day))
        # The adapter reads its clock first; what comes afterwards is in the history.
        alice.run(time_budget=timedelta(0))
        alice.run(time_budget=timedelta(0))
        late = mailbox.deliver()

        alice.settle()

        assert alice.messages.count() == 4
        assert late in mailbox.messages

    @pytest.mark.invariant(7)
    @pytest.mark.scenario("S3")
    def test_that_is_killed_at_any_call_never_skips(self, db, mailbox, settings):
        # One call after the other, over several windows of the listing.
        settings.GMAIL_CONCURRENCY = 1
        mailbox.page_size = 2
        for day in range(16):
            mailbox.deliver(at=days_ago(day + 0.5))
        whole = houses.household()
        whole.settle()
        calls = len(mailbox.calls)

        for cut in range(1, calls + 1):
            killed = houses.household()
            mailbox.calls, mailbox.kills_at = [], cut
            with pytest.raises(KilledDuringFetch):
                killed.run()
            mailbox.kills_at = None
            # Its lease runs out.
            SyncWork.objects.filter(integration=killed.integration).update(
                lease_by=None, lease_until=None
            )
            killed.settle()

            assert killed.messages.values("remote_blind").distinct().count() == 16, cut
            # The comparison at the end would have mended a gap, and would say so.
            compared = Reconciliation.objects.filter(integration=killed.integration)
            assert [(one.missing_count, one.extra_count) for one in compared] == [(0, 0)], cut

    @pytest.mark.scenario("D1")
    @pytest.mark.scenario("S5")
    def test_replaces_after_the_provider_forgot_the_history(self, alice, mailbox):
        ids = [mailbox.deliver(at=days_ago(day)) for day in range(1, 13)]
        alice.settle()
        for message_id in ids[:5]:
            mailbox.delete(message_id)
        mailbox.forget_history()
        # Listing takes longer than a turn.
        mailbox.meanwhile = lambda: time.sleep(1.1 if mailbox.calls[-1] == "list_page" else 0)

        alice.run(time_budget=timedelta(seconds=1))

        assert alice.work.round == 2
        assert alice.status == (IntegrationStatus.DEGRADED, StatusReason.RESYNCING)
        mailbox.meanwhile = None
        alice.settle()
        assert alice.messages.count() == 7
        assert alice.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)
        assert Thread.objects.filter(integration=alice.integration).count() == 7

    def test_keeps_the_ids_of_messages_that_it_sees_again(self, alice, mailbox):
        for day in range(1, 5):
            mailbox.deliver(at=days_ago(day))
        alice.settle()
        before = set(alice.messages.values_list("id", flat=True))
        mailbox.forget_history()

        alice.settle()

        assert set(alice.messages.values_list("id", flat=True)) == before

    def test_shows_progress_before_it_ends(self, alice, mailbox):
        for day in range(60):
            mailbox.deliver(at=days_ago(day))

        alice.run(time_budget=timedelta(0))

        assert alice.status[0] == IntegrationStatus.SYNCING


class TestAHorizonThatMoves:
    def test_brings_what_is_newly_within_without_fetching_the_rest_again(self, alice, mailbox):
        for day in (10, 20, 100, 200):
            mailbox.deliver(at=days_ago(day))
        alice.settle()
        alice.integration.horizon_days = 365
        alice.integration.save()
        work_leases.restart_listing(integration_id=alice.integration.id, at=alice.at)
        mailbox.calls.clear()

        alice.settle()

        assert alice.messages.count() == 4
        assert mailbox.calls.count("fetch") == 2

    def test_sweeps_what_is_no_longer_within(self, alice, mailbox):
        for day in (10, 20, 60, 80):
            mailbox.deliver(at=days_ago(day))
        alice.settle()
        alice.integration.horizon_days = 30
        alice.integration.save()
        work_leases.restart_listing(integration_id=alice.integration.id, at=alice.at)

        alice.settle()

        assert alice.messages.count() == 2
        assert Attachment.objects.count() == 0
