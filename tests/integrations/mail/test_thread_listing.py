"""A page of threads: the same rows as their tables have, by every filter, page after page."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import orjson
import pytest

from integrations import mail
from integrations.mail import MailFilters
from integrations.models import Message, Thread
from tests.integrations.mail.conftest import make_context

pytestmark = pytest.mark.django_db


def list_threads(house, filters=None, **more):
    return orjson.loads(mail.list_threads(make_context(house), filters or MailFilters(), **more))


def ids_of(page):
    return [one["id"] for one in page["data"]]


@pytest.fixture
def threads(filled):
    return list(Thread.objects.order_by("-last_received_at", "-id"))


class TestAListOfThreads:
    def test_shows_each_by_its_newest_message(self, filled, threads):
        page = list_threads(filled)

        assert ids_of(page) == [str(thread.id) for thread in threads]
        assert len(page["data"]) == 5
        first = page["data"][0]
        assert (first["subject"], first["message_count"]) == ("Grüße", 1)
        assert (first["unread"], first["starred"], first["has_attachments"]) == (True, True, True)
        assert first["connection_id"] == str(filled.connection.id)
        longest = max(page["data"], key=lambda one: one["message_count"])
        assert (longest["message_count"], longest["unread_count"]) == (3, 0)
        assert longest["earliest_message_date"] < longest["latest_message_received_date"]

    @pytest.mark.parametrize(
        ("filters", "passes"),
        [
            (MailFilters(unread=True), lambda thread: thread.unread_count > 0),
            (MailFilters(unread=False), lambda thread: thread.unread_count == 0),
            (MailFilters(starred=True), lambda thread: thread.is_starred),
            (MailFilters(starred=False), lambda thread: not thread.is_starred),
            (MailFilters(has_attachments=True), lambda thread: thread.has_attachments),
            (
                MailFilters(folder="inbox"),
                lambda thread: thread.messages.filter(folders__contains=["inbox"]).exists(),
            ),
            (
                MailFilters(folder="sent", unread=False),
                lambda thread: thread.messages.filter(folders__contains=["sent"]).exists(),
            ),
        ],
        ids=lambda value: str(value) if isinstance(value, MailFilters) else "",
    )
    def test_is_narrowed_by_flags_and_folders(self, filled, threads, filters, passes):
        expected = [str(thread.id) for thread in threads if passes(thread)]

        assert 0 < len(expected) < len(threads)
        assert ids_of(list_threads(filled, filters)) == expected

    def test_is_narrowed_by_time_thread_and_mailbox(self, filled, mallory, threads):
        middle = threads[2]
        at = middle.last_received_at

        assert ids_of(list_threads(filled, MailFilters(received_after=at))) == [
            str(one.id) for one in threads[:2]
        ]
        assert ids_of(list_threads(filled, MailFilters(received_before=at))) == [
            str(one.id) for one in threads[3:]
        ]
        assert ids_of(list_threads(filled, MailFilters(thread_id=middle.id))) == [str(middle.id)]
        assert (
            len(ids_of(list_threads(filled, MailFilters(connection_id=filled.connection.id)))) == 5
        )
        assert ids_of(list_threads(filled, MailFilters(connection_id=mallory.connection.id))) == []

    def test_goes_on_after_threads_of_the_same_time_and_shows_each_once(self, filled, threads):
        same = threads[0].last_received_at
        Thread.objects.update(last_received_at=same)
        found, cursor = [], None
        for _ in range(5):
            page = list_threads(filled, cursor=cursor, limit=2)
            found += ids_of(page)
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert sorted(found) == sorted(str(thread.id) for thread in threads)
        assert all(one > other for one, other in pairwise(found))

    def test_leaves_out_a_thread_without_its_newest_message(self, filled, threads):
        Message.objects.filter(id=threads[1].last_message_id).delete()

        first = list_threads(filled, limit=2)

        assert ids_of(first) == [str(threads[0].id)]
        assert ids_of(list_threads(filled, cursor=first["next_cursor"])) == [
            str(thread.id) for thread in threads[2:]
        ]

    def test_of_somebody_else_is_empty(self, filled, mallory):
        assert ids_of(list_threads(mallory)) == []

    def test_times_are_those_of_the_rows(self, filled, threads):
        Thread.objects.filter(id=threads[0].id).update(
            last_received_at=threads[0].last_received_at + timedelta(days=1)
        )

        shown = list_threads(filled)["data"][0]["latest_message_received_date"]
        assert shown.endswith("Z")
        assert datetime.fromisoformat(shown) == threads[0].last_received_at + timedelta(days=1)
