"""What leaves: the owner's text, the signature once, the quoted text, the thread and the files."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from integrations.coordination.leases import NotClaimable
from integrations.models import (
    Attachment,
    Message,
    OutboxProblem,
    OutboxState,
    SendingSettings,
)
from integrations.outbox.command_content import QuoteKind
from integrations.providers.file_download import FileDownload
from limited_use.vault import sealing
from tests.integrations.mail.conftest import MAIL
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answered(alice, mailbox):
    """Return the stored message of bob that alice answers."""
    mailbox.deliver(MAIL)
    alice.settle()
    return Message.objects.get(integration=alice.integration)


def send(house, mailbox, **values):
    """Send, and return the message as its recipients read it."""
    command = sending.order(house, sending.write(**values))
    sending.dispatch_until_settled(command, Clock())
    assert (command.state, command.problem) == (OutboxState.SENT, "")
    _, message_id = mailbox.sent[-1]
    stored = mailbox.messages[message_id]
    return message_from_bytes(stored.content, policy=policy.default), stored


def get_text(message) -> str:
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


class TestAnAnswer:
    def test_quotes_the_message_once_below_the_signature(self, alice, mailbox, answered):
        message, _ = send(
            alice,
            mailbox,
            subject="Re: Grüße",
            text="Fine, thanks.",
            quote=QuoteKind.REPLY,
            answered_id=answered.id,
        )

        text = get_text(message)
        assert text.startswith("Fine, thanks.\n\n-- \nAlice Adler\n\nOn ")
        assert text.count("Alice Adler") == 1
        assert "Bob B <bob@example.test> wrote:" in text
        assert "> Hello Alice" in text
        assert "<b>" not in text

    @pytest.mark.scenario("M2")
    def test_stays_in_its_thread(self, alice, mailbox, answered):
        message, stored = send(
            alice, mailbox, subject="Re: Grüße", quote=QuoteKind.REPLY, answered_id=answered.id
        )

        (thread,) = {
            entry.ref.thread_id for entry in mailbox.messages.values() if entry is not stored
        }
        assert message["In-Reply-To"] == "<one@example.test>"
        assert "<one@example.test>" in message["References"]
        assert stored.ref.thread_id == thread

    def test_with_another_subject_begins_a_thread(self, alice, mailbox, answered):
        _, stored = send(
            alice, mailbox, subject="Lunch", quote=QuoteKind.REPLY, answered_id=answered.id
        )

        others = {entry.ref.thread_id for entry in mailbox.messages.values() if entry is not stored}
        assert stored.ref.thread_id not in others

    def test_to_a_message_that_is_gone_fails_and_keeps_the_text(self, alice, mailbox, answered):
        command = sending.order(
            alice, sending.write(quote=QuoteKind.REPLY, answered_id=answered.id)
        )
        Message.objects.all().delete()

        sending.dispatch_until_settled(command, Clock())

        assert (command.state, command.problem) == (OutboxState.FAILED, OutboxProblem.SOURCE_GONE)
        assert command.content is not None


class TestAForwardedMessage:
    def test_carries_its_text_and_the_chosen_files(self, alice, mailbox, answered):
        attachment = Attachment.objects.get(message=answered)

        message, _ = send(
            alice,
            mailbox,
            subject="Fwd: Grüße",
            text="See below.",
            quote=QuoteKind.FORWARD,
            answered_id=answered.id,
            forwarded_ids=(attachment.id,),
        )

        text = get_text(message)
        assert "---------- Forwarded message ----------" in text
        assert "From: Bob B <bob@example.test>" in text
        assert "Cc: Carol <carol@example.test>" in text
        assert message["In-Reply-To"] is None
        (file,) = message.iter_attachments()
        assert file.get_filename() == "plan.pdf"
        assert file.get_content() == b"%PDF-1.4\n"

    def test_is_of_one_worker_however_slowly_its_files_leave(self, alice, mailbox, answered):
        attachment = Attachment.objects.get(message=answered)
        written = sending.write(
            quote=QuoteKind.FORWARD, answered_id=answered.id, forwarded_ids=(attachment.id,)
        )
        command, clock = sending.order(alice, written), Clock()
        refused = 0

        def arrive_slowly():
            nonlocal refused
            for _ in range(4):
                yield b"slow"
                clock.skip(200)
                with pytest.raises(NotClaimable):
                    sending.dispatch_once(command, clock)
                refused += 1

        mailbox.attached = lambda: FileDownload(arrive_slowly())

        sending.dispatch_until_settled(command, clock)

        assert (command.state, len(mailbox.sent)) == (OutboxState.SENT, 1)
        # To measure the file, and to send it.
        assert refused == 8


class TestTheSender:
    def test_is_one_of_the_accounts_addresses(self, alice, mailbox):
        message, _ = send(alice, mailbox, sender="ALICE@gmail.example")

        assert message["From"].addresses[0].addr_spec == "alice@gmail.example"

    def test_is_no_other_address(self, alice, mailbox):
        command = sending.order(alice, sending.write(sender="boss@example.test"))

        sending.dispatch_until_settled(command, Clock())

        assert (command.state, command.problem) == (
            OutboxState.FAILED,
            OutboxProblem.SENDER_REJECTED,
        )
        assert mailbox.drafts == {}


class TestASignature:
    def test_of_antares_replaces_that_of_the_provider(self, alice, mailbox):
        settings = SendingSettings(
            integration=alice.integration,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
        )
        sealer = sealing.get_sealer(holder=alice.integration.id, epoch=alice.integration.epoch)
        settings.signature = sealer.seal_value(
            SendingSettings, "signature", row=settings.id, data="A. Adler, Antares"
        )
        settings.save(force_insert=True)

        message, _ = send(alice, mailbox)

        assert get_text(message).rstrip().endswith("-- \nA. Adler, Antares")
        assert "Alice Adler" not in get_text(message)


class TestWhatIsWritten:
    @pytest.mark.parametrize("field", ["to", "cc", "bcc", "subject"])
    def test_adds_no_header(self, alice, mailbox, field):
        hostile = '"Bob\r\nX-Evil: 1" <bob@example.test>\r\nX-Evil: 2'
        written = sending.write(**{field: "Plan\r\nX-Evil: 1" if field == "subject" else hostile})

        content, problems = sending.check(written)

        if content is None:
            assert field in problems
            return
        message, _ = send(alice, mailbox, **{field: getattr(written, field)})
        assert message["X-Evil"] is None
