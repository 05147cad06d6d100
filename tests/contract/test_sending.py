"""What every provider's sending promises: a draft, one request, and an honest look."""

from __future__ import annotations

import hashlib
import os
import time
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from functools import partial

import pytest

from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.outgoing_headers import MAX_REFERENCES_LENGTH
from integrations.grants.admission_control import UnmeteredAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.providers import PROVIDERS, errors
from integrations.providers.mail import FetchTarget
from tests.contract.reading import fetch_message
from tests.contract.sending_worlds import (
    ALICE,
    BOB,
    BOUNCING,
    CAROL,
    FakeSendingWorld,
    GmailSendingWorld,
    GraphSendingWorld,
    make_file,
    make_mail,
)
from tests.worlds.microsoft import control_id, graph_id

# The body of a 503 that names a limit, as Graph answers.
THROTTLED = {"error": {"code": "ApplicationThrottled", "message": "Too many requests."}}
# A failed server may name any code.
REFUSED = {"error": {"code": "ErrorMessageSubmissionBlocked", "message": "Blocked."}}
# In this order.
REQUESTS_OF_A_DRAFT = {
    "google": [("GET", "/profile"), ("POST", "/drafts")],
    "microsoft": [
        ("POST", "/createReply"),
        ("PATCH", "/me/messages"),
        ("POST", "/attachments"),
        ("GET", "/me/messages"),
    ],
}
WORLDS = {"google": GmailSendingWorld, "microsoft": GraphSendingWorld}
MEBIBYTE = 1024 * 1024


@pytest.fixture(params=WORLDS)
def world(request, sandbox):
    opened = WORLDS[request.param](sandbox)
    yield opened
    opened.check()
    opened.close()


@pytest.fixture(params=["fake", *WORLDS])
def any_world(request):
    """A world for what the one in memory promises as well."""
    if request.param == "fake":
        opened = FakeSendingWorld()
    else:
        opened = WORLDS[request.param](request.getfixturevalue("sandbox"))
    yield opened
    opened.check()
    opened.close()


def send(world, mail):
    draft = world.adapter.create_draft(mail)
    world.adapter.send_draft(draft)
    return world.adapter.look_for_sent(draft, mail.tag)


class TestSending:
    def test_is_seen_in_the_mailbox(self, world):
        mail = make_mail()

        look = send(world, mail)

        assert look.draft == "missing"
        assert not look.is_leaving
        [accepted] = world.sandbox.sent(tag=mail.tag)
        assert accepted["recipients"] == [BOB]
        received = world.read_received()
        assert received["Message-ID"] == f"<{look.sent.rfc822_id}>"
        fetched = world.adapter.fetch_messages([_target(look.sent.message_id)])[0]
        assert fetched.messages[0].thread_id == look.sent.thread_id
        assert fetched.messages[0].filing.folders == ("sent",)

    def test_carries_further_headers(self, world):
        stop = "<https://antares.example/notices/stop/a-token:of:ours/>"
        headers = (("List-Unsubscribe", stop), ("Auto-Submitted", "auto-generated"))

        send(world, make_mail(headers=headers))

        received = world.read_received()
        assert [received[name] for name, _ in headers] == [value for _, value in headers]

    def test_carries_everything_as_written(self, world):
        menu, plan = b"%PDF menu", os.urandom(200_000)
        mail = make_mail(
            cc=(MailAddress("", "dora@bücher.example"),),
            files=(make_file(menu, "Menü.pdf"), make_file(plan, "plan.bin", content_type="")),
        )

        send(world, mail)

        received = world.read_received()
        assert received["Subject"] == mail.subject
        [to] = received["To"].addresses
        assert (to.display_name, to.addr_spec) == ("Bob, Bíró", BOB)
        [copied] = received["Cc"].addresses
        assert copied.addr_spec == "dora@xn--bcher-kva.example"
        assert received["From"].addresses[0].addr_spec == ALICE
        text = received.get_body(("plain",)).get_content()
        assert text.replace("\r\n", "\n").strip() == mail.text.strip()
        files = {part.get_filename(): part.get_content() for part in received.iter_attachments()}
        assert files == {"Menü.pdf": menu, "plan.bin": plan}

    def test_hides_blind_copies_from_others_but_not_from_their_owner(self, world):
        mail = make_mail(bcc=(MailAddress("", CAROL),))

        send(world, mail)

        assert world.read_received()["Bcc"] is None
        assert world.sandbox.mailbox(CAROL)["messagesTotal"] == 1

    def test_reaches_no_address_that_only_a_name_contains(self, world):
        mail = make_mail(to=(MailAddress(f"x, {CAROL},", BOB),))

        send(world, mail)

        assert world.sandbox.mailbox(CAROL)["messagesTotal"] == 0
        assert len(world.list_received()) == 1

    @pytest.mark.scenario("M2")
    def test_reads_the_ids_back_that_the_provider_changed(self, world):
        world.sandbox.dial(graph_sent_id_changes=True)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)

        world.adapter.send_draft(draft)

        look = world.adapter.look_for_sent(draft, mail.tag)
        assert look.sent.message_id not in {draft.draft_id, draft.message_id}
        assert mail.tag not in look.sent.rfc822_id
        assert world.read_received()["Message-ID"] == f"<{look.sent.rfc822_id}>"

    def test_takes_its_scope(self, world):
        adapter = world.without_sending()

        with pytest.raises(errors.ScopeMissing):
            adapter.create_draft(make_mail())

        assert world.count_drafts() == 0


