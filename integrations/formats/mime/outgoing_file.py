from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """
    An attachment of a mail to send.

    `size` is exact, in bytes. `open` yields the content in pieces, and can be called again.
    """

    filename: str
    content_type: str
    size: int
    open: Callable[[], Iterator[bytes]] = field(repr=False)
