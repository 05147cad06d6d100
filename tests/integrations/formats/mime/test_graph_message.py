"""Graph's message resource: it reads as the MIME that Exchange made it of."""

from __future__ import annotations

import json
import time

import pytest

from integrations.formats.mime import graph_message, rfc5322
from integrations.formats.mime.html_sanitizer import html_to_text
from integrations.formats.mime.message import MAX_TEXT, UnreadableMailMessage

from . import exchange_answers as exchange


def parse_message_record(message, attachments=(), parent=None):
    record = {"message": message, "attachments": list(attachments), "parent": parent}
    return graph_message.parse_record(json.dumps(record).encode())


class TestAnAnswerOfExchange:
    @pytest.mark.parametrize(
        ("answer", "files", "mime"),
        [
            (exchange.PLAIN, (), exchange.PLAIN_MIME),
            (exchange.SENT, exchange.SENT_FILES, exchange.SENT_MIME),
        ],
        ids=["plain", "sent"],
    )
    def test_reads_as_its_mime(self, answer, files, mime):
        by_properties, by_mime = parse_message_record(answer, files), rfc5322.parse_message(mime)

        for name in (
            "from_", "to", "cc", "bcc", "reply_to", "subject", "date", "message_id", "in_reply_to",
            "references", "defects",
        ):  # fmt: skip
            assert getattr(by_properties, name) == getattr(by_mime, name), name
        assert [
            (one.filename, one.content_type, one.size, one.content_id, one.is_inline)
            for one in by_properties.attachments
        ] == [
            (one.filename, one.content_type, one.size, one.content_id, one.is_inline)
            for one in by_mime.attachments
        ]
        assert by_properties.text == by_mime.text
        assert html_to_text(by_properties.html) == html_to_text(by_mime.html)

    def test_names_attachments_by_the_ids_that_graph_gave_them(self):
        found = parse_message_record(exchange.SENT, exchange.SENT_FILES)

        assert [one.part for one in found.attachments] == [
            "graph:AAMkAGE1AAA=",
            "graph:AAMkAGE1AAB=",
        ]

    def test_says_its_size(self):
        assert graph_message.read_extended_properties(exchange.SENT)[0x0E08] == "48211"

    def test_without_properties_answers_its_parent(self):
        sent = {name: one for name, one in exchange.SENT.items() if "Extended" not in name}

        found = parse_message_record(sent, parent=["<second@example.com>", "<first@example.com>"])

        assert found.in_reply_to == ("second@example.com",)
        assert found.references == ("first@example.com", "second@example.com")


class TestWhatAStrangerWrote:
    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"subject": ["x"]}, "undecodable"),
            ({"toRecipients": "everybody"}, "undecodable"),
            ({"body": {"content": 1}}, "undecodable"),
            ({"internetMessageHeaders": [{"name": "X", "value": "y" * 600_000}]}, "too-large"),
            ({"internetMessageHeaders": [{"name": "X", "value": "y" * 2_000}] * 400}, "too-large"),
        ],
    )
    def test_is_refused_in_a_word(self, changed, reason):
        with pytest.raises(UnreadableMailMessage) as caught:
            parse_message_record(exchange.PLAIN | changed)

        assert caught.value.reason == reason

    def test_has_no_more_attachments_than_parts(self):
        with pytest.raises(UnreadableMailMessage) as caught:
            parse_message_record(exchange.SENT, exchange.SENT_FILES[:1] * 1_001)

        assert caught.value.reason == "too-many-parts"

    @pytest.mark.parametrize("record", [b"", b"[]", b"{}", b"\xff", b'{"message": 1}'])
    def test_that_is_no_record_is_refused(self, record):
        with pytest.raises(UnreadableMailMessage):
            graph_message.parse_record(record)

    def test_is_cut_where_it_is_long(self):
        found = parse_message_record(
            exchange.PLAIN | {"body": {"contentType": "text", "content": "x" * 3_000_000}}
        )

        assert (len(found.text), found.defects) == (MAX_TEXT, ("text-cut",))

    def test_costs_no_more_than_its_length(self):
        content = "<!-- converted from text -->" + "<" * 2_000_000
        began = time.process_time()

        parse_message_record(exchange.PLAIN | {"body": {"contentType": "html", "content": content}})

        # Each "<" was looked at together with the 2,000 characters after it.
        assert time.process_time() - began < 1

    def test_may_hold_half_of_a_character(self):
        found = parse_message_record(
            exchange.PLAIN
            | {"subject": "a\ud800b", "body": {"contentType": "text", "content": "a\ud800b"}}
        )

        assert found.subject.encode()
        assert found.text.encode()

    def test_has_no_more_recipients_than_are_read(self):
        many = [{"emailAddress": {"address": f"a{n}@example.com"}} for n in range(5_000)]

        assert len(parse_message_record(exchange.PLAIN | {"toRecipients": many}).to) == 2_000
