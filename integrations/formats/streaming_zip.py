"""
A ZIP file with one member, written while it is sent.

Every program reports an abandoned file as damaged, because the central directory at its end is
missing. WSGI has no way to abort a response that every server honours. Data is not compressed, so
each piece is sent at once and an incomplete file can be salvaged.
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import IO, Final

CONTENT_TYPE: Final = "application/zip"


class _OutputBuffer(io.RawIOBase):
    """Not seekable, so sizes follow the data."""

    def __init__(self) -> None:
        self._buffer: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # zipfile writes bytes alone
        self._buffer.append(bytes(data))
        return len(data)

    def take_bytes(self) -> bytes:
        data, self._buffer = b"".join(self._buffer), []
        return data


class StreamingZip:
    _pieces: _OutputBuffer
    _zip: zipfile.ZipFile
    _member: IO[bytes]

    def __init__(self, name: str, *, at: datetime) -> None:
        self._pieces = _OutputBuffer()
        # The caller takes every write, so garbage collection closes nothing.
        self._zip = zipfile.ZipFile(self._pieces, "w", zipfile.ZIP_STORED)
        member = zipfile.ZipInfo(name, date_time=at.astimezone(UTC).timetuple()[:6])
        # File mode: only the owner can read the unzipped file.
        member.external_attr = 0o600 << 16
        self._member = self._zip.open(member, "w", force_zip64=True)

    def add_data(self, data: bytes) -> bytes:
        """Return the next bytes of the file."""
        self._member.write(data)
        return self._pieces.take_bytes()

    def finish(self) -> bytes:
        """Return the last bytes, which complete the file."""
        self._member.close()
        self._zip.close()
        return self._pieces.take_bytes()

    def abandon(self) -> bytes:
        """Return the remaining data without the end."""
        self._member.close()
        data = self._pieces.take_bytes()
        self._zip.close()
        self._pieces.take_bytes()
        return data