class TestReplying:
    @pytest.mark.scenario("M2")
    def test_stays_in_the_thread_on_both_sides(self, world):
        original_id, thread_id = world.deliver(
            subject="Plans",
            sender_email=BOB,
            headers={"Message-ID": "<two@example.org>", "References": "<one@example.org>"},
        )
        mail = make_mail(
            subject="Re: Plans",
            in_reply_to="two@example.org",
            references=("one@example.org", "two@example.org"),
            thread_id=thread_id,
            replied_message_id=original_id,
        )

        look = send(world, mail)

        assert look.sent.thread_id == thread_id
        received = world.read_received()
        assert received["In-Reply-To"] == "<two@example.org>"
        assert received["References"].split() == ["<one@example.org>", "<two@example.org>"]
        assert received["Subject"] == "Re: Plans"
        assert [address.addr_spec for address in received["To"].addresses] == [BOB]

    def test_writes_our_text_and_no_quoted_original_of_the_provider(self, world):
        original_id, thread_id = world.deliver(text="The secret of the original.")
        mail = make_mail(thread_id=thread_id, replied_message_id=original_id)

        send(world, mail)

        body = world.read_received().get_body(("plain",)).get_content()
        assert "Até já!" in body
        assert "secret" not in body

    def test_answers_a_deleted_message_with_the_headers_of_its_thread(self, sandbox):
        world = GraphSendingWorld(sandbox)
        original_id, thread_id = world.deliver(headers={"Message-ID": "<two@example.org>"})
        world.microsoft.mail("delete", ALICE, id=control_id(original_id))
        mail = make_mail(
            in_reply_to="two@example.org",
            references=("one@example.org", "two@example.org"),
            thread_id=thread_id,
            replied_message_id=original_id,
        )

        assert send(world, mail).sent is not None

        received = world.read_received()
        assert received["In-Reply-To"] == "<two@example.org>"
        assert received["References"].split() == ["<one@example.org>", "<two@example.org>"]
        world.close()

    def test_under_another_subject_still_names_the_answered_message(self, world):
        ids = [f"{number:04}@{'x' * 60}.example" for number in range(100)]
        mail = make_mail(in_reply_to=ids[-1], references=("malformed", *ids))

        assert send(world, mail).sent is not None

        received = world.read_received()
        assert received["In-Reply-To"] == f"<{ids[-1]}>"
        references = received["References"].split()
        assert references[0] == f"<{ids[0]}>"
        assert references[1:] == [f"<{one}>" for one in ids[101 - len(references) :]]
        assert 1_400 < len(" ".join(references)) <= MAX_REFERENCES_LENGTH

    def test_of_a_missing_thread_is_refused_by_gmail(self, sandbox):
        world = GmailSendingWorld(sandbox)

        with pytest.raises(errors.Gone):
            world.adapter.create_draft(make_mail(thread_id="00000000deadbeef"))

        assert world.count_drafts() == 0
        world.close()


