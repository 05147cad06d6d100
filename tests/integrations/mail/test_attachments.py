"""Files and pictures that are fetched when somebody looks."""

from __future__ import annotations

from uuid import uuid4

import orjson
import pytest
from django.utils import timezone

from integrations import connections, mail
from integrations.access.fences import DisconnectedError
from integrations.grants import provider_calls
from integrations.mail import MailFilters, attachments
from integrations.mail.file_stream import FIRST_BYTES
from integrations.mail.inbox_service import ObjectNotFound
from integrations.models import Attachment
from integrations.parsers.parser_pool import ParsersBusy
from integrations.providers import errors
from integrations.providers.file_download import FileDownload
from limited_use.sinks.traceback_guard import SinkFailed
from limited_use.vault.envelope import Unopenable
from tests.database_rows import dump_tables, list_changed_tables
from tests.integrations.mail.conftest import make_context

PICTURE = b"""From: bob@example.test
Subject: picture
MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html

<p>look <img src="cid:one@x"> <img src="cid:other@x"></p>
--b
Content-Type: image/png
Content-ID: <one@x>
Content-Disposition: inline; filename="p.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--b--
"""
#: Bytes, of which the first are answered before the rest has arrived.
LONG = 4 * FIRST_BYTES
#: Decisions, the keys of their names, and counts of calls: tables without content.
NOT_CONTENT = {
    "integrations_quotabucket",
    "limited_use_datakey",
    "limited_use_keyepoch",
    "limited_use_leaf",
}


def generate_bytes(count):
    """Yield `count` bytes in pieces."""
    while count > 0:
        yield bytes(min(count, 64 * 1024))
        count -= 64 * 1024


def read_first_message(house):
    page = orjson.loads(mail.list_messages(make_context(house), MailFilters()))
    return orjson.loads(mail.read_message(make_context(house), page["data"][0]["id"]))


