"""Bytes of a file on their way to the Drive, with the digest by which they are checked there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from .file_transfer import FileTransfer
from .transfer_state import Piece

#: Bytes between two digests of the bytes so far.
PREFIX_BYTES: Final = 1024 * 1024
#: Seconds between two saves. Each checks the fence, the lease and the owner's order: a disconnect
#: or a pause stops the bytes that follow.
SAVE_SECONDS: Final = 2.0


_threads: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="digest")


class _ConcurrentDigest:
    """SHA-256, computed in another thread: it takes as long as sending the block."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._update: Future[None] | None = None

    def update(self, block: bytes) -> None:
        """Begin with `block`, after the one before: at most one is in memory."""
        self._finish_update()
        self._update = _threads.submit(self._sha256.update, block)

    def hexdigest(self) -> str:
        self._finish_update()
        return self._sha256.hexdigest()

    def _finish_update(self) -> None:
        update, self._update = self._update, None
        if update is not None:
            update.result()


class DigestedBytes:
    """
    Blocks that follow the counted bytes of a file, read once.

    :ivar position: in the file, after the last block
    """

    def __init__(self, transfer: FileTransfer, blocks: Iterable[bytes]) -> None:
        self._transfer = transfer
        self._blocks = blocks
        self._digest = _ConcurrentDigest()
        self._begin = self.position = self._prefix_end = transfer.file.received
        self._saved_at = time.monotonic()

    def save(self) -> None:
        """Save which bytes were sent, also after a failure."""
        self._add_prefix()
        self._transfer.save_digests()
        self._saved_at = time.monotonic()

    def read_all(self) -> None:
        """Read blocks that the Drive has already."""
        for _ in self._iterate_digested():
            pass
        self._add_prefix()

    def iterate_from(self, offset: int) -> Iterator[bytes]:
        """
        Yield the bytes that follow `offset` in the file; the ones before are read and counted.

        :raises integrations.coordination.leases.LeaseLost, fences.DisconnectedError:
        """
        for block in self._iterate_digested():
            surplus = offset - (self.position - len(block))
            if surplus < len(block):
                yield block[surplus:] if surplus > 0 else block
        self._add_prefix()

    def _iterate_digested(self) -> Iterator[bytes]:
        for block in self._blocks:
            # Of the blocks before: this one's digest is computed while it is sent.
            if self.position - self._prefix_end >= PREFIX_BYTES:
                self._add_prefix()
            if time.monotonic() - self._saved_at >= SAVE_SECONDS:
                self._transfer.check_end()
                self.save()
            self._digest.update(block)
            self.position += len(block)
            yield block

    def _add_prefix(self) -> None:
        prefix = Piece(self.position - self._begin, self._digest.hexdigest())
        self._transfer.state = self._transfer.state.add_prefix(prefix)
        self._prefix_end = self.position