class TestLooking:
    def test_finds_an_intact_draft_and_nothing_sent(self, any_world):
        mail = make_mail(files=(make_file(b"menu"),))
        draft = any_world.adapter.create_draft(mail)

        look = any_world.adapter.look_for_sent(draft, mail.tag)

        assert (look.sent, look.draft, look.is_leaving) == (None, "intact", False)

    def test_takes_no_other_mail_for_it(self, any_world):
        first, second = make_mail(), make_mail()
        draft = any_world.adapter.create_draft(first)
        send(any_world, second)

        assert any_world.adapter.look_for_sent(draft, first.tag).sent is None

    def test_finds_late_mail_when_it_is_there(self, world):
        world.delay_sending(60.0)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        world.adapter.send_draft(draft)

        early = world.adapter.look_for_sent(draft, mail.tag)
        world.sandbox.advance(61)
        late = world.adapter.look_for_sent(draft, mail.tag)

        assert early.sent is None
        assert early.draft == "missing"
        assert early.is_leaving is (world.provider == "microsoft")
        assert late.sent is not None
        assert world.count_accepted(mail.tag) == 1

    def test_of_an_edited_draft_says_so(self, any_world):
        mail = make_mail()
        draft = any_world.adapter.create_draft(mail)

        any_world.edit_draft()

        assert any_world.adapter.look_for_sent(draft, mail.tag).draft == "changed"

    def test_of_a_draft_with_another_id_finds_none(self, sandbox):
        sandbox.dial(gmail_edits_change_draft_ids=True)
        world = GmailSendingWorld(sandbox)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)

        world.edit_draft()

        assert world.adapter.look_for_sent(draft, mail.tag).draft == "missing"
        with pytest.raises(errors.Gone):
            world.adapter.send_draft(draft)
        assert world.count_accepted(mail.tag) == 0
        world.close()

    def test_of_a_deleted_draft_finds_none(self, any_world):
        mail = make_mail()
        draft = any_world.adapter.create_draft(mail)

        any_world.delete_draft()

        look = any_world.adapter.look_for_sent(draft, mail.tag)
        assert (look.sent, look.draft, look.is_leaving) == (None, "missing", False)
        with pytest.raises(errors.Gone):
            any_world.adapter.send_draft(draft)

    def test_of_a_draft_whose_id_gmail_cannot_parse_finds_none(self, sandbox):
        world = GmailSendingWorld(sandbox)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        sandbox.fail_next(
            method="GET",
            path_contains="/drafts/",
            status=400,
            body={"error": {"code": 400, "errors": [{"reason": "invalidArgument"}]}},
        )

        look = world.adapter.look_for_sent(draft, mail.tag)

        assert (look.sent, look.draft) == (None, "missing")
        world.close()

    def test_finds_sent_mail_beyond_gmails_history(self, sandbox):
        world = GmailSendingWorld(sandbox)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        world.adapter.send_draft(draft)
        sandbox.expire_history(ALICE)

        look = world.adapter.look_for_sent(draft, mail.tag)

        assert look.sent is not None
        world.close()

    @pytest.mark.parametrize("is_expired", [False, True])
    @pytest.mark.parametrize(("before", "after"), [(0, 120), (120, 0)])
    def test_finds_the_oldest_and_the_newest_of_much_sent_mail(
        self, sandbox, before, after, is_expired
    ):
        world = GmailSendingWorld(sandbox)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        deliver_sent(sandbox, before)
        world.adapter.send_draft(draft)
        deliver_sent(sandbox, after)
        if is_expired:
            sandbox.expire_history(ALICE)

        assert world.adapter.look_for_sent(draft, mail.tag).sent is not None
        world.close()

    @pytest.mark.parametrize("is_expired", [False, True])
    def test_says_that_it_has_not_examined_all_sent_mail(self, sandbox, is_expired):
        world = GmailSendingWorld(sandbox)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        deliver_sent(sandbox, 60)
        world.adapter.send_draft(draft)
        deliver_sent(sandbox, 60)
        if is_expired:
            sandbox.expire_history(ALICE)

        look = world.adapter.look_for_sent(draft, mail.tag)

        assert (look.sent, look.is_complete) == (None, False)
        world.close()

    def test_beyond_gmails_history_examines_no_mail_from_before(self, sandbox):
        world = GmailSendingWorld(sandbox)
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        deliver_sent(sandbox, 60, date=int((sandbox.now() - 86_400) * 1000))
        sandbox.expire_history(ALICE)
        since = datetime.fromtimestamp(sandbox.now(), UTC)

        unsent = world.adapter.look_for_sent(draft, mail.tag, since)
        world.adapter.send_draft(draft)
        sandbox.expire_history(ALICE)
        sent = world.adapter.look_for_sent(draft, mail.tag, since)

        assert (unsent.sent, unsent.is_complete) == (None, True)
        assert sent.sent is not None
        world.close()

    def test_is_complete_in_a_usual_mailbox(self, any_world):
        mail = make_mail()
        draft = any_world.adapter.create_draft(mail)

        assert any_world.adapter.look_for_sent(draft, mail.tag).is_complete


