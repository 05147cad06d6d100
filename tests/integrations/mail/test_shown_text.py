"""The text of a message as it was made safe: opened by a view, and made again where it is old."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations import connections, mail
from integrations.formats.mime import safe_bodies, safe_text
from integrations.mail import (
    attachments,
    inline_images,
    mailbox_export,
    message_text,
    messages,
    support_access,
)
from integrations.models import MessageBody, PurgeTrigger
from integrations.parsers import parse_requests
from integrations.parsers.parser_pool import ParserPool
from integrations.providers import errors
from limited_use.sinks import sealed_rows
from limited_use.vault.sealing import get_sealer
from tests.factories import make_message
from tests.integrations.mail.conftest import MAIL, make_context
from tests.walls import acting_as, requests_act_as_web

__all__ = ["requests_act_as_web"]

SAFE = "<p>Hello <b>Alice</b>\n<img></p>"


def take_parsers_away(monkeypatch) -> None:
    empty = ParserPool(size=0)
    monkeypatch.setattr(parse_requests, "get_parser_pool", lambda: empty)
    monkeypatch.setattr(parse_requests, "WAIT_SECONDS", 0.01)


@pytest.fixture
def no_parsers(monkeypatch):
    """There are no parser processes: whoever asks one is told that all are busy."""
    take_parsers_away(monkeypatch)


@pytest.fixture
def message(alice, mailbox):
    """A message with markup, as the sync brought it in."""
    mailbox.deliver(MAIL)
    alice.settle()
    return alice.messages.get()


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice.user)
    return client


def outdate() -> None:
    MessageBody.objects.update(shown_version=0)


def get_stored_text(message) -> tuple[bytes, int]:
    (found,) = MessageBody.objects.filter(message_id=message.id).values_list(
        "shown", "shown_version"
    )
    return bytes(found[0]) if found[0] is not None else b"", found[1]


def read_message(house, message):
    return orjson.loads(mail.read_message(make_context(house), message.id))


def open_reading(whole) -> dict[str, bytes]:
    """Return what the columns of a reading hold, as a sink opens them."""
    ((_, values),) = sealed_rows.open_rows(whole.rows, whole.permits, at=timezone.now())
    return dict(values)


def replace(house, message, column: str, data: bytes) -> None:
    key = get_sealer(holder=house.integration.id, epoch=house.integration.epoch)
    sealed = key.seal_value(MessageBody, column, row=message.id, data=data)
    MessageBody.objects.filter(message_id=message.id).update(**{column: sealed})


def frame(house, message) -> str:
    return attachments.render_body(make_context(house), message_id=message.id).decode()


@pytest.mark.usefixtures("no_parsers")
class TestAViewOfTheCurrentVersion:
    def test_parses_nothing(self, alice, message):
        shown = read_message(alice, message)

        assert shown["body"].strip() == SAFE
        assert shown["body_text"] == "Hello Alice"
        assert frame(alice, message) == shown["body"]

    def test_reads_the_safe_text_alone(self, alice, message):
        with connection.execute_wrapper(_Without("content")):
            assert read_message(alice, message)["body"]
            assert frame(alice, message)

    def test_of_a_later_version_is_shown_as_it_is(self, alice, message):
        # During a deploy, new processes store what old ones show.
        MessageBody.objects.update(shown_version=safe_bodies.VERSION + 1)

        assert read_message(alice, message)["body"].strip() == SAFE


class _Without:
    """Fails where a query reads this column of a body."""

    def __init__(self, column: str) -> None:
        self.column = f'"integrations_messagebody"."{column}"'

    def __call__(self, execute, query, params, many, context):
        assert self.column not in query
        return execute(query, params, many, context)


class TestAViewOfAnOlderVersion:
    @pytest.mark.parametrize("was", ["older", "nothing"])
    def test_makes_it_again_and_stores_it_once(self, alice, message, was, monkeypatch):
        before = get_stored_text(message)[0]
        MessageBody.objects.update(shown_version=0, **({"shown": None} if was == "nothing" else {}))

        with acting_as(ProcessClass.WEB, alice):
            first = read_message(alice, message)
        again = get_stored_text(message)
        take_parsers_away(monkeypatch)
        with acting_as(ProcessClass.WEB, alice):
            second = read_message(alice, message)

        assert first["body"].strip() == SAFE
        assert second["body"] == first["body"]
        assert again[1] == safe_bodies.VERSION
        assert again[0] not in {b"", before}
        assert get_stored_text(message) == again

    def test_shows_what_is_made_now_and_not_what_was(self, alice, message):
        MessageBody.objects.update(shown_version=0)
        replace(alice, message, "shown", b'{"pieces":["<old>"],"pictures":[],"text":"old"}')

        assert read_message(alice, message)["body_text"] == "Hello Alice"
        assert "<old>" not in frame(alice, message)

    def test_shows_its_pictures(self, alice, mailbox):
        mailbox.deliver(PICTURES)
        alice.settle()
        outdate()

        shown = frame(alice, alice.messages.get())

        assert shown == frame(alice, alice.messages.get())
        assert shown.count("data:image/png;base64,iVBORw0KGgo=") == 2

    def test_is_for_support_too(self, alice, message):
        outdate()
        whole = mail.get_message(make_context(alice), message.id)

        shown = support_access.make_support_item_shape(whole)(
            whole.rows[0].row, open_reading(whole)
        )

        assert shown.opened["text"] == "Hello Alice"

    def test_leaves_the_original_to_the_copy_of_its_owner(self, alice, message):
        outdate()
        read_message(alice, message)
        export_id = mailbox_export.request_export(
            actor=alice.actor, integration_id=alice.integration.id, at=timezone.now()
        )

        parts = mailbox_export.stream_export(
            export_id=export_id, actor=alice.actor, now=timezone.now
        )
        with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
            copy = archive.read(mailbox_export.MEMBER)

        assert b'<p onclick="steal()">Hello <b>Alice</b><script>' in copy
        assert b"tracker.example" in copy


@pytest.mark.usefixtures("no_parsers", "requests_act_as_web")
class TestWithoutAFreeProcess:
    def test_an_older_text_is_503_for_programs(self, alice, message, browser):
        outdate()

        answer = browser.get(f"/v1/users/me/messages/{message.id}")

        assert answer.status_code == 503
        assert answer["Content-Type"] == "application/problem+json"
        assert int(answer["Retry-After"]) > 0
        assert answer.json()["code"] == "busy"
        assert get_stored_text(message)[1] == 0

    def test_an_older_text_is_a_page_that_says_so(self, alice, message, browser, caplog):
        outdate()

        answer = browser.get(f"/inbox/messages/{message.id}/body/")

        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert "The text appears in a moment." in answer.text
        assert answer["Refresh"].startswith(f"{answer['Retry-After']}; url=")
        assert "Alice" not in answer.text
        assert "parsers.busy" in caplog.messages
        assert "database.failed" not in caplog.messages

    def test_the_list_is_as_ever(self, alice, message, browser):
        outdate()

        assert browser.get("/v1/users/me/messages").status_code == 200


# Of 900 colours, none closed: each paragraph would open all of them again. What closes them for
# the count alone is a comment.
DECEIVING = (
    "<p>" + "".join(f"<font color=#{n:06x}><!--</font>-->" for n in range(900)) + "<p>x" * 6_000
)


class TestAnOriginalBeyondTheLimits:
    @pytest.mark.claim("message.not-shown")
    def test_is_said_to_be_not_shown_and_is_tried_once(self, alice, no_second_try):
        message = make_message(alice.integration, text="", html=DECEIVING, is_shown=False)

        first = read_message(alice, message)
        no_second_try()

        assert first["body_text"] == messages.TEXT_NOT_SHOWN
        assert first["body"] == f"<p>{messages.TEXT_NOT_SHOWN}</p>"
        assert frame(alice, message) == first["body"]
        assert get_stored_text(message)[1] == safe_bodies.VERSION

    def test_is_shown_by_its_plain_text_where_it_has_one(self, alice):
        message = make_message(
            alice.integration, text="a <plain>\nb", html=DECEIVING, is_shown=False
        )

        shown = read_message(alice, message)

        assert shown["body_text"] == "a <plain>\nb"
        assert "a &lt;plain&gt;\nb" in shown["body"]


@pytest.fixture
def no_second_try(monkeypatch):
    """Return a way to take the processes away."""
    return lambda: take_parsers_away(monkeypatch)


class TestStoring:
    """What happens between reading a row and storing its text wins."""

    @pytest.fixture
    def show(self, alice, message):
        """Return what shows the message, whose row was read and opened already."""
        outdate()
        whole = mail.get_message(make_context(alice), message.id)
        values = open_reading(whole)
        return lambda: message_text.open_text(whole.rows[0], values, permits=whole.permits).text

    def test_brings_nothing_back_that_was_deleted(self, show, message):
        MessageBody.objects.filter(message_id=message.id).delete()

        assert show() == "Hello Alice"
        assert not MessageBody.objects.exists()

    def test_leaves_what_a_sync_wrote_since(self, alice, show, message):
        replace(alice, message, "content", b'{"text": "new"}')

        assert show() == "Hello Alice"
        assert get_stored_text(message)[1] == 0

    def test_leaves_what_another_view_stored_since(self, show, message):
        show()
        before = get_stored_text(message)

        show()

        assert get_stored_text(message) == before

    def test_leaves_a_mailbox_that_was_disconnected_since(self, alice, show, message):
        before = get_stored_text(message)
        connections.disconnect_integration(
            integration_id=alice.integration.id,
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            trigger=PurgeTrigger.OWNER,
            at=timezone.now(),
        )

        assert show() == "Hello Alice"
        assert get_stored_text(message) == before

    def test_fails_no_view(self, alice, show, message, caplog):
        with connection.execute_wrapper(_refuse_updates):
            assert show() == "Hello Alice"

        assert "shown_text.not_stored" in caplog.messages
        assert get_stored_text(message)[1] == 0

    @pytest.mark.invariant(4)
    def test_is_all_that_a_web_process_may_write(self, alice, show, message):
        for column in ("content", "integration_id"):
            with (
                acting_as(ProcessClass.WEB, alice),
                pytest.raises(ProgrammingError, match="permission denied"),
                transaction.atomic(),
            ):
                MessageBody.objects.update(**{column: getattr(MessageBody.objects.get(), column)})

    @pytest.mark.invariant(4)
    def test_reaches_nobody_elses_rows(self, alice, mallory, show, message):
        with acting_as(ProcessClass.WEB, mallory):
            assert MessageBody.objects.update(shown_version=7) == 0
            assert show() == "Hello Alice"

        assert get_stored_text(message)[1] == 0


@pytest.mark.django_db(transaction=True)
class TestARowThatIsBeingWritten:
    def test_is_not_waited_for(self, alice, message):
        outdate()

        with ThreadPoolExecutor(1) as threads, transaction.atomic():
            MessageBody.objects.select_for_update().get()
            shown = threads.submit(_read_and_close, alice, message).result(timeout=10)

        assert shown["body_text"] == "Hello Alice"
        assert get_stored_text(message)[1] == 0


def _refuse_updates(execute, query, params, many, context):
    if query.lstrip().startswith("UPDATE"):
        raise OperationalError
    return execute(query, params, many, context)


def _read_and_close(house, message):
    try:
        return read_message(house, message)
    finally:
        connection.close()


PICTURES = b"""From: bob@example.test
Subject: pictures
MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html

