"""Mail at random, from nothing and from messages that were changed, ends at a row or set aside."""

from __future__ import annotations

import base64
import quopri
import string

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from integrations.connections import status_messages
from integrations.models import MessageBody, SetAside
from integrations.providers import errors
from integrations.providers.google import gmail_message as gmail_reading
from tests.fakes.mail import FakeMailbox
from tests.integrations import hostile
from tests.integrations import household as houses
from tests.integrations.sync.conftest import keyring

__all__ = ["keyring"]

AT_ONCE = 12
slowly = examples(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

KINDS = st.sampled_from(
    [
        "text/plain", "text/html", "multipart/mixed", "multipart/alternative", "multipart/related",
        "multipart/report", "multipart/signed", "message/rfc822", "message/delivery-status",
        "message/partial", "application/pdf", "text/calendar", "image/png", "text", "/", "",
    ]
)  # fmt: skip
CHARSETS = st.sampled_from(
    [
        "utf-8", "us-ascii", "utf-7", "utf-16", "utf-32", "unicode_escape", "unicode-escape",
        "raw_unicode_escape", "punycode", "idna", "iso-2022-jp", "hz", "gb18030", "big5", "koi8-r",
        "cp1252", "base64", "rot13", "zip", "undefined", "x" * 100, "", "\u00fc",
    ]
)  # fmt: skip
TOKENS = [
    b"\n\n", b"\r\n", b"\x00", b"--b0x", b"--b0x--", b"=?", b"?=", b"=?utf-7?Q?+2AA-?=", b";" * 50,
    b'"', b"boundary=", b"charset=", b"<div>", b"<table>", b"<", b"&#xd800;", b"+2AA-", b"\\ud800",
    b"\xed\xa0\x80", b"\xff\xfe", b"Content-Type: multipart/mixed; boundary=b0x\n", b"From:",
    b"<style>", b"<img src=cid:x>", b"<!--", b"]]>", b"*0*=utf-8''%ED%A0%80",
]  # fmt: skip
CORPUS = [node.mime() for name, node in hostile.CASES.items() if name.startswith("charset ")] + [
    hostile.message(
        "multipart/mixed",
        parts=(
            hostile.page("<p>hello <b>there</b><img src=cid:one><table><tr><td>x</table>"),
            hostile.Node("image/png", said='image/png; name="a.png"', body=b"png"),
            hostile.nested(hostile.Node(body=b"deep\n"), 4),
        ),
    ).mime(),
    hostile.message(
        "multipart/report", parts=(hostile.Node("message/delivery-status", body=b"A: b\n\nC: d"),)
    ).mime(),
]
MARKUP = st.lists(
    st.sampled_from(
        [
            "<p>", "</p>", "<font>", "<table>", "<tr>", "<td>", "<rt>", "<ruby>", "<select>",
            "<svg>", "<math>", "<template>", "<noscript>", "<style>", "</style>", "<a b=c ", ">",
            "<img src='cid:a'>", "&", "&lt;", "&#xd800;", "x", "\ud7ff", "<!--", "-->", "\x00",
            "<plaintext>", "<form>", "<b><i><b>", "</table>", "<br>", "<iframe src=x>", "<object>",
            "\u202e",
        ]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@st.composite
def bodies(draw) -> bytes:
    written = draw(st.one_of(st.binary(max_size=200), MARKUP.map(str.encode), st.just(b"hello\n")))
    return draw(
        st.sampled_from([written, base64.encodebytes(written), quopri.encodestring(written)])
    )


@st.composite
def nodes(draw, depth: int = 0) -> hostile.Node:
    """Return a message or part at random."""
    kind = draw(KINDS)
    said = kind + draw(st.sampled_from(["", ";", "; name=x", '; name="' + ";" * 300]))
    said += f"; charset={draw(CHARSETS)}"
    headers = draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    ["Subject", "From", "To", "Date", "Message-ID", "References", "Content-ID",
                     "Content-Transfer-Encoding", "Content-Disposition", "X"]
                ),
                st.one_of(
                    st.text(string.printable.replace("\n", "").replace("\r", ""), max_size=60),
                    st.sampled_from(
                        ["base64", "quoted-printable", "=?utf-7?Q?+2AA-?=", "inline", "attachment",
                         "=?unicode_escape?B?XHVkODAw?=", "a@b.example, " * 20]
                    ),
                ),
            ),
            max_size=6,
        )
    )  # fmt: skip
    parts = ()
    if depth < 3 and kind.startswith("multipart/"):
        parts = tuple(draw(st.lists(nodes(depth + 1), max_size=3)))
    return hostile.Node(kind, said=said, body=draw(bodies()), parts=parts, headers=headers)