class TestADownload:
    @pytest.mark.claim("data-use.attachments", "feature.inbox")
    @pytest.mark.scenario("F1")
    def test_brings_the_bytes_by_the_part_twice(self, filled, mailbox):
        message = read_first_message(filled)
        ids = {"message_id": message["id"], "attachment_id": message["attachments"][0]["id"]}

        assert mailbox.calls.count("attachment") == 0
        before = dump_tables()

        files = [attachments.download_attachment(make_context(filled), **ids) for _ in range(2)]
        read = [b"".join(file.pieces) for file in files]

        assert list_changed_tables(before) <= NOT_CONTENT
        assert read == [b"%PDF-1.4\n"] * 2
        assert [file.size for file in files] == [len(read[0])] * 2
        assert "/" not in files[0].filename
        assert mailbox.calls.count("attachment") == 2

    def test_of_somebody_else_is_not_there(self, filled, mallory):
        message = read_first_message(filled)
        ids = {"message_id": message["id"], "attachment_id": message["attachments"][0]["id"]}

        with pytest.raises(ObjectNotFound):
            attachments.download_attachment(make_context(mallory), **ids)

    def test_of_another_message_is_not_there(self, filled):
        message = read_first_message(filled)
        other = filled.messages.exclude(id=message["id"]).first()

        with pytest.raises(ObjectNotFound):
            attachments.download_attachment(
                make_context(filled),
                message_id=other.id,
                attachment_id=message["attachments"][0]["id"],
            )

    @pytest.mark.parametrize("error", [errors.Gone, errors.Unavailable, errors.Rejected])
    def test_says_what_the_provider_answered(self, filled, mailbox, error):
        message = read_first_message(filled)
        mailbox.refuse_next(error("no"))

        with pytest.raises(error):
            attachments.download_attachment(
                make_context(filled),
                message_id=message["id"],
                attachment_id=message["attachments"][0]["id"],
            )

    def test_goes_on_after_a_refused_token(self, filled, mailbox):
        message = read_first_message(filled)
        mailbox.refuse_next(errors.TokenRejected("old"))
        ids = {"message_id": message["id"], "attachment_id": message["attachments"][0]["id"]}

        assert (
            b"".join(attachments.download_attachment(make_context(filled), **ids).pieces)
            == b"%PDF-1.4\n"
        )

    @pytest.mark.scenario("F2")
    def test_of_a_gigabyte_is_refused_before_it_is_fetched(self, filled, mailbox):
        message = read_first_message(filled)
        Attachment.objects.filter(message_id=message["id"]).update(size=1 << 30)

        with pytest.raises(errors.Rejected):
            attachments.download_attachment(
                make_context(filled),
                message_id=message["id"],
                attachment_id=message["attachments"][0]["id"],
            )
        assert "attachment" not in mailbox.calls

    @pytest.mark.scenario("F2")
    @pytest.mark.parametrize(
        ("said", "sent"),
        [(None, attachments.LARGEST + 1), (LONG, LONG + 1), (LONG, LONG - 1)],
        ids=["too large", "more than it said", "less than it said"],
    )
    def test_of_another_size_than_it_may_have_breaks_off(self, filled, mailbox, said, sent):
        message = read_first_message(filled)
        mailbox.attached = lambda: FileDownload(generate_bytes(sent), size=said)
        ids = {"message_id": message["id"], "attachment_id": message["attachments"][0]["id"]}
        file = attachments.download_attachment(make_context(filled), **ids)
        received = []

        with pytest.raises(SinkFailed):
            received.extend(len(piece) for piece in file.pieces)

        assert sum(received) <= attachments.LARGEST

    @pytest.mark.scenario("F2")
    @pytest.mark.parametrize("sent", [10, 8, 0])
    def test_that_is_short_and_not_whole_is_said_before_anything_is_answered(
        self, filled, mailbox, sent
    ):
        message = read_first_message(filled)
        mailbox.attached = lambda: FileDownload(generate_bytes(sent), size=9)
        ids = {"message_id": message["id"], "attachment_id": message["attachments"][0]["id"]}

        with pytest.raises(errors.Unavailable):
            attachments.download_attachment(make_context(filled), **ids)

    def test_of_an_account_that_has_gone_says_so(self, db):
        with pytest.raises(DisconnectedError):
            provider_calls.open_file(uuid4(), "message", "0")

    @pytest.mark.invariant(1)
    def test_breaks_off_once_the_account_is_disconnected(self, filled, mailbox):
        message = read_first_message(filled)
        mailbox.attached = lambda: FileDownload(generate_bytes(8 << 20), size=8 << 20)
        ids = {"message_id": message["id"], "attachment_id": message["attachments"][0]["id"]}
        file = attachments.download_attachment(make_context(filled), **ids)
        next(file.pieces)
        connections.disconnect_integration(
            integration_id=filled.integration.id,
            user_id=filled.user.id,
            organisation_id=filled.organisation.id,
            at=timezone.now(),
        )

        with pytest.raises(Unopenable):
            b"".join(file.pieces)


class TestABodyDocument:
    @pytest.mark.scenario("F5")
    def test_holds_the_pictures_that_came_with_it_and_no_others(self, alice, mailbox):
        mailbox.deliver(PICTURE)
        alice.settle()
        row = alice.messages.get()

        shown = attachments.render_body(make_context(alice), message_id=row.id).decode()

        assert "data:image/png;base64,iVBORw0KGgo=" in shown
        assert shown.count("data:") == 1
        # Inline pictures are no attachments: we count ourselves.
        assert row.has_attachments is False

    @pytest.mark.parametrize(
        "error", [errors.Unavailable("down"), errors.RateLimited("slow down"), ParsersBusy()]
    )
    def test_leaves_out_a_picture_that_cannot_be_had_now(self, alice, mailbox, error):
        mailbox.deliver(PICTURE)
        alice.settle()
        mailbox.refuse_next(error)

        shown = attachments.render_body(
            make_context(alice), message_id=alice.messages.get().id
        ).decode()

        assert "look" in shown
        assert "data:" not in shown
