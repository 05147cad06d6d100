"""The lines of keys: which key-encryption key wraps a data key. Pure, for models and keyrings."""

from __future__ import annotations

from enum import StrEnum


class KeyLine(StrEnum):
    # An integration's content: dies with the disconnect.
    CONTENT = "content"
    # A connection's own: which account it is, and the access token of the hour.
    ACCOUNT = "account"
    # One grant's refresh token, and nothing else: outlives the content until the grant is
    # revoked. Sealed wherever somebody connects, opened by workers alone.
    CREDENTIAL = "credential"
    # What exists nowhere else, such as a calendar that lives here. Its epochs last as long as
    # copies of the database are kept, so that a restored copy still opens; a receipt says so.
    OWN = "own"
