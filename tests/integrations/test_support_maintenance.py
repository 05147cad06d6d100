"""Acts of support that disconnect nothing, notices of look-ups, and how long the rows are kept."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core import mail as outgoing
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.mail.sync import mail_quarantine
from integrations.models import (
    IntegrationStatus,
    NoticeChannel,
    OwnerNotice,
    PurgeJob,
    QuestionState,
    SetAside,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportCode,
    SupportLookup,
    SupportQuestion,
    SyncWork,
    Watch,
    WatchStatus,
)
from integrations.notifications import notice_kinds, notice_preferences
from integrations.purge import receipt_summary
from integrations.support import notices, retention, signed_orders, support_codes
from integrations.tasks import support as tasks
from integrations.tasks.notices import deliver_notice
from limited_use.models import Receipt, ReceiptLink
from limited_use.vault import sealing
from tests.factories import make_membership, make_organisation
from tests.integrations.support_desk import Desk, finish_purge, run_purge_act, run_sync_act
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
KIND, STATE = SupportActKind, SupportActState


@pytest.fixture
def desk():
    return Desk()


def tell(notice, mailoutbox):
    deliver_notice(notice_id=str(notice.id))
    return mailoutbox[-1].body


class TestMaintenance:
    @pytest.mark.claim("mail.support-synced")
    def test_makes_every_sync_of_the_product_due_and_counts_no_view(self, desk):
        past = timezone.now() - timedelta(days=3)
        SyncWork.objects.update(next_sync_at=timezone.now() + timedelta(days=1), looked_at=past)
        act, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id)

        assert run_sync_act(act) == STATE.DONE

        work = SyncWork.objects.get(integration=desk.mail)
        assert work.next_sync_at <= timezone.now()
        assert work.looked_at == past
        assert SyncWork.objects.get(integration=desk.calendar).next_sync_at > timezone.now()
        assert OwnerNotice.objects.get().message == "support_synced"

    @pytest.mark.claim("mail.support-retried")
    def test_has_skipped_messages_fetched_again(self, desk):
        sealer = sealing.get_sealer(holder=desk.mail.id, epoch=desk.mail.epoch)
        mail_quarantine.quarantine_messages(
            {"m1": "malformed"}, integration_id=desk.mail.id, sealer=sealer, at=timezone.now()
        )
        row = SetAside.objects.get()
        act, _ = desk.order(KIND.RETRY_QUARANTINED, integration_id=desk.mail.id)
        assert act.effect == {"skipped": 1}

        assert run_sync_act(act) == STATE.DONE

        row.refresh_from_db()
        assert row.try_count == 0
        assert SupportAct.objects.get().done_count == 1
        assert OwnerNotice.objects.get().message == "support_retried"

    def test_is_unnecessary_without_skipped_messages(self, desk):
        act, _ = desk.order(KIND.RETRY_QUARANTINED, integration_id=desk.mail.id)

        assert run_sync_act(act) == STATE.UNNECESSARY
        assert not OwnerNotice.objects.exists()

    @pytest.mark.claim("mail.support-push-renewed")
    def test_renews_notifications_of_changes(self, desk):
        later = timezone.now() + timedelta(days=3)
        watch = Watch.objects.create(
            integration=desk.mail, connection=desk.connection, resource="mail", kind="topic",
            status=WatchStatus.LIVE, lookup_blind=bytes(32), wanted_at=timezone.now(),
            started_at=timezone.now(), expires_at=later, due_at=later,
        )  # fmt: skip
        Watch.objects.create(
            integration=desk.mail, connection=desk.connection, resource="mail", kind="topic",
            status=WatchStatus.LEAVING, wanted_at=timezone.now(), due_at=later,
        )  # fmt: skip
        act, _ = desk.order(KIND.RENEW_PUSH, integration_id=desk.mail.id)
        assert act.effect == {"watches": 1}

        assert run_sync_act(act) == STATE.DONE

        watch.refresh_from_db()
        assert watch.due_at <= timezone.now()
        assert OwnerNotice.objects.get().message == "support_push_renewed"

    def test_stops_if_the_owner_has_to_reconnect_by_then(self, desk):
        act, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id)
        desk.mail.status = IntegrationStatus.REAUTH_REQUIRED
        desk.mail.save()

        assert run_sync_act(act) == STATE.STOPPED

    def test_is_unnecessary_after_a_disconnect(self, desk):
        act, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id)
        desk.disconnect_as_owner()

        assert run_sync_act(act) == STATE.UNNECESSARY

    def test_changes_nothing_of_somebody_whom_the_agent_did_not_find(self, desk):
        """A staff process could sign an order for Alice that names a mailbox of Bob."""
        bob, lookup, at = Desk(sam=desk.sam), desk.find(), timezone.now()
        later = at + timedelta(days=1)
        SyncWork.objects.update(next_sync_at=later)
        with acting_as(ProcessClass.STAFF, desk.actor):
            act = SupportAct(
                agent_id=desk.sam.id, kind=KIND.SYNC_NOW, lookup=lookup, user=desk.alice,
                integration_id=bob.mail.id, reason="other", asked_at=at, next_try_at=at,
            )  # fmt: skip
            act.signature = signed_orders.sign_act(act)
            act.save(force_insert=True)

        assert run_sync_act(act) == STATE.WAITING

        assert SyncWork.objects.get(integration=bob.mail).next_sync_at == later
        assert not OwnerNotice.objects.exists()

    def test_is_not_done_for_an_agent_who_was_demoted(self, desk):
        act, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id)
        desk.sam.role = "member"
        desk.sam.save()

        assert run_sync_act(act) == STATE.STOPPED


@pytest.fixture
def receipt(desk):
    """Return the receipt of Alice's mail, which support disconnected."""
    act, _ = desk.order(KIND.REVOKE_INTEGRATION, integration_id=desk.mail.id)
    run_purge_act(act)
    job = finish_purge(PurgeJob.objects.get())
    return Receipt.objects.get(id=job.receipt_id)


