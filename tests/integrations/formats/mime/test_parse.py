from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.formats.mime import gmail_payload, rfc5322
from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.message import (
    MAX_DEPTH,
    MAX_TEXT,
    ParsedMessage,
    UnreadableMailMessage,
)

from . import payloads


def mail(headers: str, body: bytes = b"hello") -> bytes:
    return headers.strip().replace("\n", "\r\n").encode("utf-8") + b"\r\n\r\n" + body


def nested(depth: int) -> bytes:
    opening = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(depth)
    )
    return b"Subject: deep\r\n" + opening + b"\r\nhello"


class TestHeaders:
    def test_reads_addresses_before_it_decodes_words(self):
        parsed = rfc5322.parse_message(
            mail("From: =?utf-8?q?a=40evil=2Eexample=2C_b?= <bob@example.test>\nTo: x@y.example")
        )

        assert parsed.from_ == (MailAddress("a@evil.example, b", "bob@example.test"),)
        assert parsed.to == (MailAddress("", "x@y.example"),)

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"),
            ("=?iso-8859-1?q?caf=E9?= =?iso-8859-1?q?_noir?=", "café noir"),
            ("=?utf-8?b?8J+Y?= =?utf-8?b?gA==?=", "\N{GRINNING FACE}"),
            ("=?iso-2022-jp?b?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
            ("=?windows-1251?q?=CF=F0=E8=E2=E5=F2?=", "Привет"),
            ("=?no-such?q?caf=C3=A9?=", "café"),
            ("=?utf-8?b?broken!?=", "broken!"),
            ("plain =?utf-8?q?and_words?= mixed", "plain and words mixed"),
            ("Grüße, undeclared", "Grüße, undeclared"),
            ("two\n lines", "two lines"),
        ],
    )
    def test_decodes_words(self, written, read):
        parsed = rfc5322.parse_message(mail(f"Subject: {written}"))

        if "broken" in written:
            assert parsed.subject
        else:
            assert parsed.subject == read

    @pytest.mark.scenario("F3")
    def test_leaves_nothing_that_disguises(self):
        parsed = rfc5322.parse_message(mail("Subject: pay\u202etxt.exe\u200b\u2028now\x07"))

        assert parsed.subject == "pay txt.exe now"

    def test_reads_ids_without_their_brackets(self):
        parsed = rfc5322.parse_message(
            mail("Message-ID: <a@b>\nIn-Reply-To: <c@d>\nReferences: <c@d>\n <e@f> junk")
        )

        assert (parsed.message_id, parsed.in_reply_to) == ("a@b", ("c@d",))
        assert parsed.references == ("c@d", "e@f")

    def test_reads_the_date_as_utc_and_names_a_wrong_one(self):
        good = rfc5322.parse_message(mail("Date: Tue, 03 Nov 2026 10:00:00 +0200"))
        bad = rfc5322.parse_message(mail("Date: yesterday, I think"))

        assert good.date == datetime(2026, 11, 3, 8, tzinfo=UTC)
        assert (bad.date, bad.defects) == (None, ("date-unreadable",))

    def test_keeps_visible_what_is_no_address(self):
        parsed = rfc5322.parse_message(mail("From: undisclosed senders of mail"))

        assert parsed.from_
        assert parsed.from_[0].name or parsed.from_[0].address


