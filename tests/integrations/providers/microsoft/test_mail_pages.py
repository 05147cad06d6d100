"""Outlook's messages by pages: what they cost, and that they read as their MIME does."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from integrations.providers import errors, provider_http, request_concurrency
from integrations.providers.mail import FetchTarget, RemoteMessage, RemoteThread
from integrations.providers.microsoft import mail_pages
from integrations.providers.microsoft.graph_mail_adapter import GraphMailAdapter
from tests.contract.reading import fetch_message
from tests.contract.test_mail_adapter import letter
from tests.contract.worlds import ALICE, MicrosoftWorld
from tests.integrations.providers.microsoft import field_table

SEALED = b"""\
From: Bob <bob@example.com>
To: alice@example.com
Subject: Signed
Message-ID: <signed@example.com>
Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=s

--s
Content-Type: text/plain

Read me.
--s
Content-Type: application/pkcs7-signature; name=smime.p7s
Content-Transfer-Encoding: base64

AAAA
--s--
"""
REPORT = b"""\
From: postmaster@example.com
To: alice@example.com
Subject: Undeliverable
Content-Type: multipart/report; report-type=delivery-status; boundary=r

--r
Content-Type: text/plain

It could not be delivered.
--r
Content-Type: message/delivery-status

Action: failed
--r--
"""


@pytest.fixture
def world(sandbox):
    made = MicrosoftWorld(sandbox)
    yield made
    made.check()


def seed_mailbox(world, size: int, **more) -> None:
    # What Exchange makes of bytes without a charset is its own.
    world.microsoft.seed(ALICE, size=size, seed=7, days=60, malformed=0, **more)


def list_message_ids(adapter) -> list[str]:
    page, ids = None, []
    while True:
        found = adapter.list_messages(page=page)
        ids += [one.message_id for one in found.refs]
        page = found.next_page
        if page is None:
            return ids


def read_all_messages(adapter) -> dict[str, RemoteMessage]:
    """Return every message that is listed, fetched as a sync does."""
    ids, found = list_message_ids(adapter), {}
    for at in range(0, len(ids), 100):
        for thread in adapter.fetch_messages(
            [FetchTarget(message_id=one) for one in ids[at : at + 100]]
        ):
            assert isinstance(thread, RemoteThread), thread
            found |= {one.message_id: one for one in thread.messages}
    assert list(found) == ids
    return found


def paths(world) -> list[str]:
    return [one["path"] for one in world.sandbox.requests("/v1.0/")]


def deliver_answered(world, text: str = "Lunch") -> str:
    """Deliver a message, and an answer of Alice's to it; return the answer's id."""
    first = letter(text)
    first.replace_header("Message-ID", "<first@example.com>")
    first["References"] = "<earlier@example.com>"
    asked = world.deliver(bytes(first), at=datetime.now(UTC) - timedelta(hours=2))
    answer = letter(f"Re: {text}")
    answer["In-Reply-To"] = "<first@example.com>"
    answer["References"] = "<earlier@example.com> <first@example.com>"
    more = {"at": datetime.now(UTC) - timedelta(hours=1), "label_ids": ("SENT",)}
    return world.deliver(bytes(answer), thread=world._threads[asked], **more)


class TestMailPages:
    def test_read_as_the_mime_of_each_message_does(self, world):
        seed_mailbox(world, 60, hostile=0.1)

        by_pages = read_all_messages(world.adapter)
        by_mime = read_all_messages(GraphMailAdapter(world.adapter.access, always_mime=True))

        assert {
            one: different
            for one, message in by_pages.items()
            if (different := field_table.differences(message, by_mime[one]))
        } == {}
        assert Counter(one.is_reconstructed for one in by_pages.values())[True] > 50

    def test_cost_one_request_for_fifty_and_one_for_attachments(self, world):
        seed_mailbox(world, 120)
        wanted = list_message_ids(world.adapter)
        world.sandbox.clear_journal()

        found = world.adapter.fetch_messages([FetchTarget(message_id=one) for one in wanted])

        messages = [one.messages[0] for one in found]
        asked = Counter(
            one.removeprefix("/v1.0").rpartition("/")[2].replace("$value", "mime")
            if one.count("/") > 3
            else one
            for one in paths(world)
        )
        with_files = [one for one in messages if one.is_reconstructed and one.mail.attachments]
        assert asked.pop("/v1.0/me/messages") == 3
        assert asked.pop("/v1.0/$batch") == -(-len(with_files) // 20)
        # Invitations: their event is no attachment of Graph's.
        assert asked.pop("mime", 0) == sum(one.is_mime for one in messages)
        assert asked.pop("attachments") == len(with_files)
        assert not asked
        assert world.adapter.fetch_request_count == len(paths(world)) - -(-len(with_files) // 20)

    def test_too_large_are_asked_for_in_halves(self, world, monkeypatch):
        monkeypatch.setattr(mail_pages, "_PAGE_BYTES", 60_000)
        sent = []
        for number in range(8):
            message = letter(f"letter {number}")
            message.set_content("word " * 4_000)
            at = datetime.now(UTC) - timedelta(hours=number)
            sent.append(world.deliver(bytes(message), at=at))
        wanted = [FetchTarget(message_id=one) for one in list_message_ids(world.adapter)]

        found = world.adapter.fetch_messages(wanted)

        assert [one.messages[0].message_id for one in found] == sent

    def test_leave_a_message_that_is_larger_than_we_carry_to_itself(self, world, monkeypatch):
        monkeypatch.setattr(provider_http, "MAX_ANSWER", 200_000)
        monkeypatch.setattr(mail_pages, "_PAGE_BYTES", 100_000)
        ids = [world.deliver() for _ in range(6)]
        large = letter("large")
        large.set_content("word " * 60_000)
        ids.append(world.deliver(bytes(large)))
        list_message_ids(world.adapter)

        found = world.adapter.fetch_messages([FetchTarget(message_id=one) for one in ids])

        assert [isinstance(one, RemoteThread) for one in found] == [True] * 6 + [False]
        assert found[-1].reason == "too-large"

    def test_of_messages_far_apart_are_few(self, world):
        at = datetime.now(UTC)
        sent = [world.deliver(at=at - timedelta(minutes=number)) for number in range(130)]
        list_message_ids(world.adapter)
        world.sandbox.clear_journal()

        found = world.adapter.fetch_messages([FetchTarget(message_id=one) for one in sent[::20]])

        assert [one.messages[0].message_id for one in found] == sent[::20]
        # One page, which has three of the seven, and a batch of the rest.
        asked = [one for one in paths(world) if one.count("/") == 3]
        assert Counter(asked) == {"/v1.0/me/messages": 1}
        assert len(paths(world)) == 2 + 4

    def test_of_what_was_searched_for_are_none(self, world):
        sent = [world.deliver(bytes(letter(f"Zugspitze {number}"))) for number in range(6)]
        world.adapter.list_messages(query="Zugspitze")
        world.sandbox.clear_journal()

        world.adapter.fetch_messages([FetchTarget(message_id=one) for one in sent])

        assert "/v1.0/me/messages" not in paths(world)
        assert "/v1.0/$batch" in paths(world)

    def test_miss_nothing_of_one_second(self, world):
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        hidden = [world.deliver(at=at, label_ids=("TRASH",)) for _ in range(5)]
        sent = {world.deliver(at=at) for _ in range(70)}

        found = read_all_messages(world.adapter)

        assert found.keys() == sent
        assert not found.keys() & set(hidden)


class TestSentMessages:
    def test_say_what_they_answer_by_their_properties(self, world):
        answer = deliver_answered(world)

        found = fetch_message(world.adapter, answer).mail

        assert found.headers == ()
        assert found.in_reply_to == ("first@example.com",)
        assert found.references == ("earlier@example.com", "first@example.com")

    def test_say_it_by_their_conversation_where_graph_fails_at_properties(self, world):
        world.sandbox.dial(graph_faults="extended_properties_500 sent_items_without_headers")
        answer = deliver_answered(world)
        for _ in range(4):
            world.deliver()

        found = read_all_messages(world.adapter)[answer].mail

        assert found.in_reply_to == ("first@example.com",)
        assert found.references == ("earlier@example.com", "first@example.com")


class TestTheLastResort:
    @pytest.mark.parametrize(
        ("raw", "words"),
        [(SEALED, "Read me."), (REPORT, "It could not be delivered.")],
        ids=["S/MIME", "report"],
    )
    def test_is_the_mime_of_what_json_does_not_show(self, world, raw, words):
        found = fetch_message(world.adapter, world.deliver(raw))

        assert found.mail.text.strip() == words
        assert (found.is_mime, found.is_reconstructed) == (True, False)

    def test_is_the_mime_of_what_says_no_body(self, world):
        message_id = world.deliver(bytes(letter()))
        item = {"id": message_id, "parentFolderId": self.inbox(world), "body": None}
        world.sandbox.fail_next(path_suffix=message_id, status=200, body=item)

        (found,) = world.adapter.fetch_messages([FetchTarget(message_id=message_id)])

        # Without a moment it is no message either.
        assert isinstance(found, errors.Rejected)
        assert paths(world)[-1].endswith(f"{message_id}/$value")

    def inbox(self, world) -> str:
        return next(iter(world.adapter._get_folders().folder_ids))


class TestBatches:
    def test_tell_the_longest_pause_of_their_parts(self, world):
        ids = [world.deliver() for _ in range(3)]
        for message_id, pause in zip(ids, ("3", "9.5", ""), strict=True):
            headers = {"Retry-After": pause} if pause else {}
            body = {"error": {"code": "TooManyRequests", "message": ""}}
            world.sandbox.fail_next(path_suffix=message_id, status=429, body=body, headers=headers)
        whole = world.deliver()

        found = world.adapter.fetch_messages([FetchTarget(message_id=one) for one in [*ids, whole]])

        assert [one.retry_after for one in found[:3]] == [9.5] * 3
        assert found[3].messages[0].message_id == whole
        world.sandbox.clear_journal()

    def test_never_have_more_under_way_than_a_mailbox_answers(self, world):
        world.sandbox.dial(graph_concurrency=4)
        ids = [world.deliver() for _ in range(45)]

        found = world.adapter.fetch_messages([FetchTarget(message_id=one) for one in ids])

        assert all(isinstance(one, RemoteThread) for one in found)

    @pytest.mark.parametrize(("width", "batch_count"), [(1, 0), (2, 3), (4, 1)])
    def test_have_no_more_parts_under_way_than_their_caller_may(self, world, width, batch_count):
        ids = [world.deliver() for _ in range(6)]
        # It knows the folders from then on.
        world.adapter.get_label_names()
        world.sandbox.clear_journal()
        token = request_concurrency.requests_at_once.set(width)
        try:
            found = world.adapter.fetch_messages([FetchTarget(message_id=one) for one in ids])
        finally:
            request_concurrency.requests_at_once.reset(token)

        assert all(isinstance(one, RemoteThread) for one in found)
        assert paths(world).count("/v1.0/$batch") == batch_count


class TestAttachmentsOfMailPages:
    def test_are_fetched_by_the_id_that_graph_gave_them(self, world):
        message = letter()
        message.add_attachment(b"menu", maintype="application", subtype="pdf", filename="a.pdf")
        inner = letter("Inner")
        message.add_attachment(inner)
        message_id = world.deliver(bytes(message))

        file, item = fetch_message(world.adapter, message_id).mail.attachments

        assert (file.filename, file.content_type, file.size) == ("a.pdf", "application/pdf", 4)
        assert b"".join(world.adapter.open_attachment(message_id, file.part)) == b"menu"
        assert (item.filename, item.content_type) == ("Inner.eml", "message/rfc822")
        assert b"Subject: Inner" in b"".join(world.adapter.open_attachment(message_id, item.part))

    def test_that_went_are_gone(self, world):
        message_id = world.deliver(bytes(letter()))

        with pytest.raises(errors.Gone):
            world.adapter.open_attachment(message_id, "graph:AAMkAT-nothing")
