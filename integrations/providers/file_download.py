"""A file on its way from a provider: read in pieces, and closed at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self


class FileDownload:
    """
    The bytes of a file in pieces, and what has to be let go of when they have ended.

    Read once. It lets go at its end, when a piece fails, and when it is closed: whoever does not
    read it to the end closes it.

    :param size: in bytes, if the provider said so of these very bytes; None: it is not known
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        resources: ExitStack | None = None,
        *,
        size: int | None = None,
    ) -> None:
        self.size = size
        self._pieces = chunks
        self._held = resources or ExitStack()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        self._held.close()