class TestBodies:
    @pytest.mark.parametrize(
        ("charset", "body", "read", "defects"),
        [
            ("utf-8", "Grüße".encode(), "Grüße", ()),
            ("iso-8859-1", b"caf\xe9", "café", ()),
            ("us-ascii", "Grüße".encode(), "Grüße", ()),
            ("utf-8", b"caf\xe9", "caf\ufffd", ("charset-wrong",)),
            ("shift_jis", "こんにちは".encode("shift_jis"), "こんにちは", ()),
            ("utf-16", "Grüße".encode("utf-16"), "Grüße", ()),
            ("utf-16-le", "plain".encode("utf-16-le"), "plain", ()),
            ("utf-16", b"transcoded", "transcoded", ("charset-wrong",)),
            ("big5", "你好".encode("big5"), "你好", ()),
            ("iso-8859-1", "Grüße".encode(), "GrÃ¼ÃŸe", ()),
            ("x-unknown", "Grüße".encode(), "Grüße", ("charset-wrong",)),
            ("punycode", b"abc-", "abc-", ("charset-wrong",)),
            ("base64", b"aGVsbG8=", "aGVsbG8=", ("charset-wrong",)),
            ("utf-8\x00x", b"abc", "abc", None),
        ],
    )
    def test_decode_whatever_was_claimed(self, charset, body, read, defects):
        parsed = rfc5322.parse_message(mail(f"Content-Type: text/plain; charset={charset}", body))

        assert parsed.text == read
        assert defects is None or parsed.defects == defects

    def test_take_text_and_html_and_leave_the_rest(self):
        message = EmailMessage()
        message["Subject"] = "s"
        message.set_content("plain\n")
        message.add_alternative('<p>rich <img src="cid:logo"></p>', subtype="html")
        message.get_payload()[1].add_related(b"PNG", "image", "png", cid="<logo>")
        message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
        message.add_attachment("BEGIN:VCALENDAR", subtype="calendar", filename="i.ics")

        parsed = rfc5322.parse_message(bytes(message))

        assert (parsed.text, parsed.html.strip()) == (
            "plain\n",
            '<p>rich <img src="cid:logo"></p>',
        )
        picture, document, invitation = parsed.attachments
        assert (picture.content_id, picture.is_inline) == ("logo", True)
        assert (document.filename, document.content_type, document.size) == (
            "a.pdf",
            "application/pdf",
            4,
        )
        assert (invitation.is_calendar, invitation.is_inline) == (True, False)
        assert [part.position for part in parsed.attachments] == [0, 1, 2]
        assert parsed.has_attachments

    @pytest.mark.scenario("F5")
    def test_count_no_inline_picture_as_an_attachment(self):
        message = EmailMessage()
        message.set_content("<p>x</p>", subtype="html")
        message.add_related(b"PNG", "image", "png", cid="<logo>")

        parsed = rfc5322.parse_message(bytes(message))

        assert len(parsed.attachments) == 1
        assert not parsed.has_attachments

    @pytest.mark.claim("export.about", "export.contents")
    def test_are_cut_at_a_bound_that_is_said(self):
        parsed = rfc5322.parse_message(mail("Subject: long", b"a" * (MAX_TEXT + 10)))

        assert (len(parsed.text), parsed.defects) == (MAX_TEXT, ("text-cut",))

    def test_keep_a_forwarded_message_whole(self):
        inner = EmailMessage()
        inner["Subject"] = "inner"
        inner.set_content("secret\n")
        message = EmailMessage()
        message.set_content("outer\n")
        message.add_attachment(inner)

        parsed = rfc5322.parse_message(bytes(message))

        assert parsed.text == "outer\n"
        assert [part.content_type for part in parsed.attachments] == ["message/rfc822"]


class TestADigest:
    CONTENT = b"""Content-Type: multipart/digest; boundary=b

--b

From: Bob <bob@example.test>
Subject: first

one
--b
Content-Type: text/plain

two
--b--
"""

    def test_has_messages_where_no_type_is_said(self):
        parsed = rfc5322.parse_message(self.CONTENT)

        (attached,) = parsed.attachments
        assert (attached.content_type, attached.part) == ("message/rfc822", "0")
        assert b"Subject: first" in rfc5322.find_part(self.CONTENT, attached.part)
        # RFC 2046, 5.1.5: a type that is said stands.
        assert parsed.text == "two"

    def test_is_the_same_by_gmails_payload(self):
        parsed = gmail_payload.parse_payload(payloads.from_raw(self.CONTENT))

        assert parsed == rfc5322.parse_message(self.CONTENT)


