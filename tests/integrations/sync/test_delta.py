"""What changes after the first sync."""

from __future__ import annotations

import secrets
from datetime import timedelta

import orjson
import pytest
from django.utils import timezone

from integrations import mail
from integrations.mail import MailFilters
from integrations.mail.sync import mail_quarantine, mail_reconciliation, message_store
from integrations.models import (
    IntegrationStatus,
    MessageBody,
    QuotaBucket,
    Reconciliation,
    RemovalReason,
    SetAside,
    StatusReason,
    SyncWork,
    Thread,
)
from integrations.providers import errors
from tests.integrations import household as houses
from tests.integrations.mail.conftest import make_context


def days_ago(days: float):
    return timezone.now() - timedelta(days=days)


def nested(depth: int) -> bytes:
    head = b"From: bob@example.test\nSubject: deep\nMIME-Version: 1.0\n"
    parts = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    return head + parts + b"\nend\n"


def delete_rows(message_ids, house):
    """Delete stored messages that the provider still has."""
    message_store.delete_rows(
        message_ids,
        integration_id=house.integration.id,
        reason=RemovalReason.DELETED_AT_PROVIDER,
        at=house.at,
    )


@pytest.fixture
def synced(alice, mailbox):
    for day in range(1, 5):
        mailbox.deliver(at=days_ago(day))
    alice.settle()
    mailbox.calls.clear()
    return alice


class TestADelta:
    def test_brings_what_was_delivered(self, synced, mailbox):
        mailbox.deliver()

        synced.settle()

        assert synced.messages.count() == 5
        assert mailbox.calls.count("fetch") == 1

    @pytest.mark.invariant(7)
    def test_begins_no_page_that_the_quota_does_not_let_it_end(self, synced, mailbox, settings):
        settings.GMAIL_UNITS_PER_MINUTE = 6_000
        for _ in range(50):
            mailbox.deliver()
        # A first sync has spent nearly everything, a moment ago.
        connection_id = synced.connection.id
        QuotaBucket.objects.create(
            connection_id=connection_id, units=200, counted_at=timezone.now()
        )

        synced.run()
        fetched_meanwhile = mailbox.calls.count("fetch")
        QuotaBucket.objects.update(units=1_500, counted_at=timezone.now())
        synced.settle()

        # Or the first few would be fetched again and again, and the last ones never.
        assert fetched_meanwhile == 0
        assert mailbox.calls.count("fetch") == 50
        assert synced.messages.count() == 54

    @pytest.mark.scenario("D2")
    def test_removes_what_was_deleted_with_its_thread_and_body(self, synced, mailbox):
        mailbox.delete(next(iter(mailbox.messages)))

        synced.settle()

        assert synced.messages.count() == MessageBody.objects.count() == 3
        assert Thread.objects.count() == 3

    @pytest.mark.claim("export.no-older")
    def test_removes_what_went_to_the_trash_and_brings_it_back(self, synced, mailbox):
        moved = next(iter(mailbox.messages))
        mailbox.relabel(moved, add=("TRASH",))
        synced.settle()
        assert synced.messages.count() == 3

        mailbox.relabel(moved, remove=("TRASH",))
        synced.settle()

        assert synced.messages.count() == 4

    def test_updates_flags_without_fetching(self, synced, mailbox):
        for message_id in mailbox.messages:
            mailbox.relabel(message_id, add=("STARRED",), remove=("UNREAD", "INBOX"))

        synced.settle()

        assert mailbox.calls.count("fetch") == 0
        for row in synced.messages:
            assert (row.is_unread, row.is_starred, row.folders) == (False, True, ["archive"])
        assert not Thread.objects.filter(unread_count__gt=0).exists()

    def test_updates_the_users_own_labels_without_opening_anything(self, synced, mailbox):
        mailbox.names["Label_7"] = "Taxes"
        mailbox.relabel(next(iter(mailbox.messages)), add=("Label_7",))

        synced.settle()

        page = orjson.loads(mail.list_messages(make_context(synced), MailFilters()))
        assert sorted(one["labels"] for one in page["data"]) == [[], [], [], ["Taxes"]]
        assert mailbox.calls.count("fetch") == 0

    def test_does_not_mind_a_message_that_is_gone_before_it_is_fetched(self, synced, mailbox):
        mailbox.deliver()
        mailbox.delete(next(reversed(mailbox.messages)))

        synced.settle()

        assert synced.messages.count() == 4

    def test_keeps_to_the_horizon(self, synced, mailbox):
        mailbox.deliver(at=days_ago(200))

        synced.settle()

        assert synced.messages.count() == 4

    @pytest.mark.invariant(7)
    def test_moves_its_cursor_only_with_its_rows(self, synced, mailbox):
        for _ in range(3):
            mailbox.deliver()
        before = bytes(SyncWork.objects.values_list("cursor", flat=True).get())
        # Listing the changes works; fetching does not.
        original = mailbox.refusals
        synced_calls = mailbox.calls

        class AfterChanges(list):
            def __bool__(self):
                return synced_calls[-1] == "fetch"

            def pop(self, _=0):
                return errors.Unavailable("down")

        mailbox.refusals = AfterChanges()
        synced.run()

        assert bytes(SyncWork.objects.values_list("cursor", flat=True).get()) == before
        mailbox.refusals = original
        synced.settle()
        assert synced.messages.count() == 7