<p><img src="cid:one@x"><img src="cid:svg@x"><img src="cid:none@x"><img src="cid:one@x" alt="a"></p>
--b
Content-Type: image/png
Content-ID: <one@x>
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--b
Content-Type: image/svg+xml
Content-ID: <svg@x>

<svg onload="steal()"/>
--b--
"""


class TestPictures:
    def test_are_named_by_part_and_type_or_left_out(self, alice, mailbox):
        mailbox.deliver(PICTURES)
        alice.settle()
        row = alice.messages.get()
        whole = mail.get_message(make_context(alice), row.id)

        text = safe_text.decode_safe_text(open_reading(whole)["shown"])

        assert text.pictures == [("1", "image/png"), None, None, ("1", "image/png")]
        assert frame(alice, row).count("<img>") == 2
        assert mailbox.calls.count("attachment") == 1

    def test_of_the_api_are_left_out(self, alice, mailbox):
        mailbox.deliver(PICTURES)
        alice.settle()

        shown = read_message(alice, alice.messages.get())["body"]

        assert shown.strip() == '<p><img><img><img><img alt="a"></p>'
        assert "attachment" not in mailbox.calls

    def test_are_fetched_up_to_a_number(self, alice, mailbox, monkeypatch):
        monkeypatch.setattr(inline_images, "MOST", 2)
        parts = b"".join(
            b"--b\nContent-Type: image/png\nContent-ID: <%d@x>\n\npng%d\n" % (n, n)
            for n in range(4)
        )
        named = b"".join(b'<img src="cid:%d@x">' % n for n in range(4))
        mailbox.deliver(
            b"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
            + named
            + b"\n"
            + parts
            + b"--b--\n"
        )
        alice.settle()

        shown = frame(alice, alice.messages.get())

        assert shown.count("data:image/png") == mailbox.calls.count("attachment") == 2

    @pytest.mark.parametrize(("name", "limit"), [("LARGEST", 4), ("LARGEST_IN_ALL", 30)])
    def test_are_left_out_where_they_are_too_large(self, alice, mailbox, monkeypatch, name, limit):
        mailbox.deliver(PICTURES)
        alice.settle()
        row = alice.messages.get()
        assert frame(alice, row).count("data:") == 2
        monkeypatch.setattr(inline_images, name, limit)

        assert "data:" not in frame(alice, row)

    def test_take_no_more_room_than_there_is_however_often_they_stand_there(
        self, alice, mailbox, monkeypatch
    ):
        often = PICTURES.replace(b'<img src="cid:svg@x">', b'<img src="cid:one@x">' * 1_000)
        mailbox.deliver(often)
        alice.settle()
        monkeypatch.setattr(inline_images, "LARGEST_IN_ALL", 100)

        shown = frame(alice, alice.messages.get())

        assert shown.count("<img") == 1_003
        assert shown.count("data:") == 100 // len("data:image/png;base64,iVBORw0KGgo=")

    def test_are_not_asked_for_again_where_the_provider_is_away(self, alice, mailbox):
        mailbox.deliver(PICTURES)
        alice.settle()
        mailbox.refuse_next(errors.Unavailable("down"))

        assert "data:" not in frame(alice, alice.messages.get())
