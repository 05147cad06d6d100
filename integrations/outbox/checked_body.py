"""Bodies with `Upload-Checksum`: read whole and checked before any byte is used."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from .tus_headers import UploadChecksum
from .upload_errors import ChecksumMismatch, UploadInterrupted, UploadTooLarge

#: Bytes of a body with a checksum, which is in memory until it has been checked.
MAX_CHECKED_BYTES: Final = 8 * 1024 * 1024

Read = Callable[[int], bytes]


def check_body(read: Read, checksum: UploadChecksum | None, *, received: int) -> Read:
    """
    Return a function that reads the body, as `read` does.

    :param received: bytes that are stored already, for the error
    :raises ChecksumMismatch: nothing of the body may be stored
    :raises UploadTooLarge: if the body is too large to be checked
    :raises UploadInterrupted: if it breaks off
    """
    if checksum is None:
        return read
    body = bytearray()
    try:
        while block := read(MAX_CHECKED_BYTES + 1 - len(body)):
            body += block
            if len(body) > MAX_CHECKED_BYTES:
                raise UploadTooLarge
    except OSError:
        raise UploadInterrupted(received) from None
    digest = hashlib.new(checksum.algorithm, body).digest()
    if not hmac.compare_digest(digest, checksum.digest):
        raise ChecksumMismatch
    view, position = memoryview(bytes(body)), 0

    def read_checked(size: int) -> bytes:
        nonlocal position
        block = bytes(view[position : position + size])
        position += len(block)
        return block

    return read_checked
