"""Mail as it is written: what readers see is what was meant, and no value ends its header."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.formats.exact_pieces import WrongSize
from integrations.formats.mime import composer, rfc5322
from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.attachment_filenames import make_safe_filename
from integrations.formats.mime.composer import MailHeaders
from integrations.formats.mime.headers import make_printable
from integrations.formats.mime.outgoing_file import OutgoingFile
from integrations.formats.mime.outgoing_headers import (
    MAX_REFERENCES_LENGTH,
    InvalidOutgoingMail,
    check_address,
    check_filename,
    trim_references,
)

AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
HEADER_NAMES = [
    "Date", "From", "To", "Cc", "Bcc", "Subject", "Message-ID", "In-Reply-To", "References",
    "X-Antares-Send", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
]  # fmt: skip
# Every control, direction mark and line separator, quotes, brackets, encoded words, surrogates.
TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from('\r\n\0\t"\\<>@,;:()=?_\u2028\u202e\ud800é漢🙂'),
    ),
    max_size=120,
)
LOCAL_PARTS = st.from_regex(r"\A[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}\Z")
DOMAINS = st.sampled_from(["example.com", "a-b.example", "bücher.example", "例え.jp", "x"])
ADDRESSES = st.builds(
    lambda name, local, domain: MailAddress(name, f"{local}@{domain}"), TEXTS, LOCAL_PARTS, DOMAINS
)
MANY = st.lists(ADDRESSES, max_size=4).map(tuple)


def make_headers(**changed) -> MailHeaders:
    given_headers = {
        "sender": MailAddress("Alice", "alice@example.com"),
        "to": (MailAddress("", "bob@example.com"),),
        "cc": (),
        "bcc": (),
        "subject": "Lunch",
        "date": AT,
        "message_id": "tag@example.com",
    }
    return MailHeaders(**given_headers | changed)


def make_file(content: bytes, name="a.bin", size=None, content_type="image/png", pieces=1_000):
    def read_pieces():
        return (content[at : at + pieces] for at in range(0, len(content), pieces))

    return OutgoingFile(name, content_type, len(content) if size is None else size, read_pieces)


def compose(headers=None, text="Hi", files=()) -> bytes:
    message = composer.compose_message(headers or make_headers(), text, files)
    raw = b"".join(message.iterate_pieces())
    assert len(raw) == message.size
    return raw


def read_as_library(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def read_addresses(message: EmailMessage, name: str) -> list[str]:
    header = message[name]
    return [] if header is None else [address.addr_spec for address in header.addresses]


@given(
    sender=ADDRESSES,
    to=st.lists(ADDRESSES, min_size=1, max_size=4).map(tuple),
    cc=MANY,
    bcc=MANY,
    subject=TEXTS,
    text=TEXTS,
    ids=st.lists(TEXTS | LOCAL_PARTS.map(lambda part: f"{part}@example.com"), max_size=5),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_readers_see_what_was_meant(*, sender, to, cc, bcc, subject, text, ids):
    headers = make_headers(
        sender=sender, to=to, cc=cc, bcc=bcc, subject=subject, references=tuple(ids),
        in_reply_to=ids[0] if ids else "", extra=(("X-Antares-Send", "tag"),),
    )  # fmt: skip

    raw = compose(headers, text)

    parsed, library = rfc5322.parse_message(raw), read_as_library(raw)
    for name, meant, seen in (
        ("From", (sender,), parsed.from_), ("To", to, parsed.to), ("Cc", cc, parsed.cc),
        ("Bcc", bcc, parsed.bcc),
    ):  # fmt: skip
        sent = [check_address(entry.address) for entry in meant]
        assert [entry.address for entry in seen] == sent
        assert read_addresses(library, name) == sent
        assert [entry.name for entry in seen] == [
            "" if make_printable(entry.name) == entry.address else make_printable(entry.name)
            for entry in meant
        ]
    assert parsed.subject == make_printable(subject)
    assert str(library["Subject"]) == make_printable(subject)
    expected = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    expected = expected.encode("utf-8", "replace").decode()
    content = library.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().replace("\r\n", "\n") == expected
    assert parsed.message_id == "tag@example.com"
    assert set(parsed.references) <= set(ids)
    # No header but those that the composer writes, and each at most once.
    assert len(library.keys()) == len(set(library.keys()))
    assert [name for name in HEADER_NAMES if name in library.keys()] == library.keys()  # noqa: SIM118


@given(text=TEXTS, subject=TEXTS, name=TEXTS.filter(lambda name: bool(make_printable(name))))
@settings(max_examples=100, deadline=None)
def test_lines_are_short_ascii(text, subject, name):
    headers = make_headers(subject=subject * 20, to=(MailAddress(name * 5, "b@example.com"),))
    files = () if not make_printable(name).strip("/\\") else (make_file(b"x" * 500, name),)

    raw = compose(headers, text * 40, files)

    assert raw.isascii()
    assert b"\0" not in raw
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@given(name=TEXTS, content=st.binary(max_size=3_000), pieces=st.integers(1, 700))
@settings(max_examples=100, deadline=None)
def test_files_arrive_with_their_names(name, content, pieces):
    try:
        meant = check_filename(name)
    except InvalidOutgoingMail:
        assert not make_printable(name)
        return

    raw = compose(files=(make_file(content, name, pieces=pieces), make_file(b"two", "b.txt")))

    parts = list(message_from_bytes(raw).walk())[2:]
    assert [part.get_payload(decode=True) for part in parts] == [content, b"two"]
    attached, second = rfc5322.parse_message(raw).attachments
    assert attached.filename == make_safe_filename(meant, content_type="image/png", position=0)
    assert (second.filename, second.size) == ("b.txt", 3)
    assert rfc5322.find_part(raw, attached.part) == content


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "sent"),
        [
            ("bob@example.com", "bob@example.com"),
            ('"bob b"@example.com', '"bob b"@example.com'),
            ("bob@bücher.example", "bob@xn--bcher-kva.example"),
            ("bob@straße.example", "bob@xn--strae-oqa.example"),
            ("bob@例え。jp", "bob@xn--r8jz45g.jp"),
        ],
    )
    def test_are_sent_in_ascii(self, address, sent):
        assert check_address(address) == sent

    @pytest.mark.parametrize(
        "address",
        [
            "", "bob", "@example.com", "bob@", "bob@-x.example", "bob@a..b", "a b@example.com",
            "bob@example.com\n", "bob@exam\rple.com", "bob@[127.0.0.1]", ".bob@example.com",
            "bob@example.com>", "bob@ex\u200dample.com", f"{'x' * 65}@example.com",
            f"bob@{'x' * 64}.com", f"bob@{'x.' * 130}com", '"bob\r\n"@example.com',
            "bob@x.example, eve@x.example", "bob\0@example.com", "bob@\u2028.example",
        ],
    )  # fmt: skip
    def test_that_cannot_be_reached_are_refused(self, address):
        with pytest.raises(InvalidOutgoingMail) as refused:
            check_address(address)

        assert refused.value.reason == "address"

    def test_that_need_an_extension_are_refused_by_name(self):
        with pytest.raises(InvalidOutgoingMail) as refused:
            compose(make_headers(cc=(MailAddress("", "bób@example.com"),)))

        assert refused.value.reason == "address-charset"

    def test_are_needed(self):
        with pytest.raises(InvalidOutgoingMail) as refused:
            compose(make_headers(to=()))

        assert refused.value.reason == "recipients"


class TestHeadersOfOurs:
    @pytest.mark.parametrize(
        "extra",
        [("X-Tag", "a\r\nBcc: eve@example.com"), ("X-Tag\r\nBcc", "a"), ("X Tag", "a"),
         ("X-Tag", ""), ("X-Tag", "é"), ("X-Tag:", "a")],
    )  # fmt: skip
    def test_are_plain_or_refused(self, extra):
        with pytest.raises(InvalidOutgoingMail):
            compose(make_headers(extra=(extra,)))

    @pytest.mark.parametrize("message_id", ["", "x", "<a@b>", "a@b c", "a@b\r\n", "a@b\0"])
    def test_message_ids_are_plain_or_refused(self, message_id):
        with pytest.raises(InvalidOutgoingMail):
            compose(make_headers(message_id=message_id))


class TestReferences:
    @given(st.lists(LOCAL_PARTS.map(lambda part: f"{part * 9}@example.com"), max_size=60))
    def test_keep_the_first_and_the_latest_within_the_limit(self, ids):
        kept = trim_references(ids)

        unique = list(dict.fromkeys(ids))
        assert kept[:1] == unique[:1]
        assert kept[1:] == unique[len(unique) - len(kept) + 1 :]
        assert kept[-1:] == unique[-1:]
        written = " ".join(f"<{message_id}>" for message_id in kept)
        assert len(written) <= MAX_REFERENCES_LENGTH
        if len(kept) < len(unique):
            following = unique[len(unique) - len(kept)]
            assert len(written) + len(following) + 3 > MAX_REFERENCES_LENGTH

    @pytest.mark.parametrize("width", range(20, 120, 7))
    def test_use_the_limit_to_its_last_character(self, width):
        ids = [f"{number:04}@".ljust(width, "x") for number in range(100)]

        kept = trim_references(ids)

        length = len(" ".join(f"<{message_id}>" for message_id in kept))
        assert length <= MAX_REFERENCES_LENGTH < length + width + 3

    def test_of_a_long_thread_are_trimmed_in_the_header(self):
        ids = [f"{number:04}@{'x' * 60}.example" for number in range(100)]

        parsed = rfc5322.parse_message(compose(make_headers(references=tuple(ids))))

        assert parsed.references[0] == ids[0]
        assert parsed.references[1:] == tuple(ids[101 - len(parsed.references) :])
        assert len(parsed.references) > 15

    def test_that_others_malformed_are_left_out(self):
        ids = ("good@example.com", "bad\r\nBcc: eve@example.com", "no-at", "x" * 900 + "@y")

        parsed = rfc5322.parse_message(compose(make_headers(references=ids, in_reply_to=ids[1])))

        assert parsed.references == ("good@example.com",)
        assert parsed.in_reply_to == ()


class TestEncodedWords:
    """Text that looks like an encoded word stays as it was written."""

    WORD = "=?utf-8?q?=42cc?="

    def test_in_a_subject_stay_text(self):
        raw = compose(make_headers(subject=self.WORD))

        assert rfc5322.parse_message(raw).subject == self.WORD
        assert str(read_as_library(raw)["Subject"]) == self.WORD

    def test_in_a_name_stay_text(self):
        raw = compose(make_headers(to=(MailAddress(self.WORD, "bob@example.com"),)))

        assert rfc5322.parse_message(raw).to == (MailAddress(self.WORD, "bob@example.com"),)

    def test_in_a_file_name_stay_text(self):
        raw = compose(files=(make_file(b"x", f"{self.WORD}.txt"),))

        [part] = [part for part in message_from_bytes(raw).walk() if part.get_filename()]
        assert part.get_filename() == f"{self.WORD}.txt"


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("plain\nlines", "7bit"),
            ("x" * 999, "quoted-printable"),
            ("Até já, amanhã ao meio-dia, no lugar de sempre.", "quoted-printable"),
            ("漢字" * 50, "base64"),
        ],
    )
    def test_take_the_shortest_encoding(self, text, encoding):
        message = read_as_library(compose(text=text))

        assert message["Content-Transfer-Encoding"] == encoding
        assert message.get_content().replace("\r\n", "\n").removesuffix("\n") == text


class TestFiles:
    @pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 58_367, 58_368, 58_369, 200_000])
    def test_have_the_size_that_was_computed(self, size):
        raw = compose(files=(make_file(b"\xff" * size, pieces=10_007),))

        [attached] = rfc5322.parse_message(raw).attachments
        assert attached.size == size

    @pytest.mark.parametrize("stated", [0, 1, 99, 101, 58_368, 200_000])
    def test_of_another_size_break_the_message_off(self, stated):
        message = composer.compose_message(
            make_headers(), "Hi", (make_file(b"x" * 100, size=stated),)
        )

        written: list[bytes] = []
        with pytest.raises(WrongSize):
            written.extend(message.iterate_pieces())
        assert sum(map(len, written)) < message.size

    def test_that_never_end_are_not_read_to_their_end(self):
        def read_for_ever():
            while True:
                yield b"x" * 1_000

        endless = OutgoingFile("a.bin", "image/png", 5_000, read_for_ever)
        with pytest.raises(WrongSize):
            list(composer.encode_file(endless))

    def test_can_be_written_twice(self):
        message = composer.compose_message(make_headers(), "Hi", (make_file(b"x" * 1_000),))

        assert list(message.iterate_pieces()) == list(message.iterate_pieces())

    @pytest.mark.parametrize(
        "content_type", ["message/rfc822", "multipart/mixed", "", "text", "a/b\r\nX: y", "é/x"]
    )
    def test_of_types_that_cannot_be_encoded_are_bytes(self, content_type):
        raw = compose(files=(make_file(b"x", content_type=content_type),))

        [attached] = rfc5322.parse_message(raw).attachments
        assert attached.content_type == "application/octet-stream"

    @pytest.mark.parametrize("name", ["", "\0\r\n", "x" * 256])
    def test_without_a_possible_name_are_refused(self, name):
        with pytest.raises(InvalidOutgoingMail) as refused:
            compose(files=(make_file(b"x", name),))

        assert refused.value.reason == "filename"


@given(text=TEXTS, sizes=st.lists(st.integers(0, 100_000), max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_measured_size_is_never_too_small(text, sizes):
    files = tuple(make_file(b"x" * size) for size in sizes)

    assert len(compose(text=text, files=files)) <= composer.measure_message(text, sizes)