@pytest.mark.scenario("M1")
class TestFaultsOfSending:
    @pytest.mark.parametrize(
        "fault",
        [
            {"drop": "after"},
            {"status": 503, "after": True},
            {"status": 503, "after": True, "body": THROTTLED},
            {"status": 500, "after": True, "body": REFUSED},
            {"status": 502, "after": True},
            {"status": 504, "after": True},
        ],
    )
    def test_after_acceptance_leave_one_mail_that_is_found(self, world, fault):
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        world.fail_send(**fault)

        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.send_draft(draft)

        assert world.adapter.look_for_sent(draft, mail.tag).sent is not None
        assert world.count_accepted(mail.tag) == 1
        assert len(world.list_received()) == 1

    @pytest.mark.parametrize("fault", [{"drop": "before"}, {"status": 503}, {"status": 500}])
    def test_before_acceptance_leave_the_draft(self, world, fault):
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        world.fail_send(**fault)

        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.send_draft(draft)

        look = world.adapter.look_for_sent(draft, mail.tag)
        assert (look.sent, look.draft) == (None, "intact")
        assert world.count_accepted(mail.tag) == 0
        world.adapter.send_draft(draft)
        assert world.count_accepted(mail.tag) == 1

    def test_are_never_followed_by_a_second_request(self, world):
        draft = world.adapter.create_draft(make_mail())
        world.sandbox.clear_journal()
        world.fail_send(status=503, count=10)

        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.send_draft(draft)

        sent = [one for one in world.sandbox.requests() if one["path"].endswith("/send")]
        assert len(sent) == 1

    def test_of_a_limit_leave_the_draft_and_say_so(self, world):
        world.limit_rate()
        send(world, make_mail())
        mail = make_mail()
        draft = world.adapter.create_draft(mail)

        with pytest.raises(errors.RateLimited):
            world.adapter.send_draft(draft)

        assert world.adapter.look_for_sent(draft, mail.tag).draft == "intact"
        assert world.count_accepted(mail.tag) == 0

    def test_do_not_let_a_sent_draft_be_sent_again(self, any_world):
        mail = make_mail()
        draft = any_world.adapter.create_draft(mail)
        any_world.adapter.send_draft(draft)

        with pytest.raises(errors.Gone):
            any_world.adapter.send_draft(draft)

        assert any_world.count_accepted(mail.tag) == 1


@pytest.mark.scenario("M1")
@pytest.mark.thorough("waits for our timeout of thirty seconds")
class TestTimeouts:
    def test_may_be_followed_by_acceptance(self, world):
        mail = make_mail()
        draft = world.adapter.create_draft(mail)
        world.fail_send(hang_seconds=34.0)

        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.send_draft(draft)

        early = world.adapter.look_for_sent(draft, mail.tag)
        deadline = time.monotonic() + 20
        while not world.count_accepted(mail.tag) and time.monotonic() < deadline:
            time.sleep(0.2)
        late = world.adapter.look_for_sent(draft, mail.tag)
        # An intact draft proves nothing until a second look.
        assert (early.sent, early.draft) == (None, "intact")
        assert late.sent is not None
        assert world.count_accepted(mail.tag) == 1


