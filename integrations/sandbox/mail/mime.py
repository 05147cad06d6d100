"""Writes MIME by hand: fast, and wrong on purpose where needed."""

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import quote

CRLF = "\r\n"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def encode_word(text: str) -> str:
    """RFC 2047, in words of at most 75 characters."""
    if text.isascii():
        return text
    pieces, current = [], ""
    for character in text:
        if len((current + character).encode()) > 39:  # noqa: PLR2004 - 52 characters of base64
            pieces.append(current)
            current = ""
        current += character
    return " ".join(
        f"=?utf-8?B?{base64.b64encode(piece.encode()).decode()}?=" for piece in [*pieces, current]
    )


def format_address(name: str, email: str) -> str:
    if not name.isascii():
        return f"{encode_word(name)} <{email}>"
    if any(character in name for character in "\"(),.:;<>@[\\]'&"):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{email}>'
    return f"{name} <{email}>"


def format_filename(name: str) -> str:
    """RFC 2231 for other alphabets."""
    if name.isascii():
        return f'filename="{name}"'
    return f"filename*=utf-8''{quote(name)}"


def encode_body(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        soft = binascii.b2a_qp(data.replace(b"\r\n", b"\n"), istext=True)
        return soft.replace(b"\n", b"\r\n")
    return data


def make_part(content_type: str, data: bytes, encoding: str = "7bit", *headers: str) -> bytes:
    lines = [f"Content-Type: {content_type}", f"Content-Transfer-Encoding: {encoding}", *headers]
    return f"{CRLF.join(lines)}{CRLF}{CRLF}".encode() + encode_body(data, encoding)


def make_text(value: str, subtype: str, charset: str = "utf-8", encoding: str = "") -> bytes:
    encoding = encoding or ("7bit" if value.isascii() else "quoted-printable")
    data = value.replace("\n", CRLF).encode(charset, "replace")
    return make_part(f"text/{subtype}; charset={charset}", data, encoding)


def make_attachment(content_type: str, name: str, data: bytes) -> bytes:
    disposition = f"Content-Disposition: attachment; {format_filename(name)}"
    return make_part(content_type, data, "base64", disposition)


def make_inline_image(cid: str, name: str = "") -> bytes:
    headers = [f"Content-ID: <{cid}>"]
    headers.append(
        f"Content-Disposition: inline; {format_filename(name)}"
        if name
        else "Content-Disposition: inline"
    )
    return make_part("image/png", PIXEL, "base64", *headers)


def make_multipart(
    subtype: str, boundary: str, parts: Sequence[bytes], *, parameters: str = ""
) -> bytes:
    """`boundary` must not occur in the parts."""
    mark = f"--{boundary}".encode()
    head = (
        f'Content-Type: multipart/{subtype}; boundary="{boundary}"{parameters}{CRLF}{CRLF}'.encode()
    )
    return head + b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def make_message(headers: Sequence[tuple[str, str]], content: bytes) -> bytes:
    """`content` begins with its own Content-Type headers."""
    lines = "".join(f"{name}: {value}{CRLF}" for name, value in headers)
    return lines.encode("utf-8", "surrogateescape") + b"MIME-Version: 1.0\r\n" + content
