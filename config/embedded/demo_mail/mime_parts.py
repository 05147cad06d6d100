"""
Writes MIME: headers, texts, files and multiparts as bytes.

The standard library's `email` draws boundaries by lot and takes six times as long, while a person
waits for the demo.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from email.header import Header
from email.utils import formataddr
from typing import Final
from urllib.parse import quote

from config.embedded.demo_cast import CastMember

_CRLF: Final = "\r\n"


def encode_text(text: str) -> str:
    """Return `text` for a header, as encoded words if it has other letters (RFC 2047)."""
    return text if text.isascii() else Header(text, "utf-8").encode(linesep=_CRLF)


def format_addresses(members: Iterable[CastMember]) -> str:
    return f",{_CRLF} ".join(formataddr((member.name, member.email)) for member in members)


def make_text(text: str, subtype: str, *parameters: str) -> bytes:
    """`text` has lines that end with a line feed."""
    content_type = "; ".join((f"text/{subtype}", "charset=utf-8", *parameters))
    body = binascii.b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")
    return _make_part([("Content-Type", content_type), _encoding("quoted-printable")], body)


def make_file(content_type: str, name: str, content: bytes, *, cid: str = "") -> bytes:
    """:param cid: content id of a picture inside the text"""
    filename = f'filename="{name}"' if name.isascii() else f"filename*=utf-8''{quote(name)}"
    headers = [
        ("Content-Type", content_type),
        _encoding("base64"),
        ("Content-Disposition", f"{'inline' if cid else 'attachment'}; {filename}"),
    ]
    if cid:
        headers.append(("Content-ID", f"<{cid}>"))
    return _make_part(headers, base64.encodebytes(content).replace(b"\n", b"\r\n"))


def make_multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    """Return the only part as it is. `boundary` must not occur in the parts."""
    if len(parts) == 1:
        return parts[0]
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return _make_part([("Content-Type", f'multipart/{subtype}; boundary="{boundary}"')], body)


def make_message(headers: Iterable[tuple[str, str]], content: bytes) -> bytes:
    """:param content: a part, which begins with its own headers"""
    return _format_headers([*headers, ("MIME-Version", "1.0")]) + content


def _make_part(headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    return _format_headers(headers) + b"\r\n" + body


def _format_headers(headers: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}{_CRLF}" for name, value in headers).encode()


def _encoding(name: str) -> tuple[str, str]:
    return "Content-Transfer-Encoding", name