@st.composite
def changed(draw) -> bytes:
    """Return a message of the corpus with some changes."""
    content = bytearray(draw(st.sampled_from(CORPUS)))
    for _ in range(draw(st.integers(1, 8))):
        begin = draw(st.integers(0, len(content)))
        end = draw(st.integers(begin, min(len(content), begin + 40)))
        how = draw(st.sampled_from(["insert", "replace", "remove", "repeat"]))
        token = draw(st.sampled_from(TOKENS))
        if how == "insert":
            content[begin:begin] = token
        elif how == "replace":
            content[begin:end] = token
        elif how == "remove":
            del content[begin:end]
        else:
            content[begin:begin] = bytes(content[begin:end]) * 5
    return bytes(content)


messages = st.one_of(nodes().map(hostile.Node.mime), changed(), st.binary(max_size=400))
ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
        st.sampled_from(["\ud800", "text/plain", "multipart/mixed", "AAAA", "=", 10**30]),
    ),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(
            st.sampled_from(["headers", "name", "value", "parts", "body", "data", "size",
                             "mimeType", "attachmentId", "filename", "partId"]),
            inside,
            max_size=4,
        ),
    ),
    max_leaves=8,
)  # fmt: skip


@st.composite
def resources(draw) -> dict:
    """Return a message as Gmail might say it, of which anything may be something else."""
    payload = draw(st.one_of(nodes().map(hostile.Node.payload), ANYTHING))
    resource = {
        "id": "m1",
        "threadId": "t1",
        "labelIds": ["INBOX"],
        "snippet": draw(st.text(max_size=30)),
        "internalDate": "1790000000000",
        "sizeEstimate": 100,
        "payload": payload,
    }
    for name in draw(st.lists(st.sampled_from(sorted(resource)), max_size=2)):
        resource[name] = draw(ANYTHING)
    if isinstance(payload, dict) and draw(st.booleans()):
        payload[draw(st.sampled_from(["headers", "parts", "body", "mimeType"]))] = draw(ANYTHING)
    return resource


def bring(monkeypatch, fill) -> None:
    """Bring a mailbox in by one turn; all of it is there then, or set aside."""
    mailbox = houses.provided(monkeypatch, FakeMailbox(is_isolated=True))
    # Of any age: what is older than a horizon is not brought in.
    house = houses.household(horizon_days=None)
    good = mailbox.deliver()
    fill(mailbox)
    last = mailbox.deliver()

    house.run()

    aside = SetAside.objects.filter(integration=house.integration)
    assert house.messages.count() + aside.count() == len(mailbox.messages)
    assert house.messages.count() >= len({good, last})
    bodies = MessageBody.objects.filter(integration_id=house.integration.id)
    assert bodies.count() == house.messages.count()
    assert not set(aside.values_list("reason", flat=True)) - set(status_messages.QUARANTINE_REASONS)
    assert "not-storable" not in set(aside.values_list("reason", flat=True))
    assert (house.work.crash_count, house.work.failure_count) == (0, 0)


@pytest.mark.invariant(8, 13)
@pytest.mark.django_db
class TestMailAtRandom:
    @slowly
    @given(contents=st.lists(messages, min_size=1, max_size=AT_ONCE))
    def test_as_mime_ends_at_a_row(self, monkeypatch, contents):
        bring(monkeypatch, lambda mailbox: [mailbox.deliver(one) for one in contents])

    @slowly
    @given(found=st.lists(resources(), min_size=1, max_size=AT_ONCE))
    def test_as_gmail_says_it_ends_at_a_row(self, monkeypatch, found):
        answers = gmail_reading.map_messages(found)

        def fill(mailbox):
            for answer in answers:
                mailbox.twisted[mailbox.deliver()] = answering(answer)

        bring(monkeypatch, fill)


def answering(answer):
    """Return how a message is answered with what the adapter made of it."""

    def _answer(message):
        if isinstance(answer, errors.Rejected):
            raise answer
        return message.__class__(
            **{
                name: getattr(message if name == "message_id" else answer, name)
                for name in message.__slots__
            }
        )

    return _answer
