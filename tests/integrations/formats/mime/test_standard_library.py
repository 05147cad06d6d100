"""
Our reading beside the standard library's (`email.policy.default`).

Each difference has its reason in a table. A difference without one fails, and so does a reason that
nothing needs any more. Seen with Python 3.11.7, 3.12.1, 3.13.0 and 3.13.5: our readings are the
same on all of them; the tables say which of the library's are not. A run of this suite sees the
Python that it runs on alone.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator, Mapping
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import formataddr, getaddresses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.formats.mime import attachment_filenames, charsets, headers, rfc5322
from integrations.formats.mime.addresses import read_addresses
from integrations.formats.mime.charsets import REPLACEMENT
from integrations.sandbox.mail.generator import MailboxRecipe, MailGenerator
from tests.integrations.formats.mime.address_samples import READINGS
from tests.integrations.formats.mime.charset_samples import BROKEN, GUESSES
from tests.integrations.formats.mime.charset_samples import READINGS as CHARSETS


def read_by_library(content: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(content)


# -- Addresses ------------------------------------------------------------------------------------

ENDS = "The library stops at the first thing that its grammar does not allow."
COMMENT = "A comment names an address that has no other name."
WORDS = "Text that is no address is a name, not an address made of it."
# By what is written: the library's reading, and why ours differs.
ADDRESSES: Mapping[str, tuple[list[tuple[str, str]], str]] = {
    "ceo@bank.example <attacker@evil.example>": (
        [("", "ceo@bank.example")], "The address is the one in angle brackets."),
    "a@x.example <a@x.example>, b@x.example <b@x.example>": (
        [("", "a@x.example"), ("", "b@x.example")], "The rest is the name."),
    "Max [Firma] <a@x.example>": ([("", "Max")], ENDS),
    "Bob (work) <a@x.example>": ([("Bob", "a@x.example")], "The rest is the name."),
    "Bob <a@x.example> (work)": ([("Bob", "a@x.example")], "The rest is the name."),
    "a@x.example (Bob)": ([("", "a@x.example")], COMMENT),
    "(Bob) a@x.example": ([("", "a@x.example")], COMMENT),
    "<a (one) . b @ (two) x . (three) example>": ([("", "a.b@x.example")], COMMENT),
    "(outer (inner) \\) end) a@x.example": ([("", "a@x.example")], COMMENT),
    "Bob a@x.example": ([("", '"Bob a"@x.example')], "The address is as it is written."),
    "=?utf-8?q?Gr=C3=BC?= =?utf-8?q?=C3=9Fe?= <a@x.example>": (
        [("Grü ße", "a@x.example")], "White space between encoded words is none (RFC 2047, 6.2)."),
    "undisclosed-recipients:;": ([], "A group without members is kept visible."),
    '"a b"@x.example <c@x.example>': (
        [("", '"a b"@x.example')], "The address is the one in angle brackets."),
    "a@x.example; b@x.example": ([("", "a@x.example")], "Outlook separates by semicolons."),
    "a@x.example b@x.example": ([("", "a@x.example")], ENDS),
    "Ann <a@x.example> Bob <b@x.example>": ([("Ann", "a@x.example")], ENDS),
    "Bob>a@x.example": ([("", "Bob")], ENDS),
    "<<a@x.example>>": ([("", "<>")], ENDS),
    '"Bob <a@x.example>': ([("", '"Bob <a@x.example>"')], "A quote that is not closed is a word."),
    "Bob ( <a@x.example>": ([("", "Bob")], "A comment that is not closed is a word."),
    "Bob ) <a@x.example>": ([("", "Bob")], ENDS),
    "a@b@c.example": ([("", "<>")], WORDS),
    "Bob <a@b@c.example>": ([("", "Bob")], WORDS),
    "I <3 mail": ([("I", '"3 mail"')], WORDS),
    '"Bob"': ([("", "Bob")], WORDS),
    "undisclosed senders of mail": ([("", '"undisclosed senders of mail"')], WORDS),
    "=?utf-8?q?ceo=40bank=2Eexample?=": ([("", '"ceo@bank.example"')], WORDS),
    "Bob <>": ([("Bob", "<>")], "There is no address."),
    "Max <Firm> <a@x.example>": ([("Max", "Firm")], ENDS),
    "Max <Firm> <Office> <a@x.example>": ([("Max", "Firm")], ENDS),
    "ceo@bank.example <> <a@x.example>": ([("", "ceo@bank.example")], ENDS),
    "<>": ([("", "<>")], "There is no address: what is written is kept visible."),
}  # fmt: skip
# `email.utils.getaddresses` depends on the patch level: with 3.11.7 and 3.12.1 it reads these as
# here, with 3.13.0 and 3.13.5 (strict parsing) as nothing.
BY_PATCH_LEVEL: Mapping[str, list[tuple[str, str]]] = {
    "ceo@bank.example <attacker@evil.example>": [
        ("", "ceo@bank.example"), ("", "attacker@evil.example")],
    "Max [Firma] <a@x.example>": [
        ("", "Max"), ("", ""), ("", "Firma"), ("", ""), ("", "a@x.example")],
    "Bob <@one.example,@two.example:a@x.example>": [
        ("Bob", ""), ("", "@two.example"), ("", "a@x.example")],
    ",, a@x.example ,, , b@x.example,": [
        ("", ""), ("", "a@x.example"), ("", ""), ("", "b@x.example")],
    "a@[192.0.2.1]": [("", "a@[192.0.2.1]")],
    "a@x.example; b@x.example": [("", "a@x.example"), ("", ""), ("", "b@x.example")],
    "a@b@c.example": [("", ""), ("", "@c.example")],
    "Bob ( <a@x.example>": [(" <a@x.example>", "Bob")],
}  # fmt: skip

WORD = st.text("abcXYZ019é-", min_size=1, max_size=8)
PERSON = st.tuples(
    st.lists(WORD, max_size=3).map(" ".join),
    st.builds(
        "{}@{}.example".format, st.text("abc.", min_size=1).filter(str.isalpha), st.just("x")
    ),
)


def library_addresses(written: str) -> list[tuple[str, str]]:
    header: Any = policy.default.header_factory("to", written)
    return [(one.display_name, one.addr_spec) for one in header.addresses]


class TestAddresses:
    @pytest.mark.parametrize(("written", "ours"), READINGS)
    def test_differ_only_as_listed(self, written, ours):
        library, reason = ADDRESSES.get(written, (ours, ""))

        assert [(one.name, one.address) for one in read_addresses(written)] == ours
        assert library_addresses(written) == library
        assert bool(reason) is (library != ours)

    def test_are_listed_for_samples_alone(self):
        assert {*ADDRESSES, *BY_PATCH_LEVEL} <= {written for written, _ in READINGS}

    @pytest.mark.parametrize("written", BY_PATCH_LEVEL)
    def test_of_getaddresses_depend_on_the_patch_level(self, written):
        assert getaddresses([written]) in ([("", "")], BY_PATCH_LEVEL[written])

    @given(st.lists(PERSON, min_size=1, max_size=4))
    def test_are_the_same_where_they_are_well_formed(self, people):
        written = ", ".join(formataddr(one) for one in people)
        ours = [(one.name, one.address) for one in read_addresses(written)]

        assert ours == library_addresses(written) == people


# -- Charsets -------------------------------------------------------------------------------------

# By the declared charset: why our text is another one than the library's.
LABELS: Mapping[str, str] = {
    **dict.fromkeys(
        ("gb2312", "GB2312", "shift_jis", "euc-kr", "ks_c_5601-1987", "big5", "iso-8859-1",
         "latin1", "iso-8859-9"),
        "The Encoding Standard gives this label to a larger charset.",
    ),
    **dict.fromkeys(
        ("x-gbk", "x-sjis", "windows-31j", "windows-874", "iso-8859-8-i", "logical", "windows1251"),
        "The library raises LookupError: Python has no codec of this name.",
    ),
    **dict.fromkeys(
        ("windows-1252", "windows-1255", "koi8-u"),
        "The standard's table has characters that Python's leaves undefined, or others.",
    ),
    **dict.fromkeys(
        ("iso-2022-jp", "euc-jp"), "The standard's table has the characters of NEC and IBM."
    ),
    "utf-8": "A byte order mark is no character of the text.",
    "utf-7": "Half of a character is none.",
    "": "Without a charset the text is guessed.",
    "us-ascii": "Bytes beyond ASCII are not in it: the text is guessed.",
    "utf-16": "ASCII is not in it: the text is guessed.",
    "x-unknown": "The library raises LookupError; the text is guessed.",
}  # fmt: skip


def library_text(charset: str, data: bytes) -> str:
    more = f'; charset="{charset.strip(" " + chr(34))}"' if charset else ""
    head = f"Content-Type: text/plain{more}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    try:
        return str(read_by_library(head.encode() + data).get_content())
    except LookupError:
        return "LookupError"


class TestCharsets:
    def test_differ_only_as_listed(self):
        different = {
            charset
            for charset, data, text in [*CHARSETS, *BROKEN, *GUESSES]
            if library_text(charset, data) != text
        }

        # Python 3.13 knows the name windows-31j.
        assert set(LABELS) - {"windows-31j"} <= different <= set(LABELS)


# -- Whole messages -------------------------------------------------------------------------------

Reading = dict[str, Any]
FIELDS = ("from", "to", "cc", "bcc", "reply-to")
ADDRESS_FIELDS = frozenset(FIELDS)


def is_text(part: EmailMessage) -> bool:
    return (
        part.get_content_type() in {"text/plain", "text/html"}
        and part.get_content_disposition() != "attachment"
        and not part.get_filename()
    )


def leaves(part: EmailMessage) -> Iterator[EmailMessage]:
    """Yield the parts that are no multiparts. Of a message within the message, itself alone."""
    if part.get_content_maintype() != "multipart":
        yield part
    elif part.is_multipart():
        for child in part.iter_parts():
            yield from leaves(child)


def text_of(parts: list[EmailMessage], content_type: str) -> str:
    found = (part for part in parts if part.get_content_type() == content_type and is_text(part))
    try:
        return "\n".join(part.get_content().replace("\r\n", "\n") for part in found)
    except LookupError:
        return "LookupError"


def library_reading(content: bytes) -> Reading:
    message = read_by_library(content)
    parts = list(leaves(message))
    date = message["date"]
    return {
        **{
            name: [
                (one.display_name, one.addr_spec)
                for header in message.get_all(name) or []
                for one in header.addresses
            ]
            for name in FIELDS
        },
        "subject": " ".join(str(message["subject"] or "").split()),
        "date": date.datetime.timestamp() if date and date.datetime else None,
        "message-id": str(message["message-id"] or "").strip().strip("<>"),
        "text": text_of(parts, "text/plain"),
        "html": text_of(parts, "text/html"),
        "files": [
            (part.get_content_type(), part.get_filename() or "")
            for part in parts
            if not is_text(part)
        ],
    }


def our_reading(content: bytes) -> Reading:
    parsed = rfc5322.parse_message(content)
    people = (parsed.from_, parsed.to, parsed.cc, parsed.bcc, parsed.reply_to)
    return {
        **{
            name: [(one.name, one.address) for one in found]
            for name, found in zip(FIELDS, people, strict=True)
        },
        "subject": parsed.subject,
        "date": parsed.date and parsed.date.timestamp(),
        "message-id": parsed.message_id,
        "text": parsed.text,
        "html": parsed.html,
        "files": [(one.content_type, one.filename) for one in parsed.attachments],
    }


def has_safe_names(field: str, ours: Any, library: Any) -> bool:
    return field == "files" and ours == [
        (kind, attachment_filenames.make_safe_filename(name, content_type=kind, position=position))
        for position, (kind, name) in enumerate(library)
    ]


def has_printable_names(field: str, ours: Any, library: Any) -> bool:
    return field in ADDRESS_FIELDS and ours == [
        (headers.make_printable(name), address) for name, address in library
    ]


def has_more_names(field: str, ours: Any, library: Any) -> bool:
    return field in ADDRESS_FIELDS and [one[1] for one in ours if one[1]] == [
        one[1] for one in library if one[1] != "<>"
    ]


def has_text_of_multiparts(field: str, ours: Any, library: Any) -> bool:
    return field == "text" and (not library or ours.strip() == library.strip())


# Why a field of a message may differ, and how such a difference is known.
REASONS: Mapping[str, Callable[[str, Any, Any], bool]] = {
    "A file name is made safe to show; a file without a name gets one.": has_safe_names,
    "Names have no control characters and none that turn writing around.": has_printable_names,
    "The library raises for an unknown charset; we guess.": (
        lambda field, _, library: field in {"text", "html"} and library == "LookupError"
    ),
    "A multipart in which no boundary is found is shown as text.": has_text_of_multiparts,
}
# Of the library's own test messages, which not every Python brings along.
MORE_REASONS: Mapping[str, Callable[[str, Any, Any], bool]] = {
    "A comment is a name, and a group without members is kept visible.": has_more_names,
}


def generated() -> Iterator[bytes]:
    for seed in (1, 2):
        recipe = MailboxRecipe(
            email="alice@x.example", name="Alice", size=250, seed=seed, until=1_790_000_000_000,
            malformed=0.2, hostile=0.1,
        )  # fmt: skip
        generator = MailGenerator(recipe)
        for planned in generator.plan_messages(
            {name: name for name in generator.list_label_names()}
        ):
            yield generator.render_message(planned.thread, planned.position, date=planned.date)


def shipped() -> Iterator[bytes]:
    folder = Path(sysconfig.get_paths()["stdlib"]) / "test/test_email/data"
    for file in sorted(folder.glob("msg_*.txt")):
        yield file.read_bytes()


def differences(contents: Iterator[bytes]) -> Iterator[tuple[str, Any, Any]]:
    for content in contents:
        ours, library = our_reading(content), library_reading(content)
        yield from (
            (name, ours[name], library[name]) for name in ours if ours[name] != library[name]
        )


def reason_for(difference: tuple[str, Any, Any], reasons: Mapping[str, Any]) -> str:
    return next((text for text, applies in reasons.items() if applies(*difference)), "")


class TestMessages:
    @pytest.mark.invariant(8)
    def test_of_a_generator_differ_only_as_listed(self):
        found = list(differences(generated()))

        assert [one for one in found if not reason_for(one, REASONS)] == []
        assert {reason_for(one, REASONS) for one in found} == set(REASONS)

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_of_the_library_differ_only_as_listed(self):
        found = differences(shipped())

        assert [one for one in found if not reason_for(one, {**REASONS, **MORE_REASONS})] == []

    def test_have_a_text_that_keeps_every_good_character(self):
        text = charsets.decode_charset_text("Grüße €".encode()[:-1], "utf-8")[0]

        assert text == library_text("utf-8", "Grüße €".encode()[:-1]) == f"Grüße {REPLACEMENT}"
