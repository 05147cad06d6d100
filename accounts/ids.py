import os
import time
from uuid import UUID

_NANOSECONDS_PER_MILLISECOND = 1_000_000
_62_BITS = (1 << 62) - 1


def uuid7() -> UUID:
    """
    Return a UUIDv7: 48 bits of Unix milliseconds, 12 bits of their fraction, 62 random bits.

    The fraction (RFC 9562 §6.2, method 3) keeps rows in order, so an index grows at one end.
    """
    milliseconds, rest = divmod(time.time_ns(), _NANOSECONDS_PER_MILLISECOND)
    fraction = (rest << 12) // _NANOSECONDS_PER_MILLISECOND
    # The source of `secrets`, called directly: every new row waits for it.
    random = int.from_bytes(os.urandom(8)) & _62_BITS
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)
