"""The pictures that the browser tests make (`static/antares/shots`), with their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders

_STATIC: Final = "antares"
# Of the WebP container: https://developers.google.com/speed/webp/docs/riff_container.
_CHUNK_AT: Final = 12
_LOSSY_SIZE_AT: Final = 26
_EXTENDED_SIZE_AT: Final = 24
_HEADER_BYTES: Final = 30


class PictureMissing(Exception):
    """There is no such picture, or it is no WebP picture: a bug."""


@dataclass(frozen=True, slots=True)
class Picture:
    """:param path: below the static files"""

    path: str
    width: int
    height: int


@cache
def find_picture(name: str) -> Picture:
    """
    :param name: the file's name without its extension
    :raises PictureMissing:
    """
    path = f"{_STATIC}/shots/{name}.webp"
    file = finders.find(path)
    if file is None:
        raise PictureMissing(path)
    with Path(file).open("rb") as stream:
        return Picture(path, *_read_size(stream.read(_HEADER_BYTES), path))


def _read_size(header: bytes, path: str) -> tuple[int, int]:
    """Return width and height."""
    match header[_CHUNK_AT : _CHUNK_AT + 4]:
        case b"VP8 ":
            start, size, added, mask = _LOSSY_SIZE_AT, 2, 0, (1 << 14) - 1
        case b"VP8X":
            start, size, added, mask = _EXTENDED_SIZE_AT, 3, 1, (1 << 24) - 1
        case _:
            raise PictureMissing(path)
    width, height = (
        (int.from_bytes(header[at : at + size], "little") & mask) + added
        for at in (start, start + size)
    )
    return width, height
