"""zstd compression before sealing, because the database cannot compress ciphertext. Pure."""

from __future__ import annotations

import threading

import zstandard

# Smaller data is not compressed: a frame costs more than it saves.
MIN_DATA_BYTES = 256
# The maximum size of one record. A mail body is far below; a decompression bomb is not.
MAX_RECORD_BYTES = 64 * 1024 * 1024
LEVEL = 1


class RecordTooLarge(Exception):
    """The record exceeds `MAX_RECORD_BYTES`."""


# zstandard's objects must not be shared between threads.
_local = threading.local()


def compress_record(data: bytes) -> bytes | None:
    """
    Return one zstd frame, or None if it is not smaller.

    :raises RecordTooLarge:
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
    :raises RecordTooLarge: if the frame states no size, or more than `MAX_RECORD_BYTES`
    :raises zstandard.ZstdError: if the bytes are no frame
    """
    size = zstandard.frame_content_size(frame)
    if not 0 <= size <= MAX_RECORD_BYTES:
        raise RecordTooLarge
    decompressor = getattr(_local, "decompressor", None)
    if decompressor is None:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    data: bytes = decompressor.decompress(frame, max_output_size=size, allow_extra_data=False)
    return data
