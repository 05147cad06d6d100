"""Address headers: RFC 5322 with its obsolete forms, RFC 6532, and what is neither."""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime
from email.utils import formataddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integrations.formats.mime import addresses, headers, mbox, rfc5322
from integrations.formats.mime.address_reader import MAX_ADDRESSES, AddressReader
from integrations.formats.mime.addresses import (
    MAX_LENGTH,
    MailAddress,
    names_another_address,
    read_addresses,
)
from tests.integrations.formats.mime.address_samples import READINGS, A, B


def read_at_length(written):
    """Read without the short way for plain entries."""
    return [MailAddress(*entry) for entry in AddressReader(written).read_entries()]


class TestReadAddresses:
    @pytest.mark.parametrize(("written", "read"), READINGS)
    def test_finds_the_entries(self, written, read):
        assert read_addresses(written) == [MailAddress(*one) for one in read]

    def test_is_the_same_by_the_short_way(self):
        usual = [written for written, _ in READINGS if addresses._read_plain(written)]

        assert usual
        for written in usual:
            assert read_at_length(written) == read_addresses(written)

    def test_leaves_nothing_that_disguises(self):
        (found,) = read_addresses("pay\u202etxt <a\u200b@x.example>")

        assert (found.name, found.address) == ("pay txt", "a @x.example")


# Whole, so that hypothesis is quick: every character of an atom, and dots.
EMAILS = st.builds(
    "{}@{}".format,
    st.text("aZ09!#$%&'*+-/=?^_`{|}~é", min_size=1, max_size=12) | st.just("a.b"),
    st.sampled_from(["x.example", "mail.x-y.example", "grün.example", "B.EXAMPLE"]),
)

MARKS = [
    ("ceo@bank.example", "attacker@evil.example", True),
    ("CEO ceo@bank.example (office)", "attacker@evil.example", True),
    ("ceo@bank.example, attacker@evil.example", "attacker@evil.example", True),
    ("ceo@bank.example", "", True),
    ("ceo @bank.example", "attacker@evil.example", True),
    ("ceo\uff20bank\uff0eexample", "attacker@evil.example", True),
    ("ceo@bank\u3002example", "attacker@evil.example", True),
    ("ceo@ba\u00adnk.example", "attacker@evil.example", True),
    ("ceo@b\ufe0fank.example", "attacker@evil.example", True),
    ("чиф@банк.example", "attacker@evil.example", True),
    ("a@grün.example", "a@xn--grn-ioa.example", False),
    ("Attacker@EVIL.example", "attacker@evil.example", False),
    ("'attacker@evil.example'", "attacker@evil.example", False),
    ("(attacker@evil.example)", "attacker@evil.example", False),
    ("attacker@evil.example via List", "attacker@evil.example", False),
    ("Bob", "bob@x.example", False),
    ("Bob @ Firma", "bob@x.example", False),
    ("Jobs @ Firma.example", "noreply@x.example", False),
    ("Max@Firma", "max@x.example", False),
    ("@handle", "max@x.example", False),
    ("", "max@x.example", False),
]


class TestMarking:
    @pytest.mark.parametrize(("name", "address", "is_marked"), MARKS)
    def test_finds_another_address_in_a_name(self, name, address, is_marked):
        assert names_another_address(MailAddress(name, address)) is is_marked

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_never_raises(self, name, address):
        assert names_another_address(MailAddress(name, address)) in {True, False}

    @given(EMAILS, EMAILS)
    def test_finds_any_other_address(self, name, address):
        is_same = name.casefold() == address.casefold()

        assert names_another_address(MailAddress(f"x {name} y", address)) is not is_same


PIECES = st.sampled_from(
    [
        "a", "b.c", "Bob", "@", "x.example", "<", ">", ",", ";", ":", "(", ")", '"', "\\", ".",
        " ", "\t", "[", "]", "=?utf-8?q?", "=?utf-8?q?a=2C?=", "?=", "é", "\ud800", "\x00",
        "a@x.example", "<b@x.example>", "\u3000", "\u202e", "'",
    ]
)  # fmt: skip
WRITTEN = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)