class TestFilenames:
    @pytest.mark.scenario("F3")
    @pytest.mark.parametrize(
        ("header", "name"),
        [
            ('filename="../../etc/passwd"', "passwd"),
            ('filename="..\\\\..\\\\boot.ini"', "boot.ini"),
            ('filename=".."', "attachment-0.pdf"),
            ('filename="invoice\u202efdp.exe"', "invoice fdp.exe"),
            ("filename*=utf-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
            ('filename*0="long "; filename*1="name.pdf"', "long name.pdf"),
            ("filename*0*=iso-8859-1''caf%e9; filename*1=.pdf", "café.pdf"),
            ('filename="=?utf-8?b?R3LDvMOfZS5wZGY=?="', "Grüße.pdf"),
            ('filename="a\x00b\x1b[31m.pdf"', "a b [31m.pdf"),
            ('filename="C:evil.pdf"', "evil.pdf"),
            ('filename="\uff0e\uff0e\uff0fx.pdf"', "x.pdf"),
        ],
    )
    def test_are_safe_to_show(self, header, name):
        parsed = rfc5322.parse_message(
            mail(f"Content-Type: application/pdf\nContent-Disposition: attachment; {header}")
        )

        assert parsed.attachments[0].filename == name

    @given(name=st.text(max_size=400))
    def test_never_leave_a_folder(self, name):
        from integrations.formats.mime import attachment_filenames

        safe = attachment_filenames.make_safe_filename(name, content_type="image/png", position=3)

        assert 0 < len(safe) <= attachment_filenames.MAX_LENGTH
        assert not re.search(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]', safe)
        assert safe not in {".", ".."}


class TestBounds:
    @pytest.mark.invariant(8)
    @pytest.mark.scenario("S2")
    @pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 200, 900, 5_000])
    def test_set_a_nested_bomb_aside(self, depth):
        with pytest.raises(UnreadableMailMessage):
            rfc5322.parse_message(nested(depth))

    @pytest.mark.scenario("S2")
    def test_read_an_empty_message(self):
        parsed = rfc5322.parse_message(b"")

        assert (parsed.text, parsed.subject, parsed.attachments) == ("", "", ())

    @pytest.mark.scenario("F2")
    def test_set_ten_thousand_parts_aside(self):
        body = b"".join(b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" for _ in range(10_000))

        with pytest.raises(UnreadableMailMessage) as caught:
            rfc5322.parse_message(
                b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + body + b"--b--"
            )

        assert caught.value.reason == "too-many-parts"

    def test_hold_for_a_payload_too(self):
        node: dict = {"mimeType": "text/plain", "body": {"data": "aGk"}}
        for _ in range(300):
            node = {"mimeType": "multipart/mixed", "parts": [node]}

        with pytest.raises(UnreadableMailMessage) as caught:
            gmail_payload.parse_payload(node)

        assert caught.value.reason == "too-deep"


class TestAnyInput:
    @pytest.mark.invariant(8)
    @settings(max_examples=300, deadline=None)
    @given(content=st.binary(max_size=2_000))
    def test_is_read_or_is_poison(self, content):
        self._attempt(lambda: rfc5322.parse_message(content))

    @settings(max_examples=300, deadline=None)
    @given(
        names=st.lists(
            st.sampled_from(
                [
                    "From",
                    "To",
                    "Subject",
                    "Date",
                    "Message-ID",
                    "References",
                    "Content-Type",
                    "Content-Disposition",
                    "Content-Transfer-Encoding",
                    "Content-ID",
                ]
            ),
            max_size=8,
        ),
        data=st.data(),
    )
    def test_in_a_known_header_is_read_or_is_poison(self, names, data):
        lines = [
            name.encode()
            + b": "
            + data.draw(
                st.one_of(
                    st.binary(max_size=80),
                    st.text(alphabet="=?utf8qb;*\"<>@,()%'.\\ \r\n", max_size=60).map(str.encode),
                )
            )
            for name in names
        ]

        self._attempt(lambda: rfc5322.parse_message(b"\r\n".join(lines) + b"\r\n\r\nbody"))

    @settings(max_examples=200, deadline=None)
    @given(
        payload=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["headers", "parts", "body", "data", "name", "value", "mimeType", "size"]
                    ),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=12,
        )
    )
    def test_in_a_payload_is_read_or_is_poison(self, payload):
        self._attempt(lambda: gmail_payload.parse_payload(payload))

    def _attempt(self, read):
        with suppress(UnreadableMailMessage):
            assert isinstance(read(), ParsedMessage)


words = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\x7f"),
    min_size=1,
    max_size=20,
)


@st.composite
def messages(draw) -> bytes:
    message = EmailMessage()
    message["From"] = "bob@example.test"
    message["To"] = ", ".join(draw(st.lists(st.just("alice@example.test"), min_size=1, max_size=3)))
    message["Subject"] = draw(words)
    message["Date"] = format_datetime(draw(st.datetimes(datetime(2000, 1, 1))))  # noqa: DTZ001
    message["Message-ID"] = "<a@example.test>"
    message.set_content(draw(words), charset=draw(st.sampled_from(["utf-8", "utf-16"])))
    if draw(st.booleans()):
        message.add_alternative(f"<p>{draw(words)}</p>", subtype="html")
    for data in draw(st.lists(st.binary(max_size=50), max_size=3)):
        message.add_attachment(
            data, maintype="application", subtype="pdf", filename=draw(words) + ".pdf"
        )
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"boundary-{number}")
    return bytes(message)


class TestBothReaders:
    @settings(max_examples=100, deadline=None)
    @given(content=messages())
    def test_agree(self, content):
        assert gmail_payload.parse_payload(payloads.from_raw(content)) == rfc5322.parse_message(
            content
        )
