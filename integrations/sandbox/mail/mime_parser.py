"""
Parses any bytes into headers and parts, without the library's recursion.

Parts deeper than `MAX_DEPTH` stay an opaque leaf.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from functools import cached_property

MAX_DEPTH = 40
# Longer headers yield no file name: the library takes seconds for some of them.
MAX_HEADER_WITH_NAME = 8_192
LINE_FEED = 10
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[ \t]*", re.MULTILINE)
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_CHARSET = re.compile(r'charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass
class MimePart:
    """`body` is still encoded. `path` is Gmail's partId: "", "0", "0.1"."""

    path: str
    headers: list[tuple[str, str]]
    body: bytes
    parts: list["MimePart"] = field(default_factory=list)

    @cached_property
    def _first_values(self) -> dict[str, str]:
        return {name.lower(): value for name, value in reversed(self.headers)}

    def get_header(self, name: str) -> str:
        return self._first_values.get(name, "")

    @cached_property
    def mime_type(self) -> str:
        value = self.get_header("content-type").partition(";")[0].strip().lower()
        return value if "/" in value else "text/plain"

    @property
    def charset(self) -> str:
        charset_match = _CHARSET.search(self.get_header("content-type"))
        return charset_match[1] if charset_match else ""

    @cached_property
    def filename(self) -> str:
        """RFC 2231 and 2047, from Content-Disposition or the type's `name`."""
        names = (self.get_header("content-disposition"), self.get_header("content-type"))
        if sum(map(len, names)) > MAX_HEADER_WITH_NAME:
            return ""
        if "name" not in names[0].lower() + names[1].lower():
            return ""
        message = Message()
        message["Content-Disposition"], message["Content-Type"] = names
        try:
            return decode_words(message.get_filename() or "")
        except (ValueError, LookupError, TypeError):
            return ""

    @property
    def is_leaf(self) -> bool:
        return not self.parts

    def decode_body(self) -> bytes:
        encoding = self.get_header("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            clean = _NOT_BASE64.sub(b"", self.body)
            clean = clean[: len(clean) - (len(clean) % 4 == 1)]
            return base64.b64decode(clean + b"=" * (-len(clean) % 4))
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return self.body

    def list_parts(self) -> list["MimePart"]:
        parts = [self]
        for part in self.parts:
            parts.extend(part.list_parts())
        return parts


def decode_words(value: str) -> str:
    """RFC 2047; undecodable text stays."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _decode_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def parse_headers(raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Unfolded and decoded, and the body."""
    ends = [(raw.find(delimiter), len(delimiter)) for delimiter in (b"\r\n\r\n", b"\n\n")]
    separators = [(position, length) for position, length in ends if position >= 0]
    if raw.startswith((b"\r\n", b"\n")):
        return [], raw.lstrip(b"\r\n")
    position, length = min(separators) if separators else (len(raw), 0)
    block, body = raw[:position], raw[position + length :]
    starts = list(_FIELD.finditer(block))
    fields = []
    for number, start in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(block)
        value = b" ".join(line.strip() for line in block[start.end() : end].splitlines())
        fields.append((start[1].decode("ascii"), decode_words(_decode_text(value))))
    return fields, body


def parse_message(raw: bytes, path: str = "", depth: int = 0) -> MimePart:
    headers, body = parse_headers(raw)
    part = MimePart(path, headers, body)
    if not part.mime_type.startswith("multipart/") or depth >= MAX_DEPTH:
        return part
    boundary_match = _BOUNDARY.search(part.get_header("content-type"))
    if not boundary_match:
        return part
    delimiter = b"--" + (boundary_match[1] or boundary_match[2]).encode("utf-8", "replace")
    for number, piece in enumerate(_split_pieces(body, delimiter)):
        part_path = f"{path}.{number}" if path else str(number)
        part.parts.append(parse_message(piece, part_path, depth + 1))
    return part


def _split_pieces(body: bytes, delimiter: bytes) -> list[bytes]:
    """The line end before a boundary belongs to it."""
    pieces: list[bytes] = []
    start = -1
    position = body.find(delimiter)
    while position >= 0:
        after = position + len(delimiter)
        line_end = body.find(b"\n", after)
        line_rest = body[after : line_end if line_end >= 0 else len(body)].rstrip()
        if line_rest in (b"", b"--") and (position == 0 or body[position - 1] == LINE_FEED):
            if start >= 0:
                pieces.append(_strip_line_end(body[start : max(start, position)]))
            if line_rest:
                return pieces
            start = line_end + 1 if line_end >= 0 else len(body)
        position = body.find(delimiter, after)
    if start >= 0:
        pieces.append(body[start:])
    return pieces


def _strip_line_end(piece: bytes) -> bytes:
    return piece.removesuffix(b"\n").removesuffix(b"\r")
