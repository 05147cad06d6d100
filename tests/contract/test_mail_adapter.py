"""What every `MailAdapter` promises, whatever stands behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from integrations.providers import errors
from integrations.providers.mail import FetchTarget, MessageRef
from tests.contract.reading import fetch_message, whole_thread
from tests.contract.worlds import (
    ALICE,
    FakeMailWorld,
    GoogleMailWorld,
    MicrosoftMimeWorld,
    MicrosoftWorld,
)

#: Messages at Microsoft are read by pages of properties, and from their MIME.
WORLDS = {
    "fake": lambda _: FakeMailWorld(),
    "google": GoogleMailWorld,
    "microsoft": MicrosoftWorld,
    "microsoft-mime": MicrosoftMimeWorld,
}


def open_world(name, request):
    made = WORLDS[name](request.getfixturevalue("sandbox") if name != "fake" else None)
    yield made
    made.check()


@pytest.fixture(params=WORLDS)
def world(request):
    yield from open_world(request.param, request)


@pytest.fixture(params=["fake", "google", "microsoft-mime"])
def world_of_parts(request):
    """A world where the parts of a message are read as its sender put them together."""
    yield from open_world(request.param, request)


def letter(subject: str = "Lunch", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Bob Bíró <bob@example.com>"
    message["To"] = ALICE
    message["Subject"] = subject
    message["Message-ID"] = "<lunch@example.com>"
    message["Date"] = "Tue, 03 Nov 2026 10:00:00 +0000"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("At noon?\n")
    return message


def many_parts(number: int) -> bytes:
    part = b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n"
    head = b'Subject: wide\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return head + part * number + b"--b--"


def nested_parts(depth: int) -> bytes:
    levels = (
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(depth)
    )
    return b"Subject: deep\r\n" + b"".join(levels) + b"\r\nhello"


def list_message_ids(adapter, **wanted) -> list[str]:
    found, page = [], None
    while True:
        answer = adapter.list_messages(page=page, **wanted)
        found += [ref.message_id for ref in answer.refs]
        page = answer.next_page
        if page is None:
            return found


def follow_changes(adapter, cursor: str):
    pages = [adapter.get_changes(cursor)]
    while pages[-1].has_more:
        pages.append(adapter.get_changes(pages[-1].cursor))
    return pages


class TestProfile:
    def test_says_how_full_the_mailbox_is(self, world):
        world.deliver()

        assert world.adapter.get_profile().message_count == 1


class TestListing:
    def test_is_newest_first(self, world):
        now = datetime.now(UTC)
        old = world.deliver(at=now - timedelta(days=3))
        new = world.deliver(at=now - timedelta(days=1))
        middle = world.deliver(at=now - timedelta(days=2))

        assert list_message_ids(world.adapter) == [new, middle, old]

    def test_comes_in_pages(self, world):
        now = datetime.now(UTC)
        sent = [world.deliver(at=now - timedelta(hours=number)) for number in range(7)]

        assert list_message_ids(world.adapter, limit=3) == sent
        assert len(world.adapter.list_messages(limit=3).refs) <= 3

    @pytest.mark.invariant(11)
    def test_stops_at_the_horizon(self, world):
        horizon = (datetime.now(UTC) - timedelta(days=90)).replace(microsecond=0)
        world.deliver(at=horizon - timedelta(seconds=1))
        on = world.deliver(at=horizon)
        within = world.deliver(at=horizon + timedelta(days=1))

        assert list_message_ids(world.adapter, since=horizon) == [within, on]

    @pytest.mark.invariant(11)
    def test_leaves_spam_and_trash_out(self, world):
        world.deliver(label_ids=("SPAM",))
        world.deliver(label_ids=("TRASH",))
        kept = world.deliver()

        assert list_message_ids(world.adapter) == [kept]

    def test_of_nothing_is_empty(self, world):
        assert world.adapter.list_messages().refs == ()

    def test_finds_what_is_searched_for(self, world):
        world.deliver(bytes(letter("Dinner")))
        wanted = world.deliver(bytes(letter("Zugspitze")))

        assert list_message_ids(world.adapter, query="Zugspitze") == [wanted]

    @pytest.mark.invariant(11)
    def test_goes_on_before_a_moment(self, world):
        moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=200)
        world.deliver(bytes(letter("Zugspitze")), at=moment)
        before = world.deliver(bytes(letter("Zugspitze")), at=moment - timedelta(seconds=1))
        world.deliver(bytes(letter("Dinner")), at=moment - timedelta(seconds=1))

        assert list_message_ids(world.adapter, query="Zugspitze", until=moment) == [before]


class TestFetching:
    def test_answers_each_in_order_and_by_itself(self, world):
        first, poisoned, last = (
            world.deliver(bytes(letter("first"))),
            world.deliver(many_parts(1_100)),
            world.deliver(bytes(letter("last"))),
        )
        thread_id = fetch_message(world.adapter, last).thread_id

        found = world.adapter.fetch_messages(
            [
                FetchTarget(message_id=first),
                FetchTarget(message_id="0000000000000000"),
                FetchTarget(message_id=poisoned),
                FetchTarget(thread_id=thread_id),
            ]
        )

        assert isinstance(found[1], errors.Gone)
        assert isinstance(found[2], errors.Rejected)
        subjects = [found[at].messages[0].mail.subject for at in (0, 3)]
        assert subjects == ["first", "last"]

    def test_reads_the_message(self, world):
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        message_id = world.deliver(bytes(letter(Cc="carol@example.com")), at=at)

        found = fetch_message(world.adapter, message_id)

        assert (found.message_id, found.received_at) == (message_id, at)
        assert (found.mail.subject, found.mail.message_id) == ("Lunch", "lunch@example.com")
        assert [(who.name, who.address) for who in found.mail.from_] == [
            ("Bob Bíró", "bob@example.com")
        ]
        assert [who.address for who in found.mail.cc] == ["carol@example.com"]
        assert found.mail.text.strip() == "At noon?"
        assert "noon" in found.snippet
        assert found.size > 0

    def test_says_where_it_is_filed(self, world):
        label = world.make_label("Receipts")
        message_id = world.deliver(label_ids=("INBOX", "UNREAD", "STARRED", label))

        filing = fetch_message(world.adapter, message_id).filing

        assert (filing.folders, filing.labels) == (("inbox",), (label,))
        assert (filing.is_unread, filing.is_starred) == (True, True)
        assert world.adapter.get_label_names()[label] == "Receipts"

    def test_calls_archived_what_is_nowhere_else(self, world):
        message_id = world.deliver(label_ids=("IMPORTANT",))

        assert set(fetch_message(world.adapter, message_id).filing.folders) == {
            "important",
            "archive",
        }

    def test_says_gone_of_what_was_deleted_since_it_was_listed(self, world):
        message_id = world.deliver()
        (ref,) = world.adapter.list_messages().refs
        world.delete(message_id)

        with pytest.raises(errors.Gone):
            fetch_message(world.adapter, ref.message_id)

    @pytest.mark.parametrize("label", ["SPAM", "TRASH"])
    def test_says_gone_of_spam_and_trash(self, world, label):
        message_id = world.deliver(label_ids=(label,))

        with pytest.raises(errors.Gone):
            fetch_message(world.adapter, message_id)

    def test_reads_a_thread_at_once(self, world):
        first = world.deliver(bytes(letter()))
        reply = letter("Re: Lunch", In_Reply_To="<lunch@example.com>")
        reply.replace_header("Message-ID", "<reply@example.com>")
        second = world.deliver_to(first, bytes(reply))
        alone = world.deliver()

        thread = whole_thread(world.adapter, fetch_message(world.adapter, first).thread_id)

        assert [message.message_id for message in thread.messages] == [first, second]
        assert alone not in {message.message_id for message in thread.messages}
        assert thread.messages[1] == fetch_message(world.adapter, second)

    def test_leaves_the_hidden_out_of_a_thread(self, world):
        first = world.deliver(bytes(letter()))
        second = world.deliver_to(
            first, bytes(letter("Re: Lunch", References="<lunch@example.com>"))
        )
        thread_id = fetch_message(world.adapter, first).thread_id
        world.relabel(second, add=("TRASH",), remove=("INBOX",))

        thread = whole_thread(world.adapter, thread_id)

        assert [message.message_id for message in thread.messages] == [first]

    def test_says_gone_of_a_thread_that_is(self, world):
        message_id = world.deliver()
        thread_id = fetch_message(world.adapter, message_id).thread_id
        world.delete(message_id)

        with pytest.raises(errors.Gone):
            whole_thread(world.adapter, thread_id)

    @pytest.mark.invariant(8)
    @pytest.mark.scenario("S2")
    def test_reads_the_neighbours_of_what_has_too_many_parts(self, world):
        self.is_alone(world, many_parts(1_100), "too-many-parts")

    @pytest.mark.invariant(8)
    @pytest.mark.scenario("S2")
    def test_reads_the_neighbours_of_what_is_too_deep(self, world_of_parts):
        self.is_alone(world_of_parts, nested_parts(200), "too-deep")

    def is_alone(self, world, bomb: bytes, reason: str) -> None:
        good = world.deliver(bytes(letter()))
        poisoned = world.deliver_to(good, bomb)
        empty = world.deliver(b"\r\n")

        with pytest.raises(errors.Rejected) as caught:
            fetch_message(world.adapter, poisoned)
        thread = whole_thread(world.adapter, fetch_message(world.adapter, good).thread_id)

        assert caught.value.reason == reason
        assert [message.message_id for message in thread.messages] == [good]
        assert thread.rejected == {poisoned: reason}
        assert fetch_message(world.adapter, empty).mail.subject == ""


class TestAttachmentContract:
    DATA = bytes(range(256)) * 1_500

    def sent(self, world) -> str:
        message = letter()
        message.add_attachment(
            self.DATA, maintype="application", subtype="pdf", filename="menu.pdf"
        )
        message.add_attachment(b"", maintype="application", subtype="x", filename="empty")
        return world.deliver(bytes(message))

    def test_are_described_without_being_fetched(self, world):
        described = fetch_message(world.adapter, self.sent(world)).mail.attachments

        assert [(part.filename, part.content_type, part.size) for part in described] == [
            ("menu.pdf", "application/pdf", len(self.DATA)),
            ("empty", "application/x", 0),
        ]

    @pytest.mark.scenario("F1")
    def test_are_found_again_later(self, world):
        message_id = self.sent(world)
        part = fetch_message(world.adapter, message_id).mail.attachments[0].part
        fetch_message(world.adapter, message_id)

        assert b"".join(world.adapter.open_attachment(message_id, part)) == self.DATA
        assert b"".join(world.adapter.open_attachment(message_id, part)) == self.DATA

    def test_may_be_empty(self, world):
        message_id = self.sent(world)
        part = fetch_message(world.adapter, message_id).mail.attachments[1].part

        assert b"".join(world.adapter.open_attachment(message_id, part)) == b""

    @pytest.mark.parametrize("part", ["7", "0.0.0"])
    def test_that_are_not_there_are_gone(self, world, part):
        message_id = self.sent(world)

        with pytest.raises(errors.Gone):
            world.adapter.open_attachment(message_id, part)


class TestChanges:
    def test_report_only_what_changed_after_the_cursor(self, world):
        first = world.deliver()
        cursor = world.adapter.get_profile().cursor
        second = world.deliver()
        world.delete(first)

        (page,) = follow_changes(world.adapter, cursor)

        assert [ref.message_id for ref in page.upserted] == [second]
        assert page.deleted == (first,)
        assert page.refiled == ()

    def test_are_none_after_the_last(self, world):
        cursor = world.adapter.get_profile().cursor
        world.deliver()
        (page,) = follow_changes(world.adapter, cursor)

        (again,) = follow_changes(world.adapter, page.cursor)

        assert (again.upserted, again.refiled, again.deleted) == ((), (), ())

    def test_name_the_thread_of_what_is_new(self, world):
        cursor = world.adapter.get_profile().cursor
        message_id = world.deliver()

        (page,) = follow_changes(world.adapter, cursor)

        thread_id = fetch_message(world.adapter, message_id).thread_id
        assert page.upserted == (MessageRef(message_id, thread_id),)

    def test_say_how_a_message_is_filed_now(self, world):
        message_id = world.deliver()
        cursor = world.adapter.get_profile().cursor
        world.relabel(message_id, add=("STARRED",), remove=("UNREAD",))
        world.relabel(message_id, remove=("INBOX",))

        (page,) = follow_changes(world.adapter, cursor)

        told = {one.ref.message_id: one.filing for one in page.refiled}
        # What may be here already is fetched only if it is not.
        assert all(one.message_id in page.filings for one in page.upserted)
        filing = {**told, **page.filings}[message_id]
        assert filing == fetch_message(world.adapter, message_id).filing
        assert (filing.is_unread, filing.is_starred) == (False, True)

    @pytest.mark.parametrize("label", ["SPAM", "TRASH"])
    def test_take_away_what_is_binned_and_bring_back_what_is_not(self, world, label):
        message_id = world.deliver()
        cursor = world.adapter.get_profile().cursor
        world.relabel(message_id, add=(label,), remove=("INBOX",))
        (binned,) = follow_changes(world.adapter, cursor)
        world.relabel(message_id, add=("INBOX",), remove=(label,))
        (back,) = follow_changes(world.adapter, binned.cursor)

        assert (binned.deleted, binned.upserted, binned.refiled) == ((message_id,), (), ())
        assert [ref.message_id for ref in back.upserted] == [message_id]
        assert back.deleted == ()

    def test_bring_what_was_no_spam_and_was_filed_before_anybody_asked(self, world):
        message_id = world.deliver(label_ids=("SPAM",))
        world.deliver()
        cursor = world.adapter.get_profile().cursor
        world.relabel(message_id, add=("INBOX",), remove=("SPAM",))
        world.relabel(message_id, remove=("INBOX",))
        world.relabel(message_id, add=("STARRED",))

        (page,) = follow_changes(world.adapter, cursor)

        assert [ref.message_id for ref in page.upserted] == [message_id]
        assert page.deleted == ()

    def test_do_not_offer_what_came_as_spam(self, world):
        cursor = world.adapter.get_profile().cursor
        world.deliver(label_ids=("SPAM",))

        (page,) = follow_changes(world.adapter, cursor)

        assert page.upserted == ()

    def test_of_one_message_are_one(self, world):
        cursor = world.adapter.get_profile().cursor
        message_id = world.deliver()
        world.relabel(message_id, remove=("UNREAD",))

        (page,) = follow_changes(world.adapter, cursor)

        assert [ref.message_id for ref in page.upserted] == [message_id]
        assert page.refiled == ()

    @pytest.mark.invariant(7)
    def test_lose_nothing_between_pages(self, world):
        cursor = world.adapter.get_profile().cursor
        sent = [world.deliver() for _ in range(world.page_of_changes + 20)]

        pages = follow_changes(world.adapter, cursor)

        assert len(pages) > 1
        assert [ref.message_id for page in pages for ref in page.upserted] == sent

    @pytest.mark.scenario("S5")
    def test_say_so_when_the_cursor_has_expired(self, world):
        cursor = world.adapter.get_profile().cursor
        world.deliver()
        world.forget_history()

        with pytest.raises(errors.CursorExpired):
            world.adapter.get_changes(cursor)

        assert world.adapter.get_changes(world.adapter.get_profile().cursor).upserted == ()


class TestMailErrorContract:
    @pytest.mark.invariant(10)
    def test_tell_a_limit_and_when_it_ends(self, world):
        world.limit_rate()

        with pytest.raises(errors.RateLimited) as caught:
            world.adapter.get_profile()

        assert caught.value.retry_after == 7.0
        assert isinstance(caught.value, errors.Unavailable)
        assert world.adapter.get_profile().message_count == 0

    @pytest.mark.invariant(10)
    def test_tell_a_breakdown(self, world):
        world.break_down()

        with pytest.raises(errors.Unavailable):
            world.adapter.list_messages()

    @pytest.mark.invariant(10)
    def test_tell_a_token_that_has_expired(self, world):
        world.expire_token()

        with pytest.raises(errors.TokenRejected):
            world.adapter.get_profile()

    @pytest.mark.scenario("A5")
    def test_tell_a_scope_that_was_not_granted(self, world):
        adapter = world.without_scope()

        with pytest.raises(errors.ScopeMissing):
            adapter.list_messages()

    @pytest.mark.scenario("S7")
    def test_tell_an_account_without_a_mailbox(self, world):
        world.take_mailbox_away()

        with pytest.raises(errors.MailboxMissing):
            world.adapter.get_profile()

    @pytest.mark.parametrize("call", [fetch_message, whole_thread])
    def test_carry_no_response(self, world, call):
        with pytest.raises(errors.Gone) as caught:
            call(world.adapter, "1234567890abcdef")

        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert "1234567890abcdef" not in repr(caught.value)