class TestLostAnswers:
    """Of every world, the one in memory too."""

    def test_of_sending_leave_a_mail_that_is_found(self, any_world):
        mail = make_mail()
        draft = any_world.adapter.create_draft(mail)
        any_world.lose_answer("send_draft")

        with pytest.raises(errors.OutcomeUnknown):
            any_world.adapter.send_draft(draft)

        look = any_world.adapter.look_for_sent(draft, mail.tag)
        assert look.sent is not None
        assert look.draft == "missing"
        assert any_world.count_accepted(mail.tag) == 1

    def test_of_drafts_leave_one_that_is_deleted_by_its_tag(self, any_world):
        mail = make_mail()
        any_world.lose_answer("create_draft")

        with pytest.raises(errors.OutcomeUnknown):
            any_world.adapter.create_draft(mail)

        assert any_world.count_drafts() == 1
        assert any_world.adapter.delete_drafts(mail.tag) == 1
        assert any_world.count_drafts() == 0
        assert send(any_world, mail).sent is not None
        assert any_world.count_accepted(mail.tag) == 1


class TestDrafts:
    @pytest.mark.parametrize("fault", [{"drop": "after"}, {"status": 503, "after": True}])
    def test_whose_answer_was_lost_are_found_by_their_tag_and_deleted(self, world, fault):
        mail = make_mail()
        world.fail_draft(**fault)
        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.create_draft(mail)
        other = make_mail()
        kept = world.adapter.create_draft(other)
        assert world.count_drafts() == 2

        assert world.adapter.delete_drafts(mail.tag) == 1

        assert world.count_drafts() == 1
        assert world.adapter.look_for_sent(kept, other.tag).draft == "intact"
        assert world.adapter.delete_drafts(mail.tag) == 0

    def test_are_never_two_although_a_token_is_rejected_midway(self, world):
        original_id, thread_id = world.deliver()
        given = {"thread_id": thread_id, "replied_message_id": original_id}
        session = ProviderSession(world.adapter.access, UnmeteredAdmission())
        for method, path in REQUESTS_OF_A_DRAFT[world.provider]:
            mail = make_mail(**given, files=(make_file(b"menu"),))
            world.sandbox.fail_next(method=method, path_contains=path, status=401)

            with suppress(errors.OutcomeUnknown):
                session.call(partial(world.adapter.create_draft, mail))

            assert world.count_drafts() == 1, (method, path)
            assert world.adapter.delete_drafts(mail.tag) == 1

    @pytest.mark.parametrize("status", [404, 409, 410, 412])
    @pytest.mark.parametrize(
        ("method", "path"), [("PATCH", "/me/messages"), ("POST", "/attachments"), ("GET", "/me/")]
    )
    def test_of_outlook_that_vanish_midway_are_stored_again(self, sandbox, method, path, status):
        world = GraphSendingWorld(sandbox)
        original_id, thread_id = world.deliver()
        mail = make_mail(
            thread_id=thread_id, replied_message_id=original_id, files=(make_file(b"menu"),)
        )
        sandbox.fail_next(method=method, path_contains=path, status=status)

        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.create_draft(mail)

        world.adapter.delete_drafts(mail.tag)
        assert send(world, mail).sent is not None
        assert len(world.list_received()) == 1
        world.close()

    def test_are_not_deleted_once_sent(self, any_world):
        mail = make_mail()
        look = send(any_world, mail)

        assert any_world.adapter.delete_drafts(mail.tag) == 0

        assert any_world.adapter.fetch_messages([_target(look.sent.message_id)])[0].messages

    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"to": (MailAddress("", "no address"),)}, "address"),
            ({"to": (MailAddress("", "bob@example.com\r\nBcc: eve@example.com"),)}, "address"),
            ({"cc": (MailAddress("", "bób@example.com"),)}, "address-charset"),
            ({"to": ()}, "recipients"),
            ({"files": (make_file(b"x", "\x00"),)}, "filename"),
            ({"files": (make_file(b"x", size=40 * MEBIBYTE),)}, "too-large"),
        ],
    )
    def test_that_cannot_be_sent_are_refused_without_a_request(self, world, changed, reason):
        world.sandbox.clear_journal()

        with pytest.raises(errors.Rejected) as refused:
            world.adapter.create_draft(make_mail(**changed))

        assert refused.value.reason == reason
        assert world.sandbox.requests() == []

    @pytest.mark.parametrize("size", [10, 4 * MEBIBYTE])
    @pytest.mark.parametrize("stated", [-1, 1])
    def test_with_a_file_of_another_size_are_not_completed(self, world, size, stated):
        content = b"x" * size
        mail = make_mail(files=(make_file(content, size=size + stated),))

        with pytest.raises(errors.Rejected) as refused:
            world.adapter.create_draft(mail)

        assert refused.value.reason == "file-size"
        # Outlook has a draft without the file.
        world.adapter.delete_drafts(mail.tag)
        assert world.count_drafts() == 0
        # The connection is not used for the next request.
        assert send(world, replace(mail, files=())).sent is not None

    def test_whose_file_is_gone_say_so(self, world):
        def find_none():
            yield b"x" * 100
            raise errors.Gone("no such file")

        mail = make_mail(files=(make_file(b"", size=5 * MEBIBYTE, open=find_none),))

        with pytest.raises(errors.Gone):
            world.adapter.create_draft(mail)

    def test_whose_file_breaks_off_are_not_completed(self, world):
        class SourceGone(Exception):
            pass

        def break_off():
            yield b"x" * 100
            raise SourceGone

        mail = make_mail(files=(make_file(b"", size=5 * MEBIBYTE, open=break_off),))

        with pytest.raises(SourceGone):
            world.adapter.create_draft(mail)

        world.adapter.delete_drafts(mail.tag)
        assert world.count_drafts() == 0


