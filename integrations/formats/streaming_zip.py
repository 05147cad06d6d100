"""
A ZIP file with one member, written while it is sent: never more than a piece of it in memory.

What makes it a ZIP file stands at its end. One that was abandoned has none, so that every
program that opens it says that it is damaged, whatever a server or a proxy made of the
connection: WSGI has no way to break one off that every server follows. Nothing is
compressed, so each piece leaves as soon as it is there, and what came of one can be read.
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import IO, Final

CONTENT_TYPE: Final = "application/zip"


class _OutputBuffer(io.RawIOBase):
    """Keeps what is written until it is taken. Cannot seek, so sizes are written after the data."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # zipfile writes bytes alone
        self._held.append(bytes(data))
        return len(data)

    def take_bytes(self) -> bytes:
        data, self._held = b"".join(self._held), []
        return data


class StreamingZip:
    """One file on its way into a ZIP."""

    _pieces: _OutputBuffer
    _zip: zipfile.ZipFile
    _member: IO[bytes]

    def __init__(self, name: str, *, at: datetime) -> None:
        self._pieces = _OutputBuffer()
        # Whoever writes takes: nothing is closed by garbage collection.
        self._zip = zipfile.ZipFile(self._pieces, "w", zipfile.ZIP_STORED)
        member = zipfile.ZipInfo(name, date_time=at.astimezone(UTC).timetuple()[:6])
        # Unzipped it is its owner's to read.
        member.external_attr = 0o600 << 16
        self._member = self._zip.open(member, "w", force_zip64=True)

    def add_data(self, data: bytes) -> bytes:
        """Return the next bytes of the archive: `data`, and before the first of it what it is."""
        self._member.write(data)
        return self._pieces.take_bytes()

    def finish(self) -> bytes:
        """Return the last bytes, which make it whole."""
        self._member.close()
        self._zip.close()
        return self._pieces.take_bytes()

    def abandon(self) -> bytes:
        """Return what is left of the data, and never the end."""
        self._member.close()
        data = self._pieces.take_bytes()
        self._zip.close()
        self._pieces.take_bytes()
        return data
