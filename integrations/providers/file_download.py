from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self


class FileDownload:
    """
    The chunks of a file, readable once.

    Resources are released at the end, after a failed chunk, and by `close`, which a reader must
    call if it stops early.

    :param size: bytes, if the provider stated the size of exactly these bytes
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
        self._resources = resources or ExitStack()

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
        self._resources.close()