class TestPieces:
    @pytest.mark.parametrize("skip", [0, 1])
    @pytest.mark.parametrize(
        "fault",
        [
            *({"status": status} for status in (401, 403, 404, 409, 410, 412, 416, 500)),
            {"status": 503, "body": THROTTLED},
            {"status": 503, "after": True},
            {"drop": "after"},
        ],
    )
    def test_that_fail_leave_the_draft_to_be_stored_again(self, sandbox, fault, skip):
        world = GraphSendingWorld(sandbox)
        mail = make_mail(files=(make_file(b"x" * (4 * MEBIBYTE)),))
        sandbox.fail_next(method="PUT", path_prefix="/outlook-uploads/", skip=skip, **fault)

        with pytest.raises(errors.OutcomeUnknown):
            world.adapter.create_draft(mail)

        world.adapter.delete_drafts(mail.tag)
        assert send(world, mail).sent is not None
        assert len(world.list_received()) == 1
        world.close()

    @pytest.mark.parametrize(
        ("status", "error"), [(429, errors.RateLimited), (413, errors.Rejected)]
    )
    def test_that_are_refused_say_why(self, sandbox, status, error):
        world = GraphSendingWorld(sandbox)
        mail = make_mail(files=(make_file(b"x" * (4 * MEBIBYTE)),))
        sandbox.fail_next(method="PUT", path_prefix="/outlook-uploads/", status=status)

        with pytest.raises(error):
            world.adapter.create_draft(mail)

        world.close()


class TestLargeFiles:
    # Outlook's largest file that goes in one request, and one that goes in pieces.
    @pytest.mark.parametrize("size", [2_999_999, 25 * MEBIBYTE])
    def test_are_streamed_and_arrive_identical(self, world, size):
        block = os.urandom(MEBIBYTE)

        def read_blocks():
            return (block[: size - start] for start in range(0, size, MEBIBYTE))

        mail = make_mail(files=(make_file(b"", "film.mp4", size=size, open=read_blocks),))
        # What libraries and pools keep is not of this file.
        send(world, make_mail(files=(make_file(b"menu"),)))
        tracemalloc.start()
        try:
            draft = world.adapter.create_draft(mail)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        world.adapter.send_draft(draft)

        assert peak < (16 if world.provider == "microsoft" else 2) * MEBIBYTE
        look = world.adapter.look_for_sent(draft, mail.tag)
        expected = hashlib.sha256()
        for piece in read_blocks():
            expected.update(piece)
        [raw] = [raw for raw in world.list_received() if len(raw) > size]
        assert _hash_attachment(raw) == expected.hexdigest()
        assert look.draft == "missing"


