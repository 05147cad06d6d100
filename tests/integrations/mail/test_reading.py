"""What an owner is shown, and what nobody else is."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import mail
from integrations.mail import MailFilters, message_list_sql
from integrations.mail.inbox_service import ObjectNotFound
from integrations.models import IntegrationStatus
from integrations.web import page_cursors
from limited_use.guard.guard import AccessRefused
from tests.integrations.mail.conftest import make_context


def list_messages(house, filters=None, **more):
    return orjson.loads(mail.list_messages(make_context(house), filters or MailFilters(), **more))


def person(name, email):
    return {"name": name, "email": email, "names_another_address": False}


class TestAListOfMessages:
    def test_is_newest_first_and_in_plain_words(self, filled):
        page = list_messages(filled)

        assert len(page["data"]) == 7
        assert [one["date"] for one in page["data"]] == sorted(
            (one["date"] for one in page["data"]), reverse=True
        )
        first = page["data"][0]
        assert first["subject"] == "Grüße"
        assert first["from"] == [person("Bob B", "bob@example.test")]
        assert first["cc"] == [person("Carol", "carol@example.test")]
        assert (first["unread"], first["starred"], first["has_attachments"]) == (True, True, True)
        assert first["connection_id"] == str(filled.connection.id)

    @pytest.mark.parametrize(
        ("filters", "count"),
        [
            (MailFilters(unread=True), 2),
            (MailFilters(unread=False), 5),
            (MailFilters(starred=True), 1),
            (MailFilters(has_attachments=True), 1),
            (MailFilters(folder="inbox"), 5),
            (MailFilters(folder="sent"), 1),
            (MailFilters(folder="archive"), 1),
        ],
        ids=str,
    )
    def test_is_narrowed_by_flags_and_folders(self, filled, filters, count):
        assert len(list_messages(filled, filters)["data"]) == count

    def test_is_narrowed_by_time_thread_and_connection(self, filled):
        three_hours_ago = timezone.now() - timedelta(hours=3, minutes=30)
        rows = list_messages(filled)["data"]

        assert len(list_messages(filled, MailFilters(received_after=three_hours_ago))["data"]) == 3
        assert len(list_messages(filled, MailFilters(received_before=three_hours_ago))["data"]) == 4
        assert len(list_messages(filled, MailFilters(thread_id=rows[1]["thread_id"]))["data"]) == 3
        assert (
            len(list_messages(filled, MailFilters(connection_id=filled.connection.id))["data"]) == 7
        )
        assert list_messages(filled, MailFilters(connection_id=filled.user.id))["data"] == []

    def test_is_narrowed_by_all_of_it_together(self, filled):
        first, *others = list_messages(filled)["data"]
        received = datetime.fromisoformat(first["date"])

        everything = MailFilters(
            folder="inbox",
            unread=True,
            starred=True,
            has_attachments=True,
            thread_id=UUID(first["thread_id"]),
            connection_id=filled.connection.id,
            received_after=received - timedelta(seconds=1),
            received_before=received + timedelta(seconds=1),
        )

        assert [one["id"] for one in list_messages(filled, everything)["data"]] == [first["id"]]
        assert len(others) == 6

    def test_knows_every_filter_that_there_is(self):
        assert {one.name for one in fields(MailFilters)} == {
            *message_list_sql.FILTER_CONDITIONS,
            "connection_id",
        }

    def test_pages_without_gap_or_repetition(self, filled):
        seen, cursor = [], None
        while True:
            page = list_messages(filled, cursor=cursor, limit=2)
            seen += [one["id"] for one in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert seen == [one["id"] for one in list_messages(filled)["data"]]
        assert page["has_more"] is False

    def test_takes_the_same_number_of_queries_for_more_rows(self, filled):
        # That somebody looks is written once in some minutes.
        list_messages(filled, limit=1)
        counts = []
        for limit in (1, 7):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                list_messages(filled, limit=limit)
            counts.append(len(queries))

        assert counts[0] == counts[1]

    @pytest.mark.invariant(1)
    def test_of_somebody_else_is_refused_by_the_guard(self, filled, mallory):
        mallory.organisation = filled.organisation

        with pytest.raises(AccessRefused):
            mail.list_messages(make_context(mallory, whose=filled), MailFilters())

    def test_leaves_out_what_is_being_purged(self, filled):
        filled.integration.status = IntegrationStatus.PURGING
        filled.integration.switched_off_at = timezone.now()
        filled.integration.save()

        assert list_messages(filled)["data"] == []


class TestACursor:
    def test_works_for_its_own_filters_only(self, filled):
        cursor = list_messages(filled, limit=2)["next_cursor"]

        with pytest.raises(page_cursors.InvalidCursor):
            list_messages(filled, MailFilters(unread=True), cursor=cursor)

    def test_works_for_its_own_caller_only(self, filled, mallory):
        cursor = list_messages(filled, limit=2)["next_cursor"]

        with pytest.raises(page_cursors.InvalidCursor):
            list_messages(mallory, cursor=cursor)

    def test_works_for_its_own_kind_of_list_only(self, filled):
        cursor = list_messages(filled, limit=2)["next_cursor"]

        with pytest.raises(page_cursors.InvalidCursor):
            mail.list_threads(make_context(filled), MailFilters(), cursor=cursor)

    def test_expires(self, filled):
        cursor = list_messages(filled, limit=2)["next_cursor"]

        with pytest.raises(page_cursors.ExpiredCursor):
            mail.get_message_page(
                make_context(filled, timezone.now() + timedelta(days=2)),
                MailFilters(),
                cursor=cursor,
            )

    @pytest.mark.parametrize("forged", ["", "x", "a:b:c", "…", "WzFd:1:2"])
    def test_that_we_did_not_write_is_invalid(self, filled, forged):
        with pytest.raises(page_cursors.InvalidCursor):
            list_messages(filled, cursor=forged)

    def test_with_any_character_changed_is_invalid(self, filled):
        cursor = list_messages(filled, limit=2)["next_cursor"]

        for place in range(0, len(cursor), 7):
            other = "A" if cursor[place] != "A" else "B"
            changed = cursor[:place] + other + cursor[place + 1 :]
            # Base64 has spare bits at the end of a block: the same bytes are the same cursor.
            try:
                list_messages(filled, cursor=changed)
            except (page_cursors.InvalidCursor, page_cursors.ExpiredCursor):
                continue
            raise AssertionError(place)


class TestReadMessage:
    def test_is_shown_whole_and_sanitised(self, filled):
        first = list_messages(filled)["data"][0]["id"]

        shown = orjson.loads(mail.read_message(make_context(filled), first))

        assert "<b>Alice</b>" in shown["body"]
        assert "script" not in shown["body"]
        assert "onclick" not in shown["body"]
        assert "tracker" not in shown["body"]
        assert shown["rfc822_message_id"] == "one@example.test"
        [file] = shown["attachments"]
        assert file["content_type"] == "application/pdf"
        assert "/" not in file["filename"]
        assert file["is_inline"] is False

    def test_of_somebody_else_is_not_there(self, filled, mallory):
        first = list_messages(filled)["data"][0]["id"]

        with pytest.raises(ObjectNotFound):
            mail.read_message(make_context(mallory), first)


class TestThreads:
    def test_are_listed_by_their_newest_message(self, filled):
        page = orjson.loads(mail.list_threads(make_context(filled), MailFilters()))

        assert len(page["data"]) == 5
        assert page["data"][1]["message_count"] == 3
        assert page["data"][1]["unread"] is False

    def test_are_narrowed_by_folder_and_unread(self, filled):
        for filters, count in ((MailFilters(folder="inbox"), 3), (MailFilters(unread=True), 2)):
            page = orjson.loads(mail.list_threads(make_context(filled), filters))

            assert len(page["data"]) == count

    def test_show_their_messages(self, filled):
        found = orjson.loads(mail.list_threads(make_context(filled), MailFilters()))["data"][1]

        shown = orjson.loads(mail.read_thread(make_context(filled), found["id"]))

        assert len(shown["messages"]) == 3
        assert shown["latest_message_received_date"] == shown["messages"][0]["date"]

    def test_of_somebody_else_are_not_there(self, filled, mallory):
        found = orjson.loads(mail.list_threads(make_context(filled), MailFilters()))["data"][0]

        with pytest.raises(ObjectNotFound):
            mail.read_thread(make_context(mallory), found["id"])


class TestBodyOfMessage:
    def test_of_plain_text_becomes_html(self, alice, mailbox):
        mailbox.deliver(b"From: bob@example.test\n\n<b>see</b>\n")
        alice.settle()

        shown = orjson.loads(mail.read_message(make_context(alice), alice.messages.get().id))

        assert "&lt;b&gt;see&lt;/b&gt;" in shown["body"]
        assert shown["body_text"] == "<b>see</b>\n"


class TestAMailboxThatIsHidden:
    @pytest.mark.parametrize(
        ("read", "name"), [(mail.read_message, "id"), (mail.read_thread, "thread_id")]
    )
    def test_has_no_message_and_no_thread(self, filled, read, name):
        item = UUID(list_messages(filled)["data"][0][name])
        assert read(make_context(filled), item)
        filled.integration.status = IntegrationStatus.PURGING
        filled.integration.switched_off_at = timezone.now()
        filled.integration.save()

        with pytest.raises(ObjectNotFound):
            read(make_context(filled), item)

    def test_of_another_organisation_has_neither(self, filled, mallory):
        first = list_messages(filled)["data"][0]
        mallory.user = filled.user
        for read, name in ((mail.read_message, "id"), (mail.read_thread, "thread_id")):
            with pytest.raises(ObjectNotFound):
                read(make_context(mallory, whose=filled), UUID(first[name]))
