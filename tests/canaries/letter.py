"""One message with a canary in everything that a message can hold."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Final

from integrations.sandbox.mail import mime

#: Headers with a value of their own form; all others are `NAME: canary`.
_ADDRESSES: Final = (
    "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Resent-From", "Resent-To", "Delivered-To",
    "Return-Path", "X-Original-To", "Disposition-Notification-To", "Errors-To",
)  # fmt: skip
_IDS: Final = ("In-Reply-To", "References", "Resent-Message-ID", "List-Id")
_WORDS: Final = (
    "Keywords", "Comments", "Organization", "User-Agent", "X-Mailer", "X-Originating-IP",
    "Thread-Topic", "Thread-Index", "Importance", "Sensitivity", "Auto-Submitted", "Precedence",
    "List-Unsubscribe", "List-Post", "List-Help", "List-Archive", "Feedback-ID", "X-Spam-Status",
    "Received-SPF", "Authentication-Results", "ARC-Seal", "DKIM-Signature", "Autocrypt", "Face",
    "Content-Language", "Accept-Language", "X-Priority", "X-Google-Smtp-Source", "X-Gm-Features",
    "X-Gmail-Labels", "Archived-At", "BIMI-Selector", "VBR-Info", "Supersedes", "Expires",
)  # fmt: skip


def slug(name: str) -> str:
    return name.lower().replace("-", "")


def headers(mark: str) -> list[tuple[str, str]]:
    def make_canary(name: str) -> str:
        return f"{mark}-{slug(name)}"

    return [
        *(
            (name, mime.format_address(make_canary(name), f"{make_canary(name)}@x.example"))
            for name in _ADDRESSES
        ),
        # As encoded words, once in each way (RFC 2047).
        ("Subject", _encode_words(f"{mark}-subject é")),
        ("Message-ID", f"<{mark}-messageid@x.example>"),
        *((name, f"<{make_canary(name)}@x.example>") for name in _IDS),
        *((name, make_canary(name)) for name in _WORDS),
        (
            "Received",
            (
                f"from {make_canary('Received')}.example by mx.example;"
                " Wed, 25 Nov 2026 03:00:00 +0000"
            ),
        ),
        # Its name is one as well.
        (f"X-{mark}-headername", make_canary("headervalue")),
    ]


def _encode_words(text: str) -> str:
    half = len(text) // 2
    quoted = "".join(f"={byte:02X}" for byte in text[half:].encode())
    first = base64.b64encode(text[:half].encode()).decode()
    return f"{mime.encode_word(text)} =?utf-8?B?{first}?= =?utf-8?Q?{quoted}?="


def body(mark: str) -> bytes:
    """Return every kind of part, each with a canary in name, type, id and content."""
    html = (
        f"<html><head><title>{mark}-title</title><style>.{mark}-class{{}}</style></head>"
        f"<body class='{mark}-class' data-x='{mark}-data'><!-- {mark}-comment -->"
        f"<p title='{mark}-tooltip'>{mark}-html</p><a href='https://x.example/{mark}-link'>a</a>"
        f"<img src='cid:{mark}-cid@x.example' alt='{mark}-alt'>"
        f"<img src='https://x.example/{mark}-remote.png'></body></html>"
    )
    shown = mime.make_multipart(
        "related",
        "=_rel",
        [mime.make_text(html, "html", encoding="base64"), picture(mark)],
    )
    either = mime.make_multipart(
        "alternative",
        "=_alt",
        [
            mime.make_text(f"Hello, {mark}-text é\n", "plain", encoding="quoted-printable"),
            shown,
            mime.make_part("text/calendar; method=REQUEST", _calendar(mark), "base64"),
        ],
    )
    files = [
        mime.make_attachment(
            f"application/x-{mark}-mimetype", f"{mark}-filename é.bin", _file(mark)
        ),
        mime.make_part(
            f"text/csv; charset=utf-8; name={mark}-typename; x-{mark}-parameter=1",
            f"{mark}-csv\r\n".encode(),
            "8bit",
            f"Content-Description: {mark}-description",
            f"Content-Location: https://x.example/{mark}-location",
            f"Content-ID: <{mark}-fileid@x.example>",
        ),
        mime.make_part("message/rfc822", _inner(mark)),
    ]
    return mime.make_multipart("mixed", f"=_{mark}-boundary", [either, *files])


def raw(mark: str) -> bytes:
    """Return the message in the form of RFC 5322."""
    return mime.make_message(headers(mark), body(mark))


def _file(mark: str) -> bytes:
    return f"{mark}-attachment\n".encode() * 40


def _inner(mark: str) -> bytes:
    own = [("From", f"{mark}-innerfrom@x.example"), ("Subject", f"{mark}-innersubject")]
    return mime.make_message(own, mime.make_text(f"{mark}-innertext", "plain"))


def _calendar(mark: str) -> bytes:
    lines = (
        "BEGIN:VCALENDAR", "BEGIN:VEVENT", f"SUMMARY:{mark}-event", f"LOCATION:{mark}-place",
        f"ORGANIZER;CN={mark}-organizer:mailto:{mark}-organizer@x.example", "END:VEVENT",
        "END:VCALENDAR",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def picture(mark: str) -> bytes:
    """Return an inline PNG whose text chunk holds a canary."""
    text = b"tEXt" + f"Comment\0{mark}-picture".encode()
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    end = mime.PIXEL.rindex(b"IEND") - 4
    data = mime.PIXEL[:end] + chunk + mime.PIXEL[end:]
    more = (
        f"Content-ID: <{mark}-cid@x.example>",
        f'Content-Disposition: inline; filename="{mark}-inline.png"',
    )
    return mime.make_part("image/png", data, "base64", *more)