@pytest.mark.scenario("M5")
class TestBounces:
    def test_name_the_mail_that_came_back(self, world):
        mail = make_mail(to=(MailAddress("", BOUNCING),))

        look = send(world, mail)

        [bounce_id] = [
            message["id"]
            for message in world.sandbox.mailbox(ALICE, provider=world.provider)["messages"]
            if "INBOX" in message["labelIds"]
        ]
        bounce = _fetch(world, bounce_id)
        assert bounce.mail.in_reply_to == (look.sent.rfc822_id,)
        assert bounce.thread_id == look.sent.thread_id
        assert "multipart/report" in dict(bounce.mail.headers)["Content-Type"]
        assert BOUNCING in bounce.mail.text


class TestSendAddresses:
    def test_of_gmail_are_verified_with_their_signatures_as_text(self, sandbox):
        world = GmailSendingWorld(sandbox)
        sandbox.set_send_as(
            ALICE,
            signature=(
                '<div dir="ltr">Alice <b>Ádám</b><br>Accounts &amp; more\n<div><br></div>'
                '<div><img src="https://t.example/x.png"><a href="https://a.example">a.example</a>'
                "</div></div><script>x()</script>"
            ),
            aliases=[
                {"email": "sales@example.com", "name": "Sales", "default": True},
                {"email": "pending@example.com", "verified": False},
            ],
        )

        own, sales = world.adapter.get_send_addresses()

        assert (own.address.address, own.is_default) == (ALICE, False)
        assert own.signature == "Alice Ádám\nAccounts & more\n\na.example"
        assert sales.address == MailAddress("Sales", "sales@example.com")
        assert (sales.signature, sales.is_default) == ("", True)
        world.check()
        world.close()

    def test_of_outlook_are_not_listed(self, sandbox):
        world = GraphSendingWorld(sandbox)

        assert world.adapter.get_send_addresses() == ()
        world.close()


@pytest.mark.invariant(11)
@pytest.mark.clause("SCOPE-MIN")
class TestRequests:
    def test_are_those_that_the_capability_declares(self, world):
        original_id, thread_id = world.deliver()
        world.sandbox.clear_journal()

        world.adapter.create_draft(abandoned := make_mail())
        world.adapter.delete_drafts(abandoned.tag)
        small, large = make_file(b"menu"), make_file(b"x" * (4 * MEBIBYTE), "film.mp4")
        mail = make_mail(thread_id=thread_id, replied_message_id=original_id, files=(small, large))
        draft = world.adapter.create_draft(mail)
        world.adapter.send_draft(draft)
        world.adapter.look_for_sent(draft, mail.tag)
        if world.provider == "google":
            world.sandbox.expire_history(ALICE)
            world.adapter.look_for_sent(draft, mail.tag)
        world.adapter.get_send_addresses()

        declared = PROVIDERS[world.provider].capabilities["mail.send"].methods
        assert world.list_requests() == declared

    def test_of_pieces_carry_no_token(self, sandbox):
        # The sandbox refuses a piece that has one.
        world = GraphSendingWorld(sandbox)
        send(world, make_mail(files=(make_file(b"x" * (4 * MEBIBYTE)),)))

        pieces = sandbox.requests("/outlook-uploads/")

        assert [piece["status"] for piece in pieces] == [200, 201]
        world.close()


def deliver_sent(sandbox, count, **values):
    for number in range(count):
        sandbox.deliver(ALICE, subject=f"message {number}", labels=["SENT"], **values)


def _target(message_id):
    return FetchTarget(message_id=message_id)


def _fetch(world, control_message_id):
    message_id = control_message_id
    if world.provider == "microsoft":
        message_id = graph_id(world.oid, control_message_id)
    return fetch_message(world.adapter, message_id)


def _hash_attachment(raw: bytes) -> str:
    [part] = [part for part in message_from_bytes(raw).walk() if part.get_filename()]
    return hashlib.sha256(part.get_payload(decode=True)).hexdigest()
