"""Text in the charset that is declared, as other readers of mail show it."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from webencodings.labels import LABELS

from integrations.formats.mime import charset_labels, charsets, gmail_payload, html_charset, rfc5322
from integrations.formats.mime.charsets import decode_charset_text, find_codec
from tests.integrations.formats.mime.charset_samples import BROKEN, GUESSES, READINGS

from . import payloads


class TestDecoding:
    @pytest.mark.parametrize(("charset", "data", "text"), READINGS)
    def test_follows_the_label(self, charset, data, text):
        assert decode_charset_text(data, charset)[0] == text

    @pytest.mark.parametrize(("charset", "data", "text"), BROKEN)
    def test_replaces_what_is_no_character_and_keeps_the_rest(self, charset, data, text):
        assert decode_charset_text(data, charset) == (text, False)

    @pytest.mark.parametrize(("charset", "data", "text"), GUESSES)
    def test_guesses_without_a_charset_that_can_be(self, charset, data, text):
        assert decode_charset_text(data, charset)[0] == text

    def test_knows_every_label_of_the_standard(self):
        unknown = {label for label in LABELS if not find_codec(label)}

        # The standard decodes nothing by these, and x-user-defined into characters of nobody.
        assert unknown == {"iso-2022-cn", "iso-2022-cn-ext", "replacement", "x-user-defined"}

    def test_takes_no_two_charsets_for_one(self):
        names = [*LABELS, *charset_labels._MAIL_CODECS, *charset_labels._ASCII]

        for name in names:
            assert find_codec(charset_labels._squeeze_label(name)) == find_codec(name)

    @pytest.mark.parametrize(
        "charset",
        ["unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined", "base64", "rot13",
         "zlib", "bz2", "hex", "mbcs", "oem", "palmos", "utf-8\x00x", "x" * 5_000, "\ud800", "ß"],
    )  # fmt: skip
    def test_has_no_charset_that_is_not_listed(self, charset):
        assert not find_codec(charset)

    def test_does_not_take_gmails_utf_8_for_the_declared_charset(self):
        assert decode_charset_text("é".encode(), "iso-8859-1", may_be_utf8=True)[0] == "é"
        assert decode_charset_text(b"caf\xe9", "iso-8859-1", may_be_utf8=True)[0] == "café"


LABEL = st.sampled_from(sorted({*LABELS, *charset_labels._MAIL_CODECS, "", "x-unknown"}))
BYTES = st.binary(max_size=80) | st.lists(
    st.sampled_from(
        [b"\x1b$B", b"\x1b(B", b"\x1b(I", b"\x1b$)C", b"~{", b"~}", b"+2AA-", b"+", b"a",
         b"\x0e", b"\x0f", b"\xed\xa0\x80", b"\x81\x30\x81\x30", b"\x8f\xa1\xa1", b"\n", b"\x80"]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


LINEAR = [
    "utf-8", "gb2312", "shift_jis", "iso-2022-jp", "euc-jp", "utf-7", "hz-gb-2312", "iso-2022-kr",
    "",
]  # fmt: skip


class TestAnyBytes:
    @given(BYTES, LABEL | st.text(max_size=12), st.booleans())
    @example(b"~{\n", "hz-gb-2312", False)
    @example(b"\x1b$)C\x0e!", "iso-2022-kr", False)
    @example(b"+2AA-3AA-", "utf-7", False)
    def test_are_read(self, data, charset, may_be_utf8):
        text, _ = decode_charset_text(data, charset, may_be_utf8=may_be_utf8)

        # No halves of characters: JSON takes none.
        text.encode("utf-8")

    @given(BYTES, st.text(max_size=20))
    def test_in_a_header_are_read(self, data, more):
        charsets.mend_header_text(data.decode("ascii", "surrogateescape") + more).encode("utf-8")

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=40))
    def test_that_are_utf_8_stay_as_they_are(self, text):
        assert decode_charset_text(text.encode(), "utf-8") == (text, True)
        assert charsets.guess_text(text.encode()) == text or "\x1b$" in text

    def test_keep_a_replacement_that_a_provider_put_there(self):
        assert charsets.mend_header_text("caf\ufffd") == "caf\ufffd"

    @given(LABEL, st.data())
    def test_written_in_a_charset_come_back(self, label, data):
        codec = find_codec(label)
        if not codec or label.startswith("utf-32"):
            return
        # Without the characters that switch a charset.
        switches = "~\\+\x0e\x0f\x1b"
        letters = st.text(st.characters(codec="ascii", exclude_characters=switches), max_size=20)
        known = data.draw(letters)

        assert decode_charset_text(known.encode(codec), label)[0] == known

    @pytest.mark.invariant(8)
    @pytest.mark.parametrize("label", LINEAR)
    @pytest.mark.parametrize(
        "piece", [b"\xff", b"\x1b$B", b"\xad\xfe", b"~{", b"+2AA-", b"\xe2\x82"]
    )
    def test_take_a_time_that_grows_with_their_number(self, label, piece):
        short, long = (seconds(piece * (size // len(piece)), label) for size in (8_000, 128_000))

        assert long <= 60 * max(short, 0.002)


def seconds(data, label):
    spent = []
    for _ in range(3):
        began = time.process_time()
        decode_charset_text(data, label)
        spent.append(time.process_time() - began)
    return min(spent)


def message(content_type, body, *headers):
    lines = [*headers, f"Content-Type: {content_type}", "Content-Transfer-Encoding: 8bit", "", ""]
    return "\r\n".join(lines).encode() + body


class TestCharsetOfMessage:
    def test_says_its_words_and_names_in_their_charsets(self):
        parsed = rfc5322.parse_message(
            message(
                "application/pdf",
                b"",
                "Subject: =?gb2312?B?6UY=?= =?shift_jis?B?h0A=?= =?iso-8859-1?Q?=80?=",
                "From: =?ks_c_5601-1987?B?jGM=?= <a@x.example>",
                "Content-Disposition: attachment; filename*=shift_jis''%87%40.pdf",
            )
        )

        assert parsed.subject == "镕①€"
        assert parsed.from_[0].name == "똠"
        assert parsed.attachments[0].filename == "1.pdf"

    def test_believes_its_html_where_the_part_declares_nothing(self):
        body = b'<html><head><meta charset="shift_jis"></head>\x87\x40</html>'

        assert "①" in rfc5322.parse_message(message("text/html", body)).html
        assert "①" not in rfc5322.parse_message(message("text/html; charset=iso-8859-1", body)).html

    def test_in_utf_8_with_a_cut_byte_keeps_every_other_character(self):
        cut = "Grüße, 日本 €".encode()[:-1]

        parsed = rfc5322.parse_message(message("text/plain; charset=utf-8", cut))

        assert (parsed.text, parsed.defects) == ("Grüße, 日本 \ufffd", ("charset-wrong",))

    def test_from_gmail_says_the_same_by_its_payload(self):
        content = message("text/plain; charset=gb2312", "镕".encode("gb18030"))

        assert gmail_payload.parse_payload(payloads.from_raw(content)) == rfc5322.parse_message(
            content
        )

    def test_that_gmail_turned_into_utf_8_is_read(self):
        payload = payloads.from_raw(message("text/plain; charset=gb2312", "镕".encode()))

        assert gmail_payload.parse_payload(payload).text == "镕"


class TestHtml:
    @pytest.mark.parametrize(
        ("data", "label"),
        [
            (b'<meta charset="utf-8">', "utf-8"),
            (b"<META http-equiv=x content='text/html;charset=Shift_JIS'/>", "shift_jis"),
            (b"<meta name=x><meta charset=big5>", "big5"),
            (b"<!-- <meta charset=big5> --><meta charset=gbk>", "gbk"),
            (b"<meta charset=utf-16>", "utf-8"),
            (b"<p>charset=big5", ""),
            (b" " * 2_000 + b"<meta charset=big5>", ""),
            (b"<meta charset=", ""),
            (b"<meta " * 170, ""),
        ],
    )  # fmt: skip
    def test_declares(self, data, label):
        assert html_charset.find_declared_charset(data) == label
