"""Content of files: bytes in an unlinked temporary file, and checksums computed as they arrive."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

# Bytes: uploads are stored in multiples of it. Source: the Drive API's guide to uploads.
GRANULARITY = 262_144
# Bytes that are hashed and written at once.
BATCH_BYTES = 8 * GRANULARITY
READ_BYTES = 2**20
CHECKSUMS = ("md5", "sha1", "sha256")
# Hashing and writing release the interpreter's lock.
_pool = ThreadPoolExecutor(4, "drive-content")


class StoredContent:
    """:param checksums: out of `CHECKSUMS`; hashing takes most of the time of a large upload"""

    def __init__(self, value: bytes = b"", *, checksums: Collection[str] = CHECKSUMS) -> None:
        self._checksums = checksums
        self._replace(value)

    def clear(self) -> None:
        self.size = 0
        self._file: IO[bytes] | None = None
        self._hashes = {
            name: hashlib.new(name, usedforsecurity=False)
            for name in CHECKSUMS
            if name in self._checksums
        }

    @property
    def checksums(self) -> dict[str, str]:
        """By their names in Drive's resource."""
        return {f"{name}Checksum": value.hexdigest() for name, value in self._hashes.items()}

    async def append(self, pieces: list[bytes]) -> None:
        """In two threads: MD5 takes as long as all the rest."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            loop.run_in_executor(_pool, self._update_hashes, pieces, ("md5",)),
            loop.run_in_executor(_pool, self._write, pieces),
        )
        self.size += sum(map(len, pieces))

    def _update_hashes(self, pieces: list[bytes], names: Collection[str]) -> None:
        for name, value in self._hashes.items():
            if name in names:
                for piece in pieces:
                    value.update(piece)

    def _write(self, pieces: list[bytes]) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open with the content
        for piece in pieces:
            self._file.write(piece)
        self._update_hashes(pieces, ("sha1", "sha256"))

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
            self._write([value])
            self._update_hashes([value], ("md5",))
            self.size = len(value)

    def read(self) -> bytes:
        return b"".join(self.iterate())

    def release(self) -> None:
        """Drop the bytes; size and checksums stay."""
        self._file = None

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
        pieces = self._pieces
        rest: list[bytes] = []
        surplus = self._size - size
        while surplus >= len(pieces[-1]):
            rest.insert(0, pieces.pop())
            surplus -= len(rest[0])
        if surplus:
            rest.insert(0, pieces[-1][-surplus:])
            pieces[-1] = pieces[-1][:-surplus]
        self._pieces, self._size = rest, sum(map(len, rest))
        self._append_task = asyncio.create_task(self._content.append(pieces))
