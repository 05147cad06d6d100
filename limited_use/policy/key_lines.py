"""Lines of keys: which key-encryption key wraps a data key. Pure, for models and keyrings."""

from __future__ import annotations

from enum import StrEnum


class KeyLine(StrEnum):
    # An integration's content: destroyed at disconnect.
    CONTENT = "content"
    # A connection's account name, and its current access token.
    ACCOUNT = "account"
    # One grant's refresh token: outlives the content until the grant is revoked. Every connect
    # seals it, only workers open it.
    CREDENTIAL = "credential"
    # Data without another copy, such as an Antares calendar. Its epochs last as long as database
    # backups, so that a restored copy opens; receipts say so.
    OWN = "own"
