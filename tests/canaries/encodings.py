"""How a marker may stand in a store: every form that something of ours, or a library, writes."""

from __future__ import annotations

import base64
import gzip
import html
import json
import quopri
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

import zstandard

# Shorter ones are found by chance in a gigabyte of ciphertext.
SHORTEST: Final = 10
_MAGIC: Final = {
    "gzip": (b"\x1f\x8b\x08",),
    "zlib": (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"),
    "zstd": (b"\x28\xb5\x2f\xfd",),
}
_LARGEST: Final = 8 * 1024 * 1024
_SLICE: Final = 2 * 1024 * 1024


def base64_at(value: bytes, offset: int) -> bytes:
    """Return the characters that `value` surely gives, `offset` bytes into a triple."""
    encoded = base64.b64encode(bytes(offset) + value).rstrip(b"=")
    begin = (0, 2, 3)[offset]
    # The last character depends on what follows, unless a triple ends here.
    end = len(encoded) if (offset + len(value)) % 3 == 0 else len(encoded) - 1
    return encoded[begin:end]


def forms(marker: str | bytes) -> dict[str, bytes]:
    """Return what to search for, by the name of the encoding; of bytes, what any of them has."""
    plain = marker.encode() if isinstance(marker, str) else marker
    found = {
        "raw": plain,
        "percent": "".join(f"%{byte:02X}" for byte in plain).encode(),
        "quoted-printable": quopri.encodestring(plain, quotetabs=True).replace(b"=\n", b""),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
    }
    for offset in range(3):
        standard = base64_at(plain, offset)
        found[f"base64+{offset}"] = standard
        found[f"base64url+{offset}"] = standard.translate(bytes.maketrans(b"+/", b"-_"))
    for phase, pattern in enumerate(_pglz(plain)):
        found[f"pglz+{phase}"] = pattern
    return found | (_of_text(marker) if isinstance(marker, str) else {})


def _of_text(marker: str) -> dict[str, bytes]:
    return {
        "json": json.dumps(marker)[1:-1].encode(),
        "json in json": json.dumps(json.dumps(marker)[1:-1])[1:-1].encode(),
        "html": html.escape(marker).encode(),
        "url": quote(marker, safe="").encode(),
        "url in small letters": quote(marker, safe="").lower().encode(),
        "form": quote_plus(marker).encode(),
        "utf-16-le": marker.encode("utf-16-le"),
        "utf-16-be": marker.encode("utf-16-be"),
    }


def _pglz(plain: bytes) -> Iterator[bytes]:
    """
    Return how PostgreSQL's own compression writes what it has not seen before.

    Eight literals follow a byte of flags, which is zero where all eight are literals; where
    within the eight a value begins, nobody knows. LZ4 writes literals in one run: found raw.
    """
    for phase in range(8):
        pieces = [plain[:phase]] if phase else []
        at = phase
        while at + 8 <= len(plain):
            pieces.append(plain[at : at + 8])
            at += 8
        pattern = b"\0".join(pieces)
        if len(pattern) >= SHORTEST:
            yield pattern


#: For the positive control: each way in which a leak is written down.
WRITERS: Final[Mapping[str, Callable[[str], bytes]]] = {
    "raw": str.encode,
    "json": lambda text: json.dumps({"k": text}).encode(),
    "url": lambda text: quote(f"?q={text}", safe="").encode(),
    "quoted-printable": lambda text: quopri.encodestring(("x" * 70 + text).encode()),
    "base64+0": lambda text: base64.b64encode(text.encode()),
    "base64+1": lambda text: base64.b64encode(b"x" + text.encode()),
    "base64+2": lambda text: base64.b64encode(b"xx" + text.encode()),
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 50 + text.encode()),
    "base64url": lambda text: base64.urlsafe_b64encode(b"x" + text.encode()),
    "hex": lambda text: text.encode().hex().encode(),
    "html": lambda text: f"<p>{html.escape(text)}</p>".encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "gzip": lambda text: gzip.compress(b"x" * 300 + text.encode()),
    "zlib": lambda text: zlib.compress(b"x" * 300 + text.encode()),
    "zstd": lambda text: zstandard.compress(b"x" * 300 + text.encode()),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(b"x" * 300 + text.encode())),
}

#: Those that are no text, and have no place where only text is kept.
BINARY: Final = frozenset({"utf-16", "gzip", "zlib", "zstd"})


def expand_compressed(
    data: bytes, *, zlib_before: int | None = None
) -> Iterator[tuple[str, bytes]]:
    """
    Return what decompresses in `data`, wherever it begins.

    :param zlib_before: how far from the beginning zlib's two bytes count: chance writes them too
    """
    for name, magics in _MAGIC.items():
        end = zlib_before if name == "zlib" else None
        for magic in magics:
            at = data.find(magic, 0, end)
            while at >= 0:
                # A view: by chance there are thousands of beginnings in a gigabyte.
                if opened := _decompress(name, memoryview(data)[at : at + _SLICE]):
                    yield name, opened
                at = data.find(magic, at + 1, end)


def _decompress(name: str, data: memoryview) -> bytes:
    try:
        if name == "zstd":
            reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=False)
            return reader.read(_LARGEST)
        windows = 31 if name == "gzip" else 15
        return zlib.decompressobj(windows).decompress(data, _LARGEST)
    except (zlib.error, zstandard.ZstdError, ValueError):
        return b""