@pytest.mark.django_db(transaction=True)
class TestReceipt:
    @pytest.mark.claim("receipt.support-acts")
    def test_names_support_and_the_reason(self, receipt):
        document = json.loads(bytes(receipt.document))

        body = document["body"]
        assert (body["trigger"], body["support_reason"]) == ("support", "device_lost")
        assert body["why"] == (
            "Support disconnected it. Reason given by the agent: A device was lost or stolen."
        )
        assert "support agents did with this account" in body["remains"]["support"]
        assert SupportAct.objects.filter(integration_id__isnull=False).exists()
        summary = receipt_summary.summarize_receipt(document)
        assert summary.reason == (
            "Support disconnected it. Reason given by the agent: A device is lost or stolen."
        )
        assert "Acts of support" in {str(note.topic) for note in summary.notes}

    @pytest.mark.claim(
        "support.link-to-the-person", "notice.support-receipt-sent", "mail.support-receipt-sent"
    )
    def test_link_is_mailed_to_the_person_and_shown_to_nobody_else(self, desk, receipt, mailoutbox):
        mailoutbox.clear()
        act, _ = desk.order(KIND.SEND_RECEIPT_LINK, receipt_id=receipt.id)
        before = ReceiptLink.objects.count()

        assert run_purge_act(act) == STATE.DONE

        (mail,) = mailoutbox
        assert mail.to == [desk.alice.email]
        assert re.search(r"/receipts/[\w-]{40,}", mail.body)
        assert ReceiptLink.objects.count() == before + 1
        notice = OwnerNotice.objects.get(message="support_receipt_sent")
        assert (notice.about, notice.product) == (act.id, "mail")

    def test_link_that_no_server_takes_is_tried_again_and_leaves_no_link(
        self, desk, receipt, settings, mailoutbox
    ):
        mailoutbox.clear()
        act, _ = desk.order(KIND.SEND_RECEIPT_LINK, receipt_id=receipt.id)
        before = ReceiptLink.objects.count()
        settings.MAIL_IS_SENT = False

        assert run_purge_act(act) == STATE.WAITING

        assert (ReceiptLink.objects.count(), mailoutbox) == (before, [])
        assert not OwnerNotice.objects.filter(message="support_receipt_sent").exists()
        settings.MAIL_IS_SENT = True
        later = timezone.now() + timedelta(hours=1)
        assert run_purge_act(act, now=lambda: later) == STATE.DONE


