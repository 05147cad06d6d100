"""Bodies that are read while they are sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StreamedBody:
    """`size` bytes in `pieces`."""

    pieces: Iterable[bytes] = field(repr=False)
    size: int
