"""
Mail that once stopped the service, and answers of a provider that did: one of each kind.

Each is as large as it was when it took seconds to minutes, or crashed the turn that read it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Final

_HEAD: Final = b"From: Mallory <mallory@evil.example>\r\nTo: you@gmail.example\r\nSubject: %s\r\n"
_PART_COUNT: Final = 24
_MULTIPART_COUNT: Final = 29
_ZONE_COUNT: Final = 20
_RULE_COUNT: Final = 50


def _message(name: str, headers: bytes, body: bytes) -> bytes:
    return _HEAD % name.encode() + b"MIME-Version: 1.0\r\n" + headers + b"\r\n" + body


def _text(name: str, charset: bytes, body: bytes) -> bytes:
    kind = b"Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: 8bit\r\n"
    return _message(name, kind % charset, body)


def _html(name: str, markup: str) -> bytes:
    kind = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
    return _message(name, kind, base64.encodebytes(markup.encode()))


def _semicolons_in_names(name: str) -> bytes:
    part = b'--p\r\nContent-Type: text/plain; name="' + b";" * 60_000 + b"\r\n\r\nx\r\n"
    return _message(
        name, b"Content-Type: multipart/mixed; boundary=p\r\n", part * _PART_COUNT + b"--p--\r\n"
    )


def _blank_lines(name: str) -> bytes:
    return _message(name, b"Content-Type: message/delivery-status\r\n", b"\r\n" * 200_000)


def _semicolons(name: str) -> bytes:
    return _message(name, b"Content-Type: text/plain" + b";" * 8_000 + b"\r\n", b"x\r\n")


def _recipients(name: str) -> bytes:
    field = b"To: " + b"a@b.example, " * (64 * 1024 // 13) + b"a@b.example\r\n"
    return _message(name, field * 400, b"x\r\n")


def _newlines(name: str) -> bytes:
    opened = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (number, number + 1)
        for number in range(1, _MULTIPART_COUNT)
    )
    return _message(
        name, b"Content-Type: multipart/mixed; boundary=b1\r\n", opened + b"\n" * 25_000_000
    )


def _zones(name: str) -> bytes:
    impossible = b"BEGIN:DAYLIGHT\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\n"
    impossible += (
        b"TZOFFSETTO:+0100\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\r\nEND:DAYLIGHT\r\n"
    )
    zones = b"".join(
        b"BEGIN:VTIMEZONE\r\nTZID:Z%d\r\n" % number
        + impossible * _RULE_COUNT
        + b"END:VTIMEZONE\r\n"
        for number in range(_ZONE_COUNT)
    )
    event = b"BEGIN:VEVENT\r\nUID:u\r\nDTSTART;TZID=Z1:20260101T000000\r\nEND:VEVENT\r\n"
    return _message(
        name,
        b"Content-Type: text/calendar; charset=utf-8; name=invite.ics\r\n",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + zones + event + b"END:VCALENDAR\r\n",
    )


def _attributes(name: str) -> bytes:
    return _html(name, "<p " + " ".join(f"a{number}=1" for number in range(50_000)) + ">x")


#: By name: what makes a message of that kind, given its subject.
MESSAGES: Final[Mapping[str, Callable[[str], bytes]]] = {
    "utf-7": lambda name: _text(name, b"utf-7", b"+2AA-\r\n"),
    "utf-7, transcoded": lambda name: _text(name, b"utf-7", b"+-2AA-\r\n"),
    "unicode_escape": lambda name: _text(name, b"unicode_escape", b"\\ud800\r\n"),
    "unicode-escape": lambda name: _text(name, b"unicode-escape", b"\\ud800\r\n"),
    "semicolons in names": _semicolons_in_names,
    "blank lines": _blank_lines,
    "semicolons": _semicolons,
    "recipients": _recipients,
    "newlines": _newlines,
    "fonts": lambda name: _html(name, "<p>" + "<font>" * 900 + "<p>x" * 6_000),
    "ruby": lambda name: _html(name, "<rt>" * 60_000),
    "references": lambda name: _html(name, "&" * 400_000),
    "attributes": _attributes,
    "blocks in a table": lambda name: _html(name, "<table>" + "<div>" * 40_000),
    "zones": _zones,
}

_PLAIN: Final = (
    b'{"id": "%s", "threadId": "%s", "labelIds": ["INBOX"], "internalDate": "%d",'
    b' "historyId": "1", "snippet": "", "sizeEstimate": %s, "payload": %s}'
)
_PAYLOAD: Final = b'{"mimeType": "text/plain", "headers": [], "body": {"size": 0}}'
_DEPTH: Final = 9_000

#: By name: what Gmail answers in the place of a message, given its id and date in milliseconds.
ANSWERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {
    "size of infinity": lambda id_, date: _PLAIN % (id_, id_, date, b"1e999", _PAYLOAD),
    "size of 10^30": lambda id_, date: _PLAIN % (id_, id_, date, b"1" + b"0" * 30, _PAYLOAD),
    "nested answer": lambda id_, date: (
        _PLAIN % (id_, id_, date, b"1", b'{"parts":[' * _DEPTH + b"]}" * _DEPTH)
    ),
}
