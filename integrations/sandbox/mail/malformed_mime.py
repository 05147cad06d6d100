"""Malformed, deep and unusual MIME."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

from integrations.sandbox.mail import mime


def make_transport_headers(owner: str, seconds: int) -> list[tuple[str, str]]:
    date = formatdate(seconds)
    return [
        ("Delivered-To", owner),
        (
            "Received",
            f"from relay.example (relay.example [192.0.2.7])\r\n\tby mx.google.example; {date}",
        ),
        ("Return-Path", "<bounce@relay.example>"),
        ("Authentication-Results", "mx.google.example; spf=pass; dkim=pass; dmarc=pass"),
    ]


def write_missing_boundary(planted: str) -> bytes:
    return f"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nlost{planted}\r\n--x--\r\n".encode()


def write_unclosed(planted: str) -> bytes:
    head = 'Content-Type: multipart/mixed; boundary="gone"\r\n\r\n--gone\r\n'
    return f"{head}Content-Type: text/plain\r\n\r\ncut off{planted}".encode()


def write_unknown_charset(planted: str) -> bytes:
    head = "Content-Type: text/plain; charset=x-no-such-charset\r\n\r\n"
    return f"{head}unknown{planted} ".encode() + b"\xe9\xe8\xff\r\n"


def write_wrong_charset(planted: str) -> bytes:
    head = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return f"{head}lying{planted} ".encode() + "Grüße".encode("latin-1") + b"\x80\r\n"


def write_broken_base64(planted: str) -> bytes:
    head = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    del planted
    return f"{head}SGVsbG8gd29y*bGQ!!\r\nIQ\r\n".encode()


def write_empty_type(planted: str) -> bytes:
    return f"Content-Type: \r\n\r\nnobody knows what this is{planted}\r\n".encode()


def write_headers_only(planted: str) -> bytes:
    del planted
    return b"X-Empty: yes"


def write_broken_words(planted: str) -> bytes:
    """Undecodable words, missing colons, raw 8-bit headers."""
    return (
        b"X-Broken: =?utf-8?B?////?= =?nope?Q?=FF?=\r\nX-Raw: \xe4\xf6\xfc\r\n"
        b"Content-Type: text/plain; charset=us-ascii; name*0*=utf-8''%; name*1*=x\r\n\r\n"
        + f"words{planted}\r\n".encode()
    )


MALFORMED_WRITERS: tuple[Callable[[str], bytes], ...] = (
    write_missing_boundary,
    write_unclosed,
    write_unknown_charset,
    write_wrong_charset,
    write_broken_base64,
    write_empty_type,
    write_headers_only,
    write_broken_words,
)


def write_nested(depth: int, planted: str) -> bytes:
    opening_parts = "".join(
        f'Content-Type: multipart/mixed; boundary="n{level}"\r\n\r\n--n{level}\r\n'
        for level in range(depth)
    )
    closing_parts = "".join(f"\r\n--n{level}--" for level in reversed(range(depth)))
    return (
        f"{opening_parts}Content-Type: text/plain\r\n\r\ndeep{planted}{closing_parts}\r\n".encode()
    )


def write_invitation(host: tuple[str, str], guest: tuple[str, str], date: int, title: str) -> bytes:
    """For the day after `date` (ms)."""
    start = datetime.fromtimestamp(date / 1000, tz=UTC).replace(microsecond=0) + timedelta(days=1)
    time_format = "%Y%m%dT%H%M%SZ"
    lines = [
        "BEGIN:VCALENDAR", "PRODID:-//Sandbox//EN", "VERSION:2.0", "METHOD:REQUEST",
        "BEGIN:VEVENT", f"UID:{date}@calendar.example", f"DTSTAMP:{start.strftime(time_format)}",
        f"DTSTART:{start.strftime(time_format)}",
        f"DTEND:{(start + timedelta(hours=1)).strftime(time_format)}",
        f"ORGANIZER;CN={host[0]}:mailto:{host[1]}",
        f"ATTENDEE;CN={guest[0]};RSVP=TRUE:mailto:{guest[1]}", f"SUMMARY:{title}",
        "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return (mime.CRLF.join(lines) + mime.CRLF).encode()
