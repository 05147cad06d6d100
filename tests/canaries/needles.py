"""What is searched for: each marker in every form, all of them in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from ahocorasick_rs import BytesAhoCorasick, Implementation

from tests.canaries import encodings, stores

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")
_DEEPEST: Final = 3
# Quoted-printable and base64 break lines anywhere; JSON writes a break with a backslash.
_BREAKS: Final = (b"=\r\n", b"=\n", b"\r\n", b"\n", b"=\\r\\n", b"=\\n", b"\\r\\n", b"\\n")
# A signed value names its salt or form first.
_HEAD: Final = 64
# Up to here a text may be that of a URL.
_SMALL: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Needles:
    """
    What to search for, by name.

    :param markers: text, or bytes such as a key; ten of either at least
    """

    markers: Mapping[str, str | bytes]
    _known: list[tuple[str, str]] = field(init=False, default_factory=list)
    _automaton: list[BytesAhoCorasick] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        patterns: list[bytes] = []
        for name, marker in self.markers.items():
            if len(marker) < encodings.SHORTEST:
                raise ValueError(f"{name} is too short to be told from chance")
            seen: set[bytes] = set()
            for encoding, pattern in encodings.forms(marker).items():
                if pattern not in seen:
                    self._known.append((name, encoding))
                    patterns.append(pattern)
                seen.add(pattern)
        self._automaton.append(
            BytesAhoCorasick(patterns, implementation=Implementation.ContiguousNFA)
        )

    def found_in(self, data: bytes, *, depth: int = 0) -> set[tuple[str, str]]:
        """Return which markers stand in `data`, and how, compressed or not."""
        whole = data
        for broken in _BREAKS:
            whole = whole.replace(broken, b"")
        found = self._standing_in(data)
        if len(whole) != len(data):
            found |= self._standing_in(whole)
        if depth < _DEEPEST:
            for encoding, opened in self._inside(whole if depth else data, whole, depth):
                found |= {
                    (name, f"{encoding} {inner}")
                    for name, inner in self.found_in(opened, depth=depth + 1)
                }
        return found

    def _standing_in(self, data: bytes) -> set[tuple[str, str]]:
        matches = self._automaton[0].find_matches_as_indexes(data, overlapping=True)
        return {self._known[number] for number, _, _ in matches}

    @staticmethod
    def _inside(data: bytes, whole: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
        yield from encodings.expand_compressed(data)
        # Compressed first, then written as text: sessions, signed values, task messages.
        for run in _BASE64.finditer(whole):
            # What stands before it, such as its length, may look like a part of it.
            for before in range(4):
                decoded = stores.unbase64(run.group()[before:])
                for encoding, opened in encodings.expand_compressed(decoded, zlib_before=_HEAD):
                    yield f"base64 {encoding}", opened
        if not depth and b"%" in data and len(data) < _SMALL:
            yield "percent", unquote_to_bytes(data)
