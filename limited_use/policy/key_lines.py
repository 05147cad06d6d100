"""Which key-encryption key wraps a data key. Pure, for models and keyrings."""

from __future__ import annotations

from enum import StrEnum


class KeyLine(StrEnum):
    # Destroyed at disconnect.
    CONTENT = "content"
    # A connection's account name and current access token.
    ACCOUNT = "account"
    # A grant's refresh token, until revoked. Only workers open it.
    CREDENTIAL = "credential"
    # Data without another copy, such as an Antares calendar. Its epochs last as long as database
    # backups, so that a restored copy opens; receipts say so.
    OWN = "own"
