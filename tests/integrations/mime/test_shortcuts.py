"""The short ways through headers say what the standard library's long ones say."""

from __future__ import annotations

from email.message import Message
from email.utils import getaddresses

from hypothesis import example, given
from hypothesis import strategies as st

from integrations.mime import headers
from integrations.mime.addresses import Address

ATOMS = st.sampled_from(
    ["Alice", "de", "O-Brien", "x_y", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "=?utf-8?B?w6k=?=", "3"]
)
PUNCTUATION = st.sampled_from(
    [" ", '"', "<", ">", ",", ";", "@", ".", "(", ")", "\\", ":", "'", "é"]
)
EMAILS = st.sampled_from(
    ["a@b.example", "first.last+tag@mail.example.org", "a@localhost", "@x", "a..b@c.d", "<a@b.c>"]
)
WRITTEN = st.lists(ATOMS | PUNCTUATION | EMAILS, max_size=8).map("".join)
USUAL = st.builds("{}{}".format, st.sampled_from(["", "Alice ", '"Alice B" ', "a b "]), EMAILS)


class TestOneAddress:
    @given(WRITTEN | USUAL)
    @example("Alice Adler <alice@firma.example>")
    @example('"Adler, Alice" <alice@firma.example>')
    @example("alice@firma.example>")
    @example("Alice alice@firma.example")
    def test_is_what_the_list_reader_finds(self, value):
        found = headers._one(value)

        if found is not None:
            (pair,) = getaddresses([value])
            assert found == Address(headers.text(pair[0]), headers.printable(pair[1]))

    def test_is_taken_for_what_most_mail_says(self):
        assert headers._one("Alice Adler <a@b.example>") == Address("Alice Adler", "a@b.example")
        assert headers._one('"Alice Adler" <a@b.example>') == Address("Alice Adler", "a@b.example")
        assert headers._one("a@b.example") == Address("", "a@b.example")
        assert headers._one("A <a@b.example>, B <b@b.example>") is None


TYPES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["text/plain", "TEXT/HTML", "multipart/mixed", "text", "a/b/c", "text/", ""]),
    st.sampled_from(["", "; ", ";", " ; "]),
    st.sampled_from(
        ["", "charset=utf-8", 'charset="iso-8859-1"', 'boundary="=_x y"', "boundary=abc", "name=x"]
    ),
    st.sampled_from(["", "; name=x", ";", " ", "; charset=x"]),
)


class TestParameters:
    @given(TYPES, st.sampled_from(["", "inline", "attachment", "attachment; filename=x.pdf"]))
    def test_are_what_the_message_class_reads(self, content_type, disposition):
        part = Message()
        if content_type:
            part["Content-Type"] = content_type
        if disposition:
            part["Content-Disposition"] = disposition

        found = headers.Parameters(content_type, disposition)

        assert found.content_type == part.get_content_type()
        assert found.charset == part.get_param("charset", "")
        assert found.filename == (
            part.get_param("filename", "", "Content-Disposition") or part.get_param("name", "")
        )