class TestAnyText:
    @given(WRITTEN)
    @example('"\\')
    @example("<@")
    @example("<@:")
    @example("(\\")
    def test_is_read(self, written):
        found = read_addresses(written)

        assert all(one.name or one.address for one in found)
        # Nobody hides: what somebody wrote is shown.
        assert found or not headers.decode_text(written) or not any(map(str.isalnum, written))

    @given(WRITTEN)
    def test_has_no_control_character_afterwards(self, written):
        for one in read_addresses(written):
            assert headers.make_printable(one.name) == one.name
            assert headers.make_printable(one.address) == one.address

    @given(WRITTEN)
    @example(".>a@x.example")
    @example("a@<<a")
    @example("a>@")
    @example("a@>a")
    @example(".<<a@x.example<")
    def test_gives_no_address_that_is_not_written(self, written):
        bare = headers.make_printable(written).replace(" ", "")

        for one in read_addresses(written):
            if "(" not in written and one.address.count("@") == 1:
                assert one.address.replace(" ", "") in bare

    @given(
        st.lists(
            st.builds(
                "{}{}".format, st.sampled_from(["", "Ann B ", '"Ann B" ', "Ann "]),
                st.sampled_from([A, f"<{A}>", f"{A}>", f"<{B}"]),
            ),
            min_size=1,
            max_size=4,
        ).map(", ".join)
    )  # fmt: skip
    def test_is_the_same_by_the_short_way(self, written):
        assert read_at_length(written) == read_addresses(written)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40
)


PEOPLE = st.lists(
    st.tuples(NAMES | st.just(""), EMAILS.filter(str.isascii)), min_size=1, max_size=5
)


class TestAWriter:
    @given(PEOPLE)
    def test_of_the_standard_library_is_understood(self, people):
        written = ", ".join(formataddr(one) for one in people)

        assert read_addresses(written) == [
            MailAddress(headers.decode_text(name), address) for name, address in people
        ]

    @given(PEOPLE)
    def test_of_our_copies_is_understood(self, people):
        empty = dict.fromkeys(("from", "to", "cc", "bcc", "reply_to", "attachments"), ())
        content = {"headers": (), "text": "", "html": ""}
        summary = {**empty, "to": people, "subject": "", "message_id": ""}
        copy = mbox.format_message(
            summary, content, received_at=datetime(2026, 11, 28, tzinfo=UTC), filed=()
        )

        parsed = rfc5322.parse_message(copy.partition(b"\n")[2])

        assert parsed.to == tuple(
            MailAddress(headers.decode_text(name), email) for name, email in people
        )


HOSTILE = [
    "(", '"', '"\\', "\\", "<", "@", ":", ",", ";", "a@", "a.", "a . ", "(a)", "(a)@", "=?a?q?",
    "=?a?q?x?=", "a ", "<a ", "<@a,", "[", ")", "a:", "<a@b@c>", " @ ", "a@x:", "w @ :", "@(c)",
    '"a"', "a(", "<<", "x@y ", "a, ", "A <a@b.c>, ", "@a:", "<>", "a@b@", "(\\", "((a)",
]  # fmt: skip


class TestLimits:
    @pytest.mark.parametrize("separator", [", ", ",\r\n ", ",\r\n\t\t\t  "])
    def test_cut_no_address_in_two(self, separator):
        people = [f'"Person {number}" <person.{number}@company.example>' for number in range(1900)]
        message = f"To: {separator.join(people)}\r\n\r\nHello"

        found = rfc5322.parse_message(message.encode()).to

        assert 1_000 < len(found) < len(people)
        assert [one.address for one in found] == [
            f"person.{number}@company.example" for number in range(len(found))
        ]

    @pytest.mark.invariant(8)
    @pytest.mark.parametrize("piece", HOSTILE)
    def test_hold_for_what_is_written_again_and_again(self, piece):
        short, long = (piece * (length // len(piece)) for length in (2_000, 32_000))

        # Sixteen times as long. Quadratic time would be 256 times as much.
        assert seconds(long) <= 60 * max(seconds(short), 0.002)

    def test_bound_the_number_of_addresses(self):
        assert len(read_addresses("a@b, " * 5_000)) <= MAX_ADDRESSES
        assert len(read_addresses("a(x)@b, " * 5_000)) <= MAX_ADDRESSES
        assert len(addresses.read_address_headers(["a@b, c@d"] * 5_000)) == MAX_ADDRESSES

    def test_bound_the_length(self):
        (found,) = read_addresses("x" * (MAX_LENGTH + 100))

        assert len(found.name + found.address) == MAX_LENGTH

    def test_make_text_of_comments_that_are_nested_too_deep(self):
        deep = "(" * 60 + "x" + ")" * 60

        assert read_addresses(f"{deep} <{A}>") == [MailAddress(deep, A)]


def seconds(written: str) -> float:
    spent = []
    gc.disable()
    try:
        for _ in range(3):
            began = time.process_time()
            read_addresses(written)
            spent.append(time.process_time() - began)
    finally:
        gc.enable()
    return min(spent)
