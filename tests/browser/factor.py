"""What an authenticator app shows."""

from __future__ import annotations

import base64
import hmac
import struct
import time


def code(secret):
    """Return the code of now (RFC 6238)."""
    moment = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), moment, "sha1").digest()
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"
