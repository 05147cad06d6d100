"""The page on which a person writes: what it begins with, what it keeps, and what it orders."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy
from html import unescape
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import sending_bounds
from integrations.connections import consents
from integrations.formats.mime.addresses import MailAddress
from integrations.mail.sending import send_message
from integrations.models import (
    Attachment,
    ConnectionStatus,
    DraftProposal,
    IntegrationStatus,
    Message,
    OutboxCommand,
    OutboxState,
    OutgoingCount,
    Upload,
)
from integrations.outbox.command_content import CommandContent, encode_content
from integrations.providers.outgoing_mail import SendAddress
from limited_use.vault.sealing import get_sealer
from tests.api import cast
from tests.fakes.mail import FakeMailbox
from tests.integrations import household as houses
from tests.integrations.mail.conftest import MAIL
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock
from tests.integrations.pages.reading import text
from tests.outbox import make_upload

pytestmark = pytest.mark.django_db(transaction=True)
COMPOSE = "/inbox/compose/"
HOSTILE = b"""From: "<script>alert(1)</script>" <mallory@example.test>
Reply-To: answers@example.test
To: alice@gmail.example, "Chen, Carol" <carol@example.test>
Cc: Dan <dan@example.test>
Subject: Re: "><img src=x onerror=alert(2)>
Date: Fri, 14 Jun 2024 10:00:00 +0000
Message-ID: <one@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