class TestLookUps:
    @pytest.mark.claim("notice.support-looked-up", "mail.support-looked-up")
    def test_are_told_once_in_each_organisation_of_the_person(self, desk, mailoutbox):
        other = make_organisation("Other")
        make_membership(desk.alice, other)
        make_membership(desk.alice, make_organisation("Left"), left_at=timezone.now())
        lookup = desk.find()
        kind = notice_kinds.find_notice_kind("support_looked_up")
        notice_preferences.choose_channel(
            kind, NoticeChannel.PLATFORM_MAIL, user_id=desk.alice.id,
            organisation_id=other.id, at=timezone.now(),
        )  # fmt: skip

        with acting_as(ProcessClass.PURGE):
            tasks.notify_of_lookup(lookup_id=str(lookup.id))
            tasks.notify_of_lookup(lookup_id=str(lookup.id))
            tasks.sweep_support()

        notices = OwnerNotice.objects.filter(message="support_looked_up")
        assert {notice.organisation_id for notice in notices} == {desk.acme.id, other.id}
        assert notices.count() == 2
        assert SupportLookup.objects.get().notified_at is not None
        body = tell(notices.get(organisation_id=other.id), mailoutbox)
        assert "The person asked for help." in body
        assert "support agent of Antares looked up the state of your connections" in body

    def test_whose_task_was_lost_are_told_by_the_sweep(self, desk):
        desk.find()

        with acting_as(ProcessClass.PURGE):
            tasks.sweep_support()

        assert OwnerNotice.objects.get().message == "support_looked_up"

    def test_are_told_although_a_notice_of_an_earlier_one_fails(self, desk, monkeypatch):
        earlier, later, notify = desk.find(), desk.find(), notices.notify_of_lookup

        def fail_for_the_earlier(lookup_id, *, at):
            if lookup_id == earlier.id:
                raise RuntimeError("a bug")
            return notify(lookup_id, at=at)

        monkeypatch.setattr(notices, "notify_of_lookup", fail_for_the_earlier)
        with acting_as(ProcessClass.PURGE):
            tasks.sweep_support()

        assert OwnerNotice.objects.get().about == later.id

    def test_are_on_the_page_alone_unless_the_person_chooses_mail(self, desk, mailoutbox):
        lookup = desk.find()
        notices.notify_of_lookup(lookup.id, at=timezone.now())

        deliver_notice(notice_id=str(OwnerNotice.objects.get().id))

        assert mailoutbox == outgoing.outbox == []


class TestRetention:
    def test_deletes_codes_after_thirty_days_and_the_rest_after_ninety(self, desk):
        lookup = desk.find()
        act, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id, lookup=lookup)
        waiting, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.calendar.id)
        at = timezone.now()
        run_sync_act(act)
        support_codes.make_code(user_id=desk.alice.id, at=at)
        SupportQuestion.objects.create(
            agent_id=desk.sam.id, lookup=lookup, user=desk.alice, kind="message", reason="other",
            text="Which one?", state=QuestionState.DECLINED, asked_at=at, expires_at=at,
            answered_at=at,
        )  # fmt: skip

        with acting_as(ProcessClass.PURGE):
            retention.delete_old_rows(at=at + timedelta(days=29))
            assert SupportCode.objects.exists()
            retention.delete_old_rows(at=at + timedelta(days=89))
        assert not SupportCode.objects.exists()
        assert SupportQuestion.objects.exists()
        assert SupportAct.objects.count() == SupportLookup.objects.count() == 2

        with acting_as(ProcessClass.PURGE):
            retention.delete_old_rows(at=at + timedelta(days=91))

        assert not SupportQuestion.objects.exists()
        assert SupportAct.objects.get().id == waiting.id
        assert SupportLookup.objects.get().id == waiting.lookup_id

    def test_is_a_periodic_task(self):
        with acting_as(ProcessClass.PURGE):
            tasks.clear_support()
