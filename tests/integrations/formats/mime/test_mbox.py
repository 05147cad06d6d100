"""What an owner's copy is made of: records that mail programs read, whatever a sender wrote."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.formats.mime import mbox

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
# What the tables can hold: JSON has no lone surrogates.
TEXT = st.text(st.characters(blacklist_categories=("Cs",)))
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3)
BEGINS = re.compile(rb"^From ", re.MULTILINE)


def summary(**more):
    empty = dict.fromkeys(("from", "to", "cc", "bcc", "reply_to", "attachments"), ())
    return {**empty, "subject": "", "message_id": "", **more}


def make_record(*, headers=(), text="", html="", filed=(), **more):
    content = {"headers": headers, "text": text, "html": html}
    return mbox.format_message(summary(**more), content, received_at=AT, filed=filed)


def read_record(data):
    """Return the message that a mail program finds in a record."""
    first, _, rest = data.partition(b"\n")
    assert first.startswith(b"From ")
    return message_from_bytes(rest, policy=policy.default)


class TestRecord:
    @given(
        st.fixed_dictionaries(
            {
                "headers": PAIRS,
                "text": TEXT,
                "html": TEXT,
                "subject": TEXT,
                "to": PAIRS,
                "filed": st.lists(TEXT, max_size=2),
            }
        )
    )
    def test_is_one_record_whatever_a_sender_wrote(self, written):
        data = make_record(**written)

        # One beginning, one empty line at the end, and no other line that begins like one.
        assert len(BEGINS.findall(data)) == 1
        assert data.endswith(b"\n\n")
        assert not data.endswith(b"\n\n\n")
        assert read_record(data)["Date"]

    @given(TEXT)
    def test_quotes_lines_so_that_they_can_be_had_back(self, text):
        quoted = make_record(text=text)

        lines = quoted.split(b"\n")[1:]
        assert not any(line.startswith(b"From ") for line in lines)

    def test_keeps_the_headers_as_they_came(self):
        data = make_record(
            headers=[
                ["Received", "from a.example by b.example"],
                ["DKIM-Signature", "v=1; a=rsa-sha256"],
                ["Subject", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="],
                ["Date", "Mon, 23 Nov 2026 08:00:00 +0100"],
            ],
            subject="Grüße",
        )

        found = read_record(data)
        assert found["Received"] == "from a.example by b.example"
        assert found["Subject"] == "Grüße"
        assert found.get_all("Date") == ["Mon, 23 Nov 2026 08:00:00 +0100"]

    def test_says_from_the_summary_what_no_header_says(self):
        data = make_record(
            **{"from": [("Böb, B", "bob@example.org"), ("", "x@example.org")]},
            subject="Hello",
            message_id="one@example.org",
        )

        found = read_record(data)
        assert [one.addr_spec for one in found["From"].addresses] == [
            "bob@example.org", "x@example.org",
        ]  # fmt: skip
        assert found["From"].addresses[0].display_name == "Böb, B"
        assert found["Message-ID"] == "<one@example.org>"

    def test_does_not_say_how_parts_were_put_together_that_are_no_longer_there(self):
        data = make_record(
            headers=[["Content-Type", 'multipart/mixed; boundary="gone"'], ["MIME-Version", "1.0"]],
            text="plain",
        )

        found = read_record(data)
        assert found.get_content_type() == "text/plain"
        assert found.get_all("MIME-Version") == ["1.0"]

    @pytest.mark.parametrize(
        ("text", "html", "kinds"),
        [
            ("a", "", ["text/plain"]),
            ("", "<p>b", ["text/html"]),
            ("a", "<p>b", ["multipart/alternative", "text/plain", "text/html"]),
            ("", "", ["text/plain"]),
        ],
    )
    def test_has_the_text_as_it_came(self, text, html, kinds):
        found = read_record(make_record(text=text, html=html))

        assert [part.get_content_type() for part in found.walk()] == kinds

    def test_lets_no_header_make_another(self):
        data = make_record(
            headers=[["Subject", "one\r\nBcc: victim@example.org"], ["Bad Name", "x"], ["", "y"]]
        )

        found = read_record(data)
        assert found["Bcc"] is None
        assert len(found.keys()) == len(set(found.keys()))

    def test_names_attachments_and_says_that_they_are_not_kept(self):
        data = make_record(attachments=[("id", "plan.pdf", "application/pdf", 12, False)])

        assert (
            read_record(data)["X-Antares-Attachment-Not-Kept"]
            == "application/pdf; 12 bytes; plan.pdf"
        )


class TestNote:
    def test_is_in_our_words_and_from_nobody(self):
        found = read_record(mbox.format_note("About", "Words\nFrom us\n", at=AT))

        assert found["From"].addresses[0].domain == "localhost.invalid"
        assert found.get_content().rstrip() == "Words\n>From us"