</textarea><script>alert(3)</script>
"""


@pytest.fixture
def mailbox(monkeypatch):
    mailbox = FakeMailbox(email="alice@gmail.example")
    mailbox.send_addresses.append(
        SendAddress(MailAddress("Alice", "alice@gmail.example"), "", is_default=True)
    )
    return houses.provided(monkeypatch, mailbox)


@pytest.fixture
def alice(db, mailbox):
    return sending.allow_sending(houses.household(features=("inbox", "mail-sending")))


def deliver(alice, mailbox, content=HOSTILE, **more):
    mailbox.deliver(content, **more)
    alice.settle()
    return Message.objects.filter(integration=alice.integration).order_by("-id")[0]


def write(**values):
    return {"to": "bob@example.test", "subject": "Plan", "text": "Hello"} | values


def read_fields(html):
    """Return what a browser would send of the form as it stands."""
    form = re.search(r"<form[^>]*data-compose.*?</form>", html, re.DOTALL)[0]
    fields: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        if 'type="file"' in tag or ('type="checkbox"' in tag and " checked" not in tag):
            continue
        name = re.search(r'name="([^"]*)"', tag)
        if name:
            value = re.search(r'value="([^"]*)"', tag)
            fields.setdefault(name[1], []).append(unescape(value[1] if value else ""))
    for name, inside in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]* selected', inside)
        fields[name] = [unescape(chosen[1]) if chosen else ""]
    for name, typed in re.findall(
        r'<textarea name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    ):
        fields[name] = [unescape(typed)]
    fields.pop("csrfmiddlewaretoken", None)
    return fields


class TestForm:
    def test_begins_empty_with_the_account(self, alice, her_browser):
        page = her_browser.get(COMPOSE)

        fields = read_fields(page.text)
        assert page.status_code == 200
        assert "alice@gmail.example" in page.text
        assert fields["mailbox"] == [str(alice.integration.id)]
        assert (fields["to"], fields["subject"], fields["text"]) == ([""], [""], [""])
        assert "no-store" in page["Cache-Control"]
        (sender,) = re.findall(r'<select name="sender"[^>]*>', page.text)
        assert " hidden" in sender

    def test_answers_to_reply_to_and_escapes_everything(self, alice, mailbox, her_browser):
        message = deliver(alice, mailbox)

        page = her_browser.get(COMPOSE, {"answer": message.id})

        fields = read_fields(page.text)
        assert fields["to"] == ["answers@example.test"]
        assert fields["subject"] == ['Re: "><img src=x onerror=alert(2)>']
        assert fields["text"] == [""]
        assert "<img" not in page.text
        assert "alert(3)" not in page.text

    def test_answers_all_without_the_owner(self, alice, mailbox, her_browser):
        message = deliver(alice, mailbox)

        fields = read_fields(
            her_browser.get(COMPOSE, {"answer": message.id, "mode": "reply_all"}).text
        )

        assert fields["to"] == ['answers@example.test, "Chen, Carol" <carol@example.test>']
        assert fields["cc"] == ["Dan <dan@example.test>"]

    def test_answers_an_own_message_to_its_recipients(self, alice, mailbox, her_browser):
        content = HOSTILE.replace(b"mallory@example.test", b"alice@gmail.example")
        message = deliver(alice, mailbox, content, label_ids=("SENT",))

        fields = read_fields(her_browser.get(COMPOSE, {"answer": message.id}).text)

        assert "carol@example.test" in fields["to"][0]
        assert "answers@example.test" not in fields["to"][0]

    def test_forwards_with_the_files(self, alice, mailbox, her_browser):
        message = deliver(alice, mailbox, MAIL)
        files = Attachment.objects.filter(message=message, is_inline=False)

        fields = read_fields(
            her_browser.get(COMPOSE, {"answer": message.id, "mode": "forward"}).text
        )

        assert fields["to"] == [""]
        assert fields["subject"][0].startswith("Fwd: ")
        assert fields["forwarded"] == [str(file.id) for file in files.order_by("position")]

    def test_shows_an_undone_message_again(self, alice, her_browser):
        command = sending.order(
            alice, sending.write(cc="carol@example.test", text="<b>\nSecond"), undo_seconds=30
        )
        sending.undo(alice, command)

        fields = read_fields(her_browser.get(COMPOSE, {"command": command.id}).text)

        assert fields["to"] == ["bob@example.test"]
        assert fields["cc"] == ["carol@example.test"]
        assert fields["text"] == ["<b>\nSecond"]
        assert fields["command"] == [str(command.id)]

    def test_leads_to_the_outbox_from_a_message_that_is_leaving(self, alice, her_browser):
        command = sending.order(alice, undo_seconds=30)

        answer = her_browser.get(COMPOSE, {"command": command.id})

        assert (answer.status_code, answer["Location"]) == (302, "/inbox/outbox/")

    def test_asks_first_for_the_permission(self, alice, her_browser):
        alice.connection.granted_scopes = houses.SCOPES
        alice.connection.save(update_fields=["granted_scopes"])

        answer = her_browser.get(COMPOSE)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/inbox/sending/allow/?mailbox=")

    @pytest.mark.parametrize("name", ["command", "proposal"])
    def test_shows_a_stored_text_also_without_the_permission(self, alice, her_browser, name):
        draft = propose(alice) if name == "proposal" else sending.order(alice, undo_seconds=30)
        if name == "command":
            sending.undo(alice, draft)
        alice.connection.granted_scopes = houses.SCOPES
        alice.connection.save(update_fields=["granted_scopes"])

        page = her_browser.get(COMPOSE, {name: draft.id})

        assert page.status_code == 200
        assert read_fields(page.text)["subject"] == ["Plan"]
        assert "/inbox/sending/allow/?mailbox=" in page.text

    @pytest.mark.claim("withdraw.outbox")
    def test_shows_a_stopped_text_after_a_withdrawal_that_says_so(self, alice, her_browser):
        command = sending.order(alice, undo_seconds=30)
        said = text(her_browser.get("/settings/features/mail-sending/withdraw/").text)
        consents.withdraw_consent(
            feature="mail-sending",
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )

        page = her_browser.get(COMPOSE, {"command": command.id})

        command.refresh_from_db()
        assert command.state == OutboxState.FAILED
        assert read_fields(page.text)["text"] == ["Hello"]
        assert "they stay in your outbox, with their text" in said
        assert "stores no copy" not in said

    def test_says_that_an_account_cannot_send_now(self, alice, mailbox, her_browser):
        message = deliver(alice, mailbox)
        alice.integration.status = IntegrationStatus.REAUTH_REQUIRED
        alice.integration.save(update_fields=["status"])

        page = her_browser.get(COMPOSE, {"answer": message.id})

        assert "This account cannot send right now" in text(page.text)

    @pytest.mark.parametrize("name", ["mailbox", "answer", "command", "proposal"])
    def test_does_not_find_what_is_not_the_persons(self, alice, her_browser, name):
        assert her_browser.get(COMPOSE, {name: str(uuid4())}).status_code == 404
        assert her_browser.get(COMPOSE, {name: "x"}).status_code == 404


class TestSend:
    def test_orders_the_message_and_returns_to_the_inbox(self, alice, mailbox, her_browser):
        fields = read_fields(her_browser.get(COMPOSE).text)

        answer = her_browser.post(COMPOSE, {**fields, **write()})

        command = OutboxCommand.objects.get()
        assert (answer.status_code, answer["Location"]) == (303, "/inbox/")
        assert command.state == OutboxState.WAITING
        sending.dispatch_until_settled(command, Clock())
        (sent,) = list_sent(mailbox)
        assert (sent["To"], sent["Subject"]) == ("bob@example.test", "Plan")
        assert sent.get_content().strip() == "Hello"

    def test_sent_twice_orders_one_message(self, alice, her_browser):
        fields = {**read_fields(her_browser.get(COMPOSE).text), **write()}

        answers = [her_browser.post(COMPOSE, fields) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [303, 303]
        assert OutboxCommand.objects.count() == 1
        assert OutgoingCount.objects.count() == 1

    def test_sent_twice_at_once_orders_the_last_message_of_the_bound(
        self, alice, her_browser, monkeypatch
    ):
        monkeypatch.setattr(sending_bounds, "MAX_PER_HOUR", 1)
        order = send_message.order_message

        def order_twice(*args, **more):
            # The other request is faster.
            order(*args, **more)
            return order(*args, **more)

        monkeypatch.setattr(send_message, "order_message", order_twice)

        answer = her_browser.post(COMPOSE, write(request_key=uuid4().hex))

        assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox/")
        assert OutboxCommand.objects.count() == 1

    def test_sent_and_changed_is_another_message_after_a_question(self, alice, her_browser):
        fields = {**read_fields(her_browser.get(COMPOSE).text), **write()}
        her_browser.post(COMPOSE, fields)

        answer = her_browser.post(COMPOSE, {**fields, "text": "Changed"})

        again = read_fields(answer.text)
        assert (answer.status_code, again["text"]) == (409, ["Changed"])
        assert "You already sent a message" in text(answer.text)
        assert OutboxCommand.objects.count() == 1
        her_browser.post(COMPOSE, again)
        assert OutboxCommand.objects.count() == 2

    def test_replies_in_the_thread(self, alice, mailbox, her_browser):
        message = deliver(alice, mailbox)
        fields = read_fields(her_browser.get(COMPOSE, {"answer": message.id}).text)

        answer = her_browser.post(COMPOSE, {**fields, "text": "Thanks"})

        assert answer["Location"] == f"/inbox/threads/{message.thread_id}/"
        sending.dispatch_until_settled(OutboxCommand.objects.get(), Clock())
        (sent,) = list_sent(mailbox)
        assert sent["In-Reply-To"] == "<one@example.test>"
        assert "> </textarea><script>alert(3)</script>" in sent.get_content()

    def test_edits_and_sends_an_undone_message_once(self, alice, her_browser):
        command = sending.order(alice, undo_seconds=30)
        sending.undo(alice, command)
        fields = read_fields(her_browser.get(COMPOSE, {"command": command.id}).text)

        answers = [her_browser.post(COMPOSE, {**fields, "text": "Better"}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [303, 303]
        assert OutboxCommand.objects.get().id != command.id

    def test_says_that_an_edited_message_was_deleted_and_shows_the_text(self, alice, her_browser):
        command = sending.order(alice, undo_seconds=30)
        sending.undo(alice, command)
        her_browser.post(f"/inbox/outbox/{command.id}/", {"action": "delete"})

        answer = her_browser.post(COMPOSE, write(text="Better", command=str(command.id)))

        assert answer.status_code == 404
        assert "message or draft that you began with no longer exists" in text(answer.text)
        assert "Better" in answer.text
        assert not OutboxCommand.objects.exists()

    def test_takes_the_longest_text(self, alice, her_browser):
        longest = "\U0001f4e8" * 200_000

        answer = her_browser.post(
            COMPOSE,
            urlencode(write(text=longest)),
            content_type="application/x-www-form-urlencoded",
        )

        assert answer.status_code == 303

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"to": ""}, "Enter at least one recipient."),
            ({"to": "bob"}, "“bob” is not an address"),
            ({"cc": "a@b@c"}, "is not an address"),
            ({"bcc": "x" * 20_001}, "A message goes to at most 50 people."),
            ({"subject": "x" * 901}, "The subject is too long"),
            ({"text": "x" * 200_001}, "The text is too long"),
            ({"upload": str(uuid4())}, "A file has not arrived completely"),
            ({"upload": [str(uuid4()) for _ in range(26)]}, "at most 25 files"),
        ],
    )
    def test_keeps_everything_typed_beside_the_problem(self, alice, her_browser, values, said):
        fields = read_fields(her_browser.get(COMPOSE).text)
        typed = {**fields, **write(text="</textarea><b>kept", subject='"kept')} | values

        answer = her_browser.post(COMPOSE, typed)

        shown = read_fields(answer.text)
        assert answer.status_code == 400
        assert said in text(answer.text)
        for name in ("to", "cc", "bcc", "subject", "text", "request_key"):
            sent = typed.get(name, "")
            assert shown[name] == (sent if isinstance(sent, list) else [sent]), name
        assert not OutboxCommand.objects.exists()

    @pytest.mark.parametrize("provider", ["google", "microsoft"])
    def test_keeps_a_text_that_is_too_large_with_its_file(self, alice, her_browser, provider):
        alice.connection.provider = provider
        alice.connection.save(update_fields=["provider"])
        upload = make_upload(alice.integration, timezone.now())
        # As base64, the file alone fits, and the text alone is 1.1 MB.
        size = 26_220_000
        Upload.objects.filter(id=upload.id).update(size=size, received=size)
        longest = "\U0001f4e8" * 200_000

        answer = her_browser.post(
            COMPOSE,
            urlencode(write(text=longest, upload=str(upload.id))),
            content_type="application/x-www-form-urlencoded",
        )

        assert answer.status_code == 400
        assert "larger than the provider accepts" in text(answer.text)
        assert read_fields(answer.text)["text"] == [longest]
        assert not OutboxCommand.objects.exists()

    def test_keeps_the_text_beside_a_file_of_another_mailbox(self, alice, her_browser):
        other = houses.household(
            who=(alice.user, alice.organisation, None),
            account="work@gmail.example",
            features=("inbox", "mail-sending"),
        )
        at = timezone.now()
        uploads = [make_upload(house.integration, at) for house in (alice, other)]
        chosen = {"mailbox": str(alice.integration.id), "upload": [row.id for row in uploads]}

        answer = her_browser.post(COMPOSE, write(**chosen))

        shown = read_fields(answer.text)
        assert answer.status_code == 400
        assert (shown["text"], shown["upload"]) == (["Hello"], [str(uploads[0].id)])

    def test_keeps_the_text_when_a_bound_is_reached(self, alice, her_browser):
        OutgoingCount.objects.bulk_create(
            OutgoingCount(
                user_id=alice.user.id,
                organisation_id=alice.organisation.id,
                kind="mail",
                recipient_count=1,
                counted_at=timezone.now(),
            )
            for _ in range(100)
        )
        fields = read_fields(her_browser.get(COMPOSE).text)

        answer = her_browser.post(COMPOSE, {**fields, **write()})

        assert answer.status_code == 403
        assert "at most 100 messages" in text(answer.text)
        assert read_fields(answer.text)["text"] == ["Hello"]

    def test_keeps_the_text_for_too_many_recipients(self, alice, her_browser):
        many = ", ".join(f"p{number}@example.test" for number in range(51))

        answer = her_browser.post(COMPOSE, write(to=many))

        assert answer.status_code == 403
        assert "at most 50 people" in text(answer.text)
        assert read_fields(answer.text)["to"] == [many]

    def test_keeps_the_text_when_sending_is_no_longer_allowed(self, alice, her_browser):
        alice.connection.granted_scopes = houses.SCOPES
        alice.connection.save(update_fields=["granted_scopes"])

        answer = her_browser.post(COMPOSE, write())

        assert answer.status_code == 409
        assert "/inbox/sending/allow/?mailbox=" in answer.text
        assert read_fields(answer.text)["text"] == ["Hello"]

    @pytest.mark.claim("compose.not-sent")
    def test_shows_the_text_once_the_account_is_gone(self, alice, her_browser):
        alice.connection.status = ConnectionStatus.REAUTH_REQUIRED
        alice.connection.reauth_since = timezone.now()
        alice.connection.save(update_fields=["status", "reauth_since"])
        kept = her_browser.post(COMPOSE, write())
        gone = her_browser.post(COMPOSE, write(mailbox=str(uuid4()), text="</textarea>mine"))

        assert (kept.status_code, read_fields(kept.text)["text"]) == (400, ["Hello"])
        assert (gone.status_code, "&lt;/textarea&gt;mine" in gone.text) == (404, True)

    @pytest.mark.claim("compose.proposal-waits", "stored.proposed-drafts")
    def test_sends_a_proposed_draft_only_when_asked(self, alice, her_browser):
        proposal = propose(alice)

        page = her_browser.get(COMPOSE, {"proposal": proposal.id})

        fields = read_fields(page.text)
        assert "Proposed by" in text(page.text)
        assert (fields["to"], fields["text"]) == (["bob@example.test"], ["Proposed text"])
        proposal.refresh_from_db()
        assert proposal.opened_at is not None
        assert not OutboxCommand.objects.exists()
        answers = [her_browser.post(COMPOSE, fields) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        assert OutboxCommand.objects.get().proposed_by == "inbox-widget"
        assert not DraftProposal.objects.exists()

    @pytest.mark.parametrize("name", ["answer", "command", "proposal", "forwarded"])
    def test_does_not_take_what_is_not_the_persons(self, alice, her_browser, name):
        answer = her_browser.post(COMPOSE, write(**{name: str(uuid4())}))

        assert answer.status_code == 404
        assert "Hello" in answer.text
        assert not OutboxCommand.objects.exists()

    def test_refuses_rows_of_others(self, alice, mailbox, her_browser):
        message = deliver(alice, mailbox)
        command = sending.order(alice, undo_seconds=30)
        sending.undo(alice, command)
        mallory = houses.household(
            who=houses.person("mallory", at=timezone.now()), features=("inbox", "mail-sending")
        )
        stranger = cast.browser(sending.allow_sending(mallory).user)
        for named in (
            {"mailbox": alice.integration.id},
            {"answer": message.id},
            {"command": command.id},
        ):
            assert stranger.get(COMPOSE, named).status_code == 404
            assert stranger.post(COMPOSE, write(**named)).status_code == 404
        assert OutboxCommand.objects.get().id == command.id

    def test_sends_injected_headers_as_one_clean_mail(self, alice, mailbox, her_browser):
        her_browser.post(
            COMPOSE,
            write(
                to='"Bob\r\nBcc: victim@example.test" <bob@example.test>',
                subject="Plan\r\nBcc: victim@example.test\r\n\r\nText",
            ),
        )

        sending.dispatch_until_settled(OutboxCommand.objects.get(), Clock())
        (sent,) = list_sent(mailbox)
        assert sent["Bcc"] is None
        assert [str(entry.addr_spec) for entry in sent["To"].addresses] == ["bob@example.test"]
        assert sent["Subject"] == "Plan Bcc: victim@example.test Text"

    def test_reads_a_line_break_among_recipients_as_white_space(self, alice, mailbox, her_browser):
        her_browser.post(COMPOSE, write(to="bob@example.test\r\nBcc: carol@example.test"))

        sending.dispatch_until_settled(OutboxCommand.objects.get(), Clock())
        (sent,) = list_sent(mailbox)
        assert (sent["Bcc"], sent["Subject"]) == (None, "Plan")
        assert "bob@example.test" in [entry.addr_spec for entry in sent["To"].addresses]


def propose(alice):
    content = CommandContent(
        MailAddress("", ""),
        (MailAddress("", "bob@example.test"),),
        (),
        (),
        "Plan",
        "Proposed text",
    )
    proposal_id, at = uuid7(), timezone.now()
    sealer = get_sealer(holder=alice.integration.id, epoch=alice.integration.epoch)
    return DraftProposal.objects.create(
        id=proposal_id,
        integration=alice.integration,
        user_id=alice.user.id,
        organisation_id=alice.organisation.id,
        feature="inbox-widget",
        delegation_id=uuid7(),
        template_blind=bytes(32),
        recipient_count=1,
        created_at=at,
        expires_at=at + timedelta(days=14),
        content=sealer.seal_value(
            DraftProposal, "content", row=proposal_id, data=encode_content(content)
        ),
    )


def list_sent(mailbox):
    return [
        message_from_bytes(entry.content, policy=policy.default)
        for entry in mailbox.messages.values()
        if "SENT" in entry.label_ids
    ]
