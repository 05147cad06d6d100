"""A command is sent exactly once, or its outcome is honestly unknown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import memberships
from accounts.models import Alarm
from config.process_classes import ProcessClass
from integrations.access.request_context import ObjectNotFound
from integrations.connections import connection_operations, consents
from integrations.coordination.leases import NotClaimable
from integrations.models import (
    DeliveryReport,
    OutboxCommand,
    OutboxProblem,
    OutboxState,
    OwnerNotice,
    PurgeJob,
)
from integrations.outbox import command_outcomes, commands, dispatch
from integrations.providers import errors
from integrations.providers.provider_access import ProviderAccess
from limited_use.vault.fields import StoredCiphertext
from tests.fakes.mail import KilledDuringFetch
from tests.integrations import household as houses
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock
from tests.walls import acting_as


def sent(mailbox):
    return [entry for entry in mailbox.messages.values() if "SENT" in entry.label_ids]


def count_open_notices() -> int:
    """Return how many notices the bell counts."""
    return OwnerNotice.objects.filter(read_at=None, resolved_at=None).count()


@pytest.fixture
def renewable(monkeypatch):
    """A rejected token can be renewed."""
    monkeypatch.setattr(ProviderAccess, "renew", lambda *_: None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.invariant(9)
class TestDispatch:
    @pytest.mark.claim("outbox.sent", "feature.sending", "feature.sending-disclosure")
    def test_sends_after_the_undo_window(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        assert command.state == OutboxState.WAITING
        assert mailbox.calls == []

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.content, len(sent(mailbox))) == (OutboxState.SENT, None, 1)
        alice.integration.refresh_from_db()
        assert alice.integration.sent_count == 1

    @pytest.mark.scenario("M1")
    def test_looks_before_it_sends_again_when_the_answer_was_lost(self, alice, mailbox):
        mailbox.lost_answers.append("send_draft")
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert (command.state, len(sent(mailbox))) == (OutboxState.SENT, 1)
        assert mailbox.calls.count("send_draft") == 1

    @pytest.mark.parametrize(
        "error", [errors.Unavailable("no"), errors.RateLimited("no", retry_after=1)]
    )
    def test_sends_the_same_draft_again_once_the_mailbox_shows_that_it_was_not_sent(
        self, alice, mailbox, error
    ):
        mailbox.failing_once["send_draft"] = [error]
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert (command.state, len(sent(mailbox))) == (OutboxState.SENT, 1)
        assert mailbox.calls.count("create_draft") == 1

    @pytest.mark.claim("outbox.not-sent")
    @pytest.mark.parametrize(
        "refusal", [errors.Rejected("no"), errors.Unexpected("no", status=400)]
    )
    def test_fails_what_the_provider_refuses_and_keeps_the_text(self, alice, mailbox, refusal):
        mailbox.failing_once["send_draft"] = [refusal]
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.REJECTED)
        assert command.content is not None
        assert (sent(mailbox), mailbox.drafts) == ([], {})

    @pytest.mark.usefixtures("renewable")
    @pytest.mark.parametrize("call", ["create_draft", "send_draft"])
    @pytest.mark.parametrize(
        ("error", "alarms"),
        [
            (errors.InvalidClient("no", status=401), ["provider.invalid_client"]),
            (errors.TokenRejected("no", status=401), []),
            (errors.Unexpected("no", status=418), ["provider.unexpected"]),
        ],
    )
    def test_tries_again_after_an_error_that_is_not_of_the_message(
        self, alice, mailbox, call, error, alarms
    ):
        mailbox.failing_once[call] = [error, error]
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert (command.state, len(sent(mailbox))) == (OutboxState.SENT, 1)
        assert list(Alarm.objects.values_list("kind", flat=True)) == alarms

    def test_gives_up_after_an_hour_of_such_errors(self, alice, mailbox):
        mailbox.failing["create_draft"] = errors.InvalidClient("no", status=401)
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.UNAVAILABLE)
        assert timedelta(hours=1) <= clock.skipped <= timedelta(hours=2)

    @pytest.mark.parametrize(
        ("error", "problem", "count"),
        [
            (errors.Rejected("no", reason="file-size"), OutboxProblem.REJECTED, 1),
            (errors.Gone("no"), OutboxProblem.SOURCE_GONE, 1),
            (errors.OutcomeUnknown("no"), OutboxProblem.UNAVAILABLE, 100),
        ],
    )
    def test_that_finally_fails_leaves_no_part_of_a_draft(
        self, alice, mailbox, error, problem, count
    ):
        mailbox.failing_late["create_draft"] = [error] * count
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, problem)
        assert mailbox.drafts == {}

    def test_fails_although_the_part_of_a_draft_cannot_be_deleted(self, alice, mailbox):
        mailbox.failing_late["create_draft"] = [errors.Rejected("no", reason="file-size")]
        mailbox.failing["delete_drafts"] = errors.Unavailable("no")
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.REJECTED)

    def test_fails_and_informs_the_operator_if_the_text_cannot_be_opened(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        (raw,) = OutboxCommand.objects.filter(id=command.id).values_list("content", flat=True)
        command.__dict__["content"] = StoredCiphertext(bytes(raw)[:-1] + bytes([raw[-1] ^ 1]))
        command.save(update_fields=["content"])

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.CRASHED)
        assert Alarm.objects.filter(kind="outbox.crashing").exists()

    def test_counts_from_a_look_that_the_mailbox_answered_how_long_the_provider_fails(
        self, alice, mailbox
    ):
        mailbox.failing_once["send_draft"] = [errors.RateLimited("no", retry_after=1)] * 20
        # Accepted, and not yet shown.
        mailbox.meanwhile = mailbox.sent.clear
        command, clock = sending.order(alice), Clock()
        sending.dispatch_for(timedelta(minutes=61), command, clock)
        assert clock() - command.sending_at < timedelta(hours=1)
        mailbox.failing_once["look_for_sent"] = [errors.Unavailable("no")]
        sending.dispatch_when_due(command, clock)
        assert not mailbox.failing_once["look_for_sent"]
        mailbox.meanwhile = None
        (message_id,) = [entry.ref.message_id for entry in sent(mailbox)]
        mailbox.sent.append((str(command.id), message_id))

        sending.dispatch_until_settled(command, clock)

        assert (command.state, len(sent(mailbox))) == (OutboxState.SENT, 1)

    @pytest.mark.scenario("M2")
    def test_is_unknown_if_neither_draft_nor_sent_message_is_found(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.failing_once["send_draft"] = [errors.OutcomeUnknown("no answer")]
        mailbox.meanwhile = lambda: mailbox.drafts.clear() if command_is_sending(command) else None

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND)
        assert (command.content is not None, sent(mailbox)) == (True, [])

    @pytest.mark.claim("outbox.unknown")
    @pytest.mark.parametrize(
        "error",
        [
            errors.OutcomeUnknown("no answer"),
            errors.RateLimited("no", retry_after=1),
            errors.Rejected("no"),
        ],
    )
    def test_is_unknown_if_not_all_sent_mail_could_be_examined(self, alice, mailbox, error):
        command, clock = sending.order(alice), Clock()
        mailbox.failing_once["send_draft"] = [error]
        mailbox.is_busy = True

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND)
        assert mailbox.calls.count("send_draft") == 1
        assert len(mailbox.drafts) == 1

    def test_leaves_a_draft_that_was_changed_at_the_provider(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.failing_once["send_draft"] = [errors.OutcomeUnknown("no answer")]

        def edit() -> None:
            if command_is_sending(command):
                for draft in mailbox.drafts.values():
                    draft.message_id = "edited"

        mailbox.meanwhile = edit
        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.DRAFT_CHANGED)

    @pytest.mark.claim("outbox.stopped")
    def test_does_not_send_once_the_agreement_is_withdrawn(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()

        with acting_as(ProcessClass.WEB, alice):
            consents.withdraw_consent(
                feature="mail-sending",
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )
        command.refresh_from_db()
        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.STOPPED)

        sending.dispatch_until_settled(command, clock)
        assert mailbox.calls == []

    @pytest.mark.claim("outbox.stopped")
    @pytest.mark.parametrize("is_drafted", [False, True])
    def test_does_not_send_after_the_owner_left_the_organisation(self, alice, mailbox, is_drafted):
        command, clock = sending.order(alice), Clock()
        if is_drafted:
            mailbox.failing_once["send_draft"] = [errors.RateLimited("no", retry_after=1)]
            clock.skip(10)
            sending.dispatch_once(command, clock)

        memberships.end_membership(
            user_id=alice.user.id, organisation_id=alice.organisation.id, at=timezone.now()
        )
        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.STOPPED)
        assert sent(mailbox) == []


def command_is_sending(command) -> bool:
    return OutboxCommand.objects.filter(id=command.id, state=OutboxState.SENDING).exists()


@pytest.mark.django_db(transaction=True)
class TestAKilledWorker:
    @pytest.mark.invariant(9)
    @pytest.mark.scenario("M1")
    @pytest.mark.claim("outbox.sending")
    # Of its addresses, the draft, the request to send, and the look.
    @pytest.mark.parametrize("call", range(1, 5))
    def test_at_any_call_leaves_one_message(self, alice, mailbox, call):
        command, clock = sending.order(alice), Clock()
        clock.skip(10)
        mailbox.kills_at = call

        with pytest.raises(KilledDuringFetch):
            sending.dispatch_once(command, clock)
        assert len(mailbox.calls) == call
        mailbox.kills_at = None
        sending.dispatch_until_settled(command, clock)

        assert (command.state, len(sent(mailbox))) == (OutboxState.SENT, 1)
        assert mailbox.drafts == {}

    def test_three_times_but_not_in_a_row_raises_no_alarm(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.meanwhile = mailbox.sent.clear
        sending.dispatch_when_due(command, clock)
        assert command_is_sending(command)

        for _ in range(3):
            mailbox.failing["look_for_sent"] = KilledDuringFetch()
            with pytest.raises(KilledDuringFetch):
                sending.dispatch_when_due(command, clock)
            del mailbox.failing["look_for_sent"]
            sending.dispatch_when_due(command, clock)

        assert command_is_sending(command)
        assert not Alarm.objects.exists()

    def test_three_times_is_a_state_that_the_owner_sees(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.failing["send_addresses"] = KilledDuringFetch()

        for _ in range(3):
            command.refresh_from_db()
            clock.skip(600)
            with pytest.raises(KilledDuringFetch):
                sending.dispatch_once(command, clock)
        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.CRASHED)
        assert Alarm.objects.filter(kind="outbox.crashing").exists()


@pytest.mark.django_db(transaction=True)
class TestADisconnectDuringASend:
    def test_leaves_the_message_to_the_purge_and_raises_no_alarm(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.lost_answers.append("send_draft")
        mailbox.failing_once["look_for_sent"] = [errors.Unavailable("no")]
        clock.skip(10)
        sending.dispatch_once(command, clock)
        disconnect(alice)
        calls = list(mailbox.calls)

        for _ in range(5):
            clock.skip(600)
            assert dispatch.list_due_ids(at=clock()) == []
            with pytest.raises(NotClaimable):
                sending.dispatch_once(command, clock)

        command.refresh_from_db()
        assert (command.state, command.crash_count) == (OutboxState.SENDING, 0)
        assert mailbox.calls == calls
        assert not Alarm.objects.exists()
        assert PurgeJob.objects.get().unknown_send_count == 1


def disconnect(house) -> None:
    with acting_as(ProcessClass.WEB, house):
        connection_operations.disconnect_integration(
            integration_id=house.integration.id,
            user_id=house.user.id,
            organisation_id=house.organisation.id,
            at=timezone.now(),
        )


@pytest.mark.django_db(transaction=True)
class TestUndo:
    @pytest.mark.claim("outbox.undone")
    def test_takes_the_message_back_within_the_window(self, alice, mailbox):
        command, clock = sending.order(alice, undo_seconds=30), Clock()

        sending.undo(alice, command)
        sending.dispatch_until_settled(command, clock)

        assert (command.state, mailbox.calls) == (OutboxState.UNDONE, [])
        assert command.content is not None

    def test_is_refused_once_a_worker_has_it(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        clock.skip(10)
        sending.dispatch_once(command, clock)

        with pytest.raises(commands.CommandNotUndoable):
            sending.undo(alice, command)


REPORT = b"""From: Mail Delivery Subsystem <mailer-daemon@gmail.example>
To: alice@gmail.example
Subject: Delivery Status Notification (Failure)
Message-ID: <report@gmail.example>
In-Reply-To: <%(id)s>
References: <%(id)s>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

