"""What an authenticator app shows."""

from __future__ import annotations

import base64
import hmac
import struct
import time

# Of each secret the moment whose code was given last: none is accepted twice.
_given: dict[str, int] = {}
# Seconds that a code is good for at least, once it is returned.
_LEFT = 5


def code(secret):
    """Return a code (RFC 6238) that was not given before, as soon as there is one."""
    while (moment := int(time.time()) // 30) == _given.get(secret) or 30 - time.time() % 30 < _LEFT:
        time.sleep(0.2)
    _given[secret] = moment
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", moment), "sha1").digest()
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"
