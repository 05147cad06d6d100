"""zstd before sealing: sealed bytes cannot be compressed by the database afterwards. Pure."""

from __future__ import annotations

import threading

import zstandard

# Below, a frame costs more than it saves.
MIN_DATA_BYTES = 256
# What one record may become. A mail body of ours is far below; a bomb is not.
MAX_RECORD_BYTES = 64 * 1024 * 1024
LEVEL = 1


class RecordTooLarge(Exception):
    """The record would be larger than one record may be."""


# zstandard's objects are not safe to share between threads.
_local = threading.local()


def compress_record(data: bytes) -> bytes | None:
    """
    Return one zstd frame that holds `data`, or None where that would not be smaller.

    :raises TooLarge: if `data` is larger than what `expand` returns
    """
    if len(data) > MAX_RECORD_BYTES:
        raise RecordTooLarge
    if len(data) < MIN_DATA_BYTES:
        return None
    compressor = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
    frame: bytes = compressor.compress(data)
    return frame if len(frame) < len(data) else None


def expand_record(frame: bytes) -> bytes:
    """
    Return what one frame of `compress` holds.

    :raises TooLarge: if it says that it holds more than `LARGEST`, or does not say how much
    :raises zstandard.ZstdError: if it is not such a frame
    """
    size = zstandard.frame_content_size(frame)
    if not 0 <= size <= MAX_RECORD_BYTES:
        raise RecordTooLarge
    decompressor = getattr(_local, "decompressor", None)
    if decompressor is None:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    data: bytes = decompressor.decompress(frame, max_output_size=size, allow_extra_data=False)
    return data