No such user.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; gmail.example

Final-Recipient: rfc822; bob@example.test
Action: failed
Status: 5.1.1
--b--
"""


@pytest.mark.django_db(transaction=True)
class TestABounce:
    @pytest.mark.scenario("M5")
    @pytest.mark.claim("outbox.returned")
    def test_is_attached_to_its_message(self, alice, mailbox):
        command, other = sending.order(alice), sending.order(alice)
        for sent_command in (command, other):
            sending.dispatch_until_settled(sent_command, Clock())
        mailbox.deliver(REPORT % {b"id": f"{command.id}@example.test".encode()})

        alice.settle()

        command.refresh_from_db()
        other.refresh_from_db()
        assert command.bounced_at is not None
        assert alice.messages.filter(id=command.bounce_message_id).exists()
        assert other.bounced_at is None

    def test_that_arrives_before_its_message_is_seen_as_sent_is_attached(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.lost_answers.append("send_draft")
        mailbox.failing_once["look_for_sent"] = [errors.Unavailable("no")]
        clock.skip(10)
        sending.dispatch_once(command, clock)
        mailbox.deliver(REPORT % {b"id": f"{command.id}@example.test".encode()})
        alice.settle()
        command.refresh_from_db()
        assert (command.state, command.bounced_at) == (OutboxState.SENDING, None)

        sending.dispatch_until_settled(command, clock)

        assert command.state == OutboxState.SENT
        assert alice.messages.filter(id=command.bounce_message_id).exists()
        assert list_notices(alice) == [("message_returned", command.id)]
        assert not DeliveryReport.objects.exists()

    @pytest.mark.parametrize("action", [b"delayed", b"delivered", b"relayed", b"expanded"])
    def test_is_not_told_by_a_report_of_another_action(self, alice, mailbox, action):
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())
        report = REPORT.replace(b"Action: failed", b"Action: " + action)
        mailbox.deliver(report % {b"id": f"{command.id}@example.test".encode()})

        alice.settle()

        command.refresh_from_db()
        assert command.bounced_at is None

    @pytest.mark.parametrize(
        "headers",
        [
            b"In-Reply-To: <%(second)s>\nReferences: <%(first)s> <%(second)s>",
            b"References: <%(first)s> <%(second)s>",
        ],
    )
    def test_is_attached_to_no_other_message_of_the_conversation(self, alice, mailbox, headers):
        first, second = sending.order(alice), sending.order(alice)
        for command in (first, second):
            sending.dispatch_until_settled(command, Clock())
        named = {b"first": first, b"second": second}
        report = REPORT.replace(b"In-Reply-To: <%(id)s>\nReferences: <%(id)s>", headers)
        mailbox.deliver(
            report
            % {name: b"%s@example.test" % str(one.id).encode() for name, one in named.items()}
        )

        alice.settle()

        first.refresh_from_db()
        second.refresh_from_db()
        assert first.bounced_at is None
        assert second.bounced_at is not None

    def test_needs_a_delivery_report(self, alice, mailbox):
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())
        plain = REPORT.replace(b"report; report-type=delivery-status;", b"mixed;")
        mailbox.deliver(plain % {b"id": f"{command.id}@example.test".encode()})

        alice.settle()

        command.refresh_from_db()
        assert command.bounced_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.invariant(9)
class TestAnUnknownMessage:
    @pytest.fixture
    def unknown(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.failing_once["send_draft"] = [errors.OutcomeUnknown("no answer")]
        mailbox.meanwhile = lambda: mailbox.drafts.clear() if command_is_sending(command) else None
        sending.dispatch_until_settled(command, clock)
        mailbox.meanwhile = None
        assert command.state == OutboxState.UNKNOWN
        return command

    @pytest.mark.claim("outbox.unknown")
    def test_is_sent_once_a_second_look_finds_it(self, alice, mailbox, unknown):
        mailbox.sent.append((str(unknown.id), mailbox.deliver(REPORT % {b"id": b"x@y"})))
        assert count_open_notices() == 1
        act(alice, commands.look_again, unknown)

        sending.dispatch_until_settled(unknown, Clock())

        assert unknown.state == OutboxState.SENT
        assert count_open_notices() == 0

    def test_is_looked_for_as_long_as_the_first_time_if_the_provider_fails(
        self, alice, mailbox, unknown
    ):
        OutboxCommand.objects.update(failing_since=timezone.now() - timedelta(days=1))
        mailbox.sent.append((str(unknown.id), mailbox.deliver(REPORT % {b"id": b"x@y"})))
        mailbox.failing_once["look_for_sent"] = [errors.Unavailable("no")]
        act(alice, commands.look_again, unknown)

        sending.dispatch_until_settled(unknown, Clock())

        assert unknown.state == OutboxState.SENT

    @pytest.mark.claim("outbox.returned")
    def test_that_came_back_meanwhile_is_shown_as_returned(self, alice, mailbox, unknown):
        identity = {b"id": f"{unknown.id}@example.test".encode()}
        mailbox.deliver(REPORT % identity)
        alice.settle()
        with acting_as(ProcessClass.PURGE):
            command_outcomes.delete_old_commands(at=timezone.now() + timedelta(days=2))
        sent_id = mailbox.deliver(
            b"Message-ID: <%(id)s>\r\n\r\nHello" % identity, label_ids=("SENT",)
        )
        mailbox.sent.append((str(unknown.id), sent_id))
        act(alice, commands.look_again, unknown)

        sending.dispatch_until_settled(unknown, Clock())

        assert unknown.state == OutboxState.SENT
        assert alice.messages.filter(id=unknown.bounce_message_id).exists()
        assert set(list_notices(alice)) == {
            ("send_unknown", unknown.id),
            ("message_returned", unknown.id),
        }
        assert not DeliveryReport.objects.exists()

    def test_keeps_no_report_once_it_is_deleted(self, alice, mailbox, unknown):
        mailbox.deliver(REPORT % {b"id": b"another@example.test"})
        alice.settle()
        assert DeliveryReport.objects.exists()
        with acting_as(ProcessClass.WEB, alice):
            commands.discard_command(
                unknown.id,
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )

        with acting_as(ProcessClass.PURGE):
            command_outcomes.delete_old_commands(at=timezone.now() + timedelta(days=2))

        assert not DeliveryReport.objects.exists()

    def test_stays_unknown_if_a_second_look_finds_nothing(self, alice, mailbox, unknown):
        act(alice, commands.look_again, unknown)

        sending.dispatch_until_settled(unknown, Clock())

        assert (unknown.state, unknown.problem) == (OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND)
        assert mailbox.calls.count("send_draft") == 1
        assert count_open_notices() == 1

    @pytest.mark.parametrize("action", [commands.settle_as_sent, commands.discard_command])
    def test_has_no_open_notice_once_its_owner_decides(self, alice, mailbox, unknown, action):
        act(alice, action, unknown)

        assert count_open_notices() == 0

    def test_is_settled_by_its_owner(self, alice, mailbox, unknown):
        act(alice, commands.settle_as_sent, unknown)

        unknown.refresh_from_db()
        assert (unknown.state, unknown.content) == (OutboxState.SENT, None)

    def test_is_no_business_of_another_person(self, alice, mailbox, unknown):
        mallory = houses.household()

        for action in (commands.look_again, commands.settle_as_sent):
            with pytest.raises(ObjectNotFound):
                act(mallory, action, unknown)


@pytest.mark.django_db(transaction=True)
class TestARestoredDatabase:
    def test_sends_nothing_from_older_rows(self, alice, mailbox):
        command = sending.order(alice)

        with acting_as(ProcessClass.PURGE):
            assert command_outcomes.distrust_restored_commands(at=timezone.now()) == 1
        sending.dispatch_until_settled(command, Clock())

        assert (command.state, command.problem) == (OutboxState.UNKNOWN, OutboxProblem.RESTORED)
        assert mailbox.calls == []
        assert list_notices(alice) == [("send_unknown", command.id)]
        act(alice, commands.look_again, command)
        sending.dispatch_until_settled(command, Clock())
        assert (command.state, command.problem) == (OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND)

    def test_finds_late_messages_that_were_sent_before(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.sent.append((str(command.id), mailbox.deliver(REPORT % {b"id": b"x@y"})))
        clock.skip(3600)

        sending.dispatch_once(command, clock)

        command.refresh_from_db()
        assert command.state == OutboxState.SENT
        assert "create_draft" not in mailbox.calls

    @pytest.mark.claim("outbox.unknown")
    def test_leaves_late_messages_unknown_if_not_all_sent_mail_could_be_examined(
        self, alice, mailbox
    ):
        command, clock = sending.order(alice), Clock()
        mailbox.is_busy = True
        clock.skip(3600)

        sending.dispatch_until_settled(command, clock)

        assert (command.state, command.problem) == (OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND)
        assert "create_draft" not in mailbox.calls
        assert list_notices(alice) == [("send_unknown", command.id)]
        act(alice, commands.look_again, command)
        mailbox.sent.append((str(command.id), mailbox.deliver(REPORT % {b"id": b"x@y"})))
        sending.dispatch_until_settled(command, Clock())
        assert command.state == OutboxState.SENT

    def test_shows_a_bounce_of_such_a_message(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        identity = {b"id": f"{command.id}@example.test".encode()}
        sent_id = mailbox.deliver(
            b"Message-ID: <%(id)s>\r\n\r\nHello" % identity, label_ids=("SENT",)
        )
        mailbox.sent.append((str(command.id), sent_id))
        clock.skip(3600)
        sending.dispatch_once(command, clock)
        mailbox.deliver(REPORT % identity)

        alice.settle()

        assert list_notices(alice) == [("message_returned", command.id)]


def act(house, action, command) -> None:
    with acting_as(ProcessClass.WEB, house):
        action(
            command.id,
            user_id=house.user.id,
            organisation_id=house.organisation.id,
            at=timezone.now(),
        )


@pytest.mark.django_db(transaction=True)
class TestTheInbox:
    @pytest.mark.scenario("M3")
    def test_shows_one_message_from_the_draft_to_the_sent_mail(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.failing_once["send_draft"] = [errors.RateLimited("no", retry_after=1)]
        clock.skip(10)
        sending.dispatch_once(command, clock)
        alice.settle()
        assert [message.folders for message in alice.messages] == [["drafts"]]

        sending.dispatch_until_settled(command, clock)
        alice.settle()

        (message,) = alice.messages
        assert message.folders == ["sent"]
        assert bytes(message.rfc822_blind) == bytes(command.rfc822_blind)


@pytest.mark.django_db(transaction=True)
class TestTheOwner:
    def test_is_notified_of_a_message_that_failed(self, alice, mailbox):
        mailbox.failing_once["send_draft"] = [errors.Rejected("no")]
        command, clock = sending.order(alice), Clock()

        sending.dispatch_until_settled(command, clock)

        assert list_notices(alice) == [("send_failed", command.id)]

    def test_is_notified_of_an_unknown_outcome(self, alice, mailbox):
        command, clock = sending.order(alice), Clock()
        mailbox.failing_once["send_draft"] = [errors.OutcomeUnknown("no answer")]
        mailbox.meanwhile = lambda: mailbox.drafts.clear() if command_is_sending(command) else None

        sending.dispatch_until_settled(command, clock)

        assert list_notices(alice) == [("send_unknown", command.id)]

    def test_is_notified_of_a_message_that_came_back(self, alice, mailbox):
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())
        mailbox.deliver(REPORT % {b"id": f"{command.id}@example.test".encode()})

        alice.settle()

        assert list_notices(alice) == [("message_returned", command.id)]

    def test_is_not_notified_of_what_was_sent_or_stopped(self, alice, mailbox):
        sent_command, stopped_command = sending.order(alice), sending.order(alice)
        sending.dispatch_until_settled(sent_command, Clock())
        with acting_as(ProcessClass.WEB, alice):
            consents.withdraw_consent(
                feature="mail-sending",
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                at=timezone.now(),
            )
        sending.dispatch_until_settled(stopped_command, Clock())

        assert list_notices(alice) == []


def list_notices(house) -> list[tuple[str, object]]:
    notices = OwnerNotice.objects.filter(user_id=house.user.id)
    return list(notices.values_list("message", "about"))
