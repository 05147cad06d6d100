"""Content of files: bytes in an unlinked temporary file, and checksums computed as they arrive."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

# Bytes: uploads are stored in multiples of it. Source: the Drive API's guide to uploads.
GRANULARITY = 262_144
# Bytes that are hashed and written at once.
BATCH_BYTES = 8 * GRANULARITY
READ_BYTES = 2**20
# Hashing and writing release the interpreter's lock.
_pool = ThreadPoolExecutor(4, "drive-content")


class StoredContent:
    def __init__(self, value: bytes = b"") -> None:
        self.clear()
        self._replace(value)

    def clear(self) -> None:
        self.size = 0
        self._file: IO[bytes] | None = None
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    @property
    def checksums(self) -> dict[str, str]:
        """By their names in Drive's resource."""
        return {
            "md5Checksum": self._md5.hexdigest(),
            "sha1Checksum": self._sha1.hexdigest(),
            "sha256Checksum": self._sha256.hexdigest(),
        }

    async def append(self, block: bytes) -> None:
        """Hash in two threads: MD5 takes as long as all the rest."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            loop.run_in_executor(_pool, self._md5.update, block),
            loop.run_in_executor(_pool, self._write, block),
        )
        self.size += len(block)

    def _write(self, block: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)
        self._file.write(block)
        self._sha1.update(block)
        self._sha256.update(block)

    def iterate(self) -> Iterator[bytes]:
        """Independent of later writes."""
        end, position = self.size, 0
        while self._file is not None and position < end:
            block = os.pread(self._file.fileno(), min(READ_BYTES, end - position), position)
            position += len(block)
            yield block

    def _replace(self, value: bytes) -> None:
        self.clear()
        if value:
            self._write(value)
            self._md5.update(value)
            self.size = len(value)

    def read(self) -> bytes:
        return b"".join(self.iterate())

    def damage(self) -> None:
        """Change the first byte, and with it the checksums."""
        value = self.read()
        self._replace(bytes([value[0] ^ 1]) + value[1:] if value else b"")


class BlockBuffer:
    """
    Passes what arrives on in batches of whole blocks.

    While a batch is hashed the next one arrives. A third waits, and so does its sender.
    """

    def __init__(self, content: StoredContent) -> None:
        self._content = content
        self._pieces: list[bytes] = []
        self._size = 0
        self._append_task: asyncio.Task[None] | None = None

    async def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= BATCH_BYTES:
            await self._store(self._size - self._size % GRANULARITY)

    async def finish(self, *, keep_rest: bool) -> None:
        """:param keep_rest: whether an incomplete block is stored too, as the end of the file"""
        await self._store(self._size if keep_rest else self._size - self._size % GRANULARITY)
        if self._append_task:
            await self._append_task

    async def _store(self, size: int) -> None:
        if self._append_task:
            await self._append_task
            self._append_task = None
        if not size:
            return
        joined = b"".join(self._pieces)
        rest = joined[size:]
        self._pieces, self._size = [rest] if rest else [], len(rest)
        block = joined[:size] if rest else joined
        self._append_task = asyncio.create_task(self._content.append(block))
