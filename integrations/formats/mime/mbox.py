"""
Mail as a file that mail programs read: RFC 4155, "From " quoted at any depth ("mboxrd"). Pure.

What is kept of a message here is its headers and its text; so its record says which
attachments it had, and is otherwise the message as far as we have it.
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

from .headers import printable

# Who wrote the notes at the beginning and the end: an address that nobody has.
_OURS: Final = "antares@localhost.invalid"

_POLICY: Final = SMTP.clone(linesep="\n", cte_type="8bit")
_FROM: Final = re.compile(rb"^(>*From )", re.MULTILINE)
_NAME: Final = re.compile(r"[!-9;-~]{1,100}")
# What says how the parts are put together: ours are put together anew.
_STRUCTURE: Final = ("content-", "mime-version")
_LONGEST_LINE: Final = 900


def record(
    summary: Mapping[str, Any],
    content: Mapping[str, Any],
    *,
    received_at: datetime,
    filed: Iterable[str],
) -> bytes:
    """
    Return one message as a record of the file.

    :param summary: what the list shows of it, as `models.mail` describes
    :param content: what only an opened message shows
    :param filed: folders and labels
    """
    kept = [
        (name, value)
        for name, value in content["headers"]
        if not name.lower().startswith(_STRUCTURE)
    ]
    has = {name.lower() for name, _ in kept}
    kept += [one for one in _of_summary(summary, received_at) if one[0].lower() not in has]
    kept += [("X-Antares-Filed", one) for one in filed]
    if content.get("reconstructed"):
        # Its headers and its text are what the provider made of it.
        kept.append(("X-Antares-Reconstructed", "from the properties that the provider showed"))
    kept += [
        ("X-Antares-Attachment-Not-Kept", f"{content_type}; {size} bytes; {filename}")
        for _, filename, content_type, size, _ in summary["attachments"]
    ]
    return _enveloped(kept, _body(content["text"], content["html"]), received_at)


def note(subject: str, text: str, *, at: datetime) -> bytes:
    """Return a record in words of ours: what the file is, and whether it is whole."""
    headers = [
        ("From", formataddr(("Antares", _OURS))),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Subject", subject),
    ]
    return _enveloped(headers, _body(text, ""), at)


def _of_summary(summary: Mapping[str, Any], received_at: datetime) -> Iterator[tuple[str, str]]:
    yield "Date", format_datetime(received_at.astimezone(UTC))
    for name, member in (
        ("From", "from"), ("To", "to"), ("Cc", "cc"), ("Bcc", "bcc"), ("Reply-To", "reply_to"),
    ):  # fmt: skip
        people = [_address(*one) for one in summary[member]]
        if people:
            yield name, ", ".join(people)
    yield "Subject", summary["subject"]
    if summary["message_id"]:
        yield "Message-ID", f"<{summary['message_id']}>"


def _address(name: str, email: str) -> str:
    plain = printable(email)
    # What is no address at all was written by somebody all the same.
    return formataddr((printable(name), plain)) if plain.isascii() else f"{name} {plain}"


def _body(text: str, html: str) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    if text or not html:
        message.set_content(_one_kind_of_line(text), cte="base64" if "\0" in text else None)
    if html and text:
        message.add_alternative(_one_kind_of_line(html), subtype="html")
    elif html:
        message.set_content(_one_kind_of_line(html), subtype="html")
    return message


def _one_kind_of_line(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _enveloped(headers: Iterable[tuple[str, str]], message: EmailMessage, at: datetime) -> bytes:
    lines = [line for name, value in headers if (line := _header(name, value))]
    whole = "".join(lines).encode("ascii") + message.as_bytes()
    quoted = _FROM.sub(rb">\1", whole)
    began = f"From {_OURS} {at.astimezone(UTC):%a %b %d %H:%M:%S %Y}\n".encode("ascii")
    return began + quoted.rstrip(b"\n") + b"\n\n"


def _header(name: str, value: str) -> str:
    """Return a header's line, folded where it is long; nothing where it could be none."""
    if not _NAME.fullmatch(name):
        return ""
    plain = printable(value)
    if plain.isascii() and len(plain) <= _LONGEST_LINE:
        return f"{name}: {plain}\n"
    charset = "us-ascii" if plain.isascii() else "utf-8"
    return f"{name}: {Header(plain, charset, header_name=name).encode(linesep=chr(10))}\n"
