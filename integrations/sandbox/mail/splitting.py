"""
Raw bytes into headers and parts, forgiving everything, without recursion of the library's.

Parts nested deeper than `DEEPEST` are left as they are: one opaque leaf.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from functools import cached_property

DEEPEST = 40
# In longer headers no file name is looked for: the library takes seconds for some of them.
LONGEST_WITH_NAME = 8_192
LINE_FEED = 10
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:[ \t]*", re.MULTILINE)
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_CHARSET = re.compile(r'charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass
class Part:
    """`body` is still encoded. `path` is Gmail's partId: "" for the root, then "0", "0.1"."""

    path: str
    headers: list[tuple[str, str]]
    body: bytes
    parts: list["Part"] = field(default_factory=list)

    @cached_property
    def _first(self) -> dict[str, str]:
        return {name.lower(): value for name, value in reversed(self.headers)}

    def header(self, name: str) -> str:
        return self._first.get(name, "")

    @cached_property
    def mime_type(self) -> str:
        value = self.header("content-type").partition(";")[0].strip().lower()
        return value if "/" in value else "text/plain"

    @property
    def charset(self) -> str:
        found = _CHARSET.search(self.header("content-type"))
        return found[1] if found else ""

    @cached_property
    def filename(self) -> str:
        """RFC 2231 and 2047 undone, from Content-Disposition or the type's `name`."""
        names = (self.header("content-disposition"), self.header("content-type"))
        if sum(map(len, names)) > LONGEST_WITH_NAME:
            return ""
        if "name" not in names[0].lower() + names[1].lower():
            return ""
        message = Message()
        message["Content-Disposition"], message["Content-Type"] = names
        try:
            return unworded(message.get_filename() or "")
        except (ValueError, LookupError, TypeError):
            return ""

    @property
    def is_leaf(self) -> bool:
        return not self.parts

    def decoded(self) -> bytes:
        encoding = self.header("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            clean = _NOT_BASE64.sub(b"", self.body)
            clean = clean[: len(clean) - (len(clean) % 4 == 1)]
            return base64.b64decode(clean + b"=" * (-len(clean) % 4))
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return self.body

    def walk(self) -> list["Part"]:
        found = [self]
        for part in self.parts:
            found.extend(part.walk())
        return found


def unworded(value: str) -> str:
    """RFC 2047 undone; left alone where it does not decode."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def parse_headers(raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """The fields, unfolded and decoded, and what follows the empty line."""
    ends = [(raw.find(mark), len(mark)) for mark in (b"\r\n\r\n", b"\n\n")]
    found = [(at, length) for at, length in ends if at >= 0]
    if raw.startswith((b"\r\n", b"\n")):
        return [], raw.lstrip(b"\r\n")
    at, length = min(found) if found else (len(raw), 0)
    block, body = raw[:at], raw[at + length :]
    starts = list(_FIELD.finditer(block))
    fields = []
    for number, start in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(block)
        value = b" ".join(line.strip() for line in block[start.end() : end].splitlines())
        fields.append((start[1].decode("ascii"), unworded(_text(value))))
    return fields, body


def split(raw: bytes, path: str = "", depth: int = 0) -> Part:
    headers, body = parse_headers(raw)
    part = Part(path, headers, body)
    if not part.mime_type.startswith("multipart/") or depth >= DEEPEST:
        return part
    found = _BOUNDARY.search(part.header("content-type"))
    if not found:
        return part
    mark = b"--" + (found[1] or found[2]).encode("utf-8", "replace")
    for number, piece in enumerate(_pieces(body, mark)):
        below = f"{path}.{number}" if path else str(number)
        part.parts.append(split(piece, below, depth + 1))
    return part


def _pieces(body: bytes, mark: bytes) -> list[bytes]:
    """What stands between lines that are the boundary; its line end belongs to the boundary."""
    pieces: list[bytes] = []
    start = -1
    at = body.find(mark)
    while at >= 0:
        after = at + len(mark)
        line_end = body.find(b"\n", after)
        rest = body[after : line_end if line_end >= 0 else len(body)].rstrip()
        if rest in (b"", b"--") and (at == 0 or body[at - 1] == LINE_FEED):
            if start >= 0:
                pieces.append(_without_line_end(body[start : max(start, at)]))
            if rest:
                return pieces
            start = line_end + 1 if line_end >= 0 else len(body)
        at = body.find(mark, after)
    if start >= 0:
        pieces.append(body[start:])
    return pieces


def _without_line_end(piece: bytes) -> bytes:
    return piece.removesuffix(b"\n").removesuffix(b"\r")