@pytest.mark.invariant(8)
class TestPoison:
    @pytest.mark.scenario("S2")
    def test_is_set_aside_and_its_neighbours_arrive(self, synced, mailbox):
        mailbox.deliver()
        mailbox.deliver(nested(5_000))
        mailbox.deliver(b"")
        mailbox.deliver(b"Content-Type: text/plain; charset=nonsense\n\n\xff\xfe")

        synced.settle()

        assert synced.messages.count() == 7
        row = SetAside.objects.get()
        assert row.reason in {"too-deep", "too-many-parts"}
        assert synced.status == (IntegrationStatus.DEGRADED, StatusReason.QUARANTINED_ITEMS)

    @pytest.mark.scenario("S2")
    def test_is_not_fetched_again_until_somebody_asks(self, synced, mailbox):
        poison = mailbox.deliver(nested(5_000))
        synced.settle()
        mailbox.calls.clear()
        synced.settle()
        assert mailbox.calls.count("fetch") == 0
        mailbox.messages[poison].content = b"Subject: mended\n\nfine\n"

        mail_quarantine.retry_all_quarantined(integration_id=synced.integration.id, at=synced.at)
        synced.settle()

        assert not SetAside.objects.exists()
        assert synced.messages.count() == 5
        assert synced.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)

    def test_in_the_first_sync_does_not_hold_it_up(self, alice, mailbox):
        for day in range(1, 4):
            mailbox.deliver(at=days_ago(day))
        mailbox.deliver(nested(5_000), at=days_ago(2))

        alice.settle()

        assert alice.messages.count() == 3
        assert SetAside.objects.count() == 1


@pytest.mark.scenario("S1")
class TestReconciling:
    def test_counts_and_heals_what_is_missing(self, synced):
        for row in synced.messages[:2]:
            delete_rows([row.id], synced)
        mail_reconciliation.request_reconciliation(
            integration_id=synced.integration.id, at=synced.at
        )

        synced.settle()

        last = Reconciliation.objects.latest("compared_at")
        assert (last.provider_count, last.our_count) == (4, 2)
        assert (last.missing_count, last.repaired_count) == (2, 2)
        assert synced.messages.count() == 4
        assert synced.status == (IntegrationStatus.ACTIVE, StatusReason.NONE)

    def test_asks_about_what_only_we_have_and_removes_it(self, synced, mailbox):
        gone = next(iter(mailbox.messages))
        # Deleted without a trace in the history.
        del mailbox.messages[gone]
        mail_reconciliation.request_reconciliation(
            integration_id=synced.integration.id, at=synced.at
        )

        synced.settle()

        last = Reconciliation.objects.latest("compared_at")
        assert (last.extra_count, last.repaired_count) == (1, 1)
        assert synced.messages.count() == 3

    def test_of_a_large_mailbox_looks_into_the_older_part_as_well(
        self, synced, mailbox, monkeypatch
    ):
        # One in each quarter of the time before the newest, and all of it is drawn.
        older = [mailbox.deliver(at=days_ago(day)) for day in (10, 30, 50, 70)]
        synced.settle()
        mailbox.page_size = 4
        monkeypatch.setattr(mail_reconciliation, "WHOLE", 4)
        monkeypatch.setattr(secrets, "randbelow", lambda below: below - 1)
        del mailbox.messages[older[1]]
        delete_rows([synced.messages.order_by("received_at")[1].id], synced)
        mail_reconciliation.request_reconciliation(
            integration_id=synced.integration.id, at=synced.at
        )

        synced.settle()

        last = Reconciliation.objects.latest("compared_at")
        assert (last.provider_count, last.our_count) == (7, 7)
        assert (last.missing_count, last.extra_count, last.repaired_count) == (1, 1, 2)
        assert synced.messages.count() == len(mailbox.messages)

    def test_happens_after_the_first_sync_and_is_due_daily(self, synced):
        assert Reconciliation.objects.count() == 1
        assert synced.work.reconcile_at > synced.at + timedelta(hours=23)

    def test_sweeps_what_grew_older_than_the_horizon(self, synced, mailbox):
        synced.messages.filter(received_at__lt=days_ago(3.5)).update(received_at=days_ago(91))
        mail_reconciliation.request_reconciliation(
            integration_id=synced.integration.id, at=synced.at
        )
        stale = next(reversed(mailbox.messages))
        mailbox.messages[stale].received_at = days_ago(91)

        synced.settle()

        assert synced.messages.count() == 3


@pytest.mark.scenario("D5")
class TestTheSameMailInTwoConnections:
    def test_is_two_rows_of_which_one_may_go(self, alice, mailbox):
        mailbox.deliver()
        second = houses.household(who=(alice.user, alice.organisation, alice.membership))
        alice.settle()
        second.settle()

        delete_rows(list(alice.messages.values_list("id", flat=True)), alice)

        assert alice.messages.count() == 0
        assert second.messages.count() == 1


@pytest.mark.scenario("S4")
class TestAMessageUnderANewId:
    def test_is_another_message_and_the_old_one_goes(self, synced, mailbox):
        content = b"Message-ID: <same@x>\nSubject: again\n\nhello\n"
        first = mailbox.deliver(content)
        synced.settle()
        mailbox.delete(first)
        mailbox.deliver(content)

        synced.settle()

        assert synced.messages.count() == 5
        assert synced.messages.filter(rfc822_blind__isnull=False).count() == 1
