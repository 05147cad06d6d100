"""
Write stored mail as mbox records (RFC 4155, quoting "mboxrd"). Pure.

Attachments are only named: their bytes are not stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Any, Final

from .headers import make_printable

# The sender of our notes: an address that cannot exist.
_SENDER: Final = "antares@localhost.invalid"

_POLICY: Final = SMTP.clone(linesep="\n", cte_type="8bit")
_FROM: Final = re.compile(rb"^(>*From )", re.MULTILINE)
_NAME: Final = re.compile(r"[!-9;-~]{1,100}")
# Structural headers, which our own replace.
_STRUCTURE: Final = ("content-", "mime-version")
_LONGEST_LINE: Final = 900


def format_message(
    summary: Mapping[str, Any],
    content: Mapping[str, Any],
    *,
    received_at: datetime,
    filed: Iterable[str],
) -> bytes:
    """
    :param summary: see `models.mail.Message`
    :param content: see `models.mail.MessageBody`
    :param filed: folders and labels
    """
    headers = [
        (name, value)
        for name, value in content["headers"]
        if not name.lower().startswith(_STRUCTURE)
    ]
    header_names = {name.lower() for name, _ in headers}
    headers += [
        header
        for header in _summarise_headers(summary, received_at)
        if header[0].lower() not in header_names
    ]
    headers += [("X-Antares-Filed", folder) for folder in filed]
    if content.get("reconstructed"):
        headers.append(("X-Antares-Reconstructed", "from the properties that the provider showed"))
    headers += [
        ("X-Antares-Attachment-Not-Kept", f"{content_type}; {size} bytes; {filename}")
        for _, filename, content_type, size, _ in summary["attachments"]
    ]
    return _format_record(headers, _build_body(content["text"], content["html"]), received_at)


def format_note(subject: str, text: str, *, at: datetime) -> bytes:
    """Return a record with our own text about the file."""
    headers = [
        ("From", formataddr(("Antares", _SENDER))),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Subject", subject),
    ]
    return _format_record(headers, _build_body(text, ""), at)


def _summarise_headers(
    summary: Mapping[str, Any], received_at: datetime
) -> Iterator[tuple[str, str]]:
    yield "Date", format_datetime(received_at.astimezone(UTC))
    for name, member in (
        ("From", "from"), ("To", "to"), ("Cc", "cc"), ("Bcc", "bcc"), ("Reply-To", "reply_to"),
    ):  # fmt: skip
        people = [_format_address(*person) for person in summary[member]]
        if people:
            yield name, ", ".join(people)
    yield "Subject", summary["subject"]
    if summary["message_id"]:
        yield "Message-ID", f"<{summary['message_id']}>"


def _format_address(name: str, email: str) -> str:
    plain = make_printable(email)
    # Text that is not an address is kept.
    return formataddr((make_printable(name), plain)) if plain.isascii() else f"{name} {plain}"


def _build_body(text: str, html: str) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    if text or not html:
        message.set_content(_normalise_line_ends(text), cte="base64" if "\0" in text else None)
    if html and text:
        message.add_alternative(_normalise_line_ends(html), subtype="html")
    elif html:
        message.set_content(_normalise_line_ends(html), subtype="html")
    return message


def _normalise_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _format_record(
    headers: Iterable[tuple[str, str]], message: EmailMessage, at: datetime
) -> bytes:
    lines = [line for name, value in headers if (line := _format_header(name, value))]
    message_bytes = "".join(lines).encode("ascii") + message.as_bytes()
    quoted = _FROM.sub(rb">\1", message_bytes)
    envelope = f"From {_SENDER} {at.astimezone(UTC):%a %b %d %H:%M:%S %Y}\n".encode("ascii")
    return envelope + quoted.rstrip(b"\n") + b"\n\n"


def _format_header(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        return ""
    plain = make_printable(value)
    if plain.isascii() and len(plain) <= _LONGEST_LINE:
        return f"{name}: {plain}\n"
    charset = "us-ascii" if plain.isascii() else "utf-8"
    return f"{name}: {Header(plain, charset, header_name=name).encode(linesep=chr(10))}\n"
