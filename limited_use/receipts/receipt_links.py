"""Capability links to a receipt, which need no account. The database stores a hash of the token."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from django.db import connection as database

from accounts import row_owner
from limited_use.database_functions import load_functions
from limited_use.models import Receipt, ReceiptLink
from limited_use.vault.sql_functions import SQL_FOLDER

TOKEN_BYTES = 32
# Creating a link beyond this number ends the oldest one.
MAX_LINKS = 5

#: Finds the receipt's owner for a link, when only the link identifies the caller.
(OWNER_OF_LINK,) = load_functions(
    SQL_FOLDER / "receipt_links.sql", {"receipt_link": frozenset({"web"})}
)


def create_link(*, subject_id: UUID, at: datetime) -> str:
    """Return a new token, in URL-safe base64. Show it once."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    ReceiptLink.objects.create(token_hash=_hash_token(token), subject_id=subject_id, made_at=at)
    links = ReceiptLink.objects.filter(subject_id=subject_id).order_by("-made_at", "-id")
    ReceiptLink.objects.filter(id__in=list(links.values_list("id", flat=True)[MAX_LINKS:])).delete()
    return token


def find_receipts(token: str) -> list[Receipt]:
    """Return the existing parts, part 1 first; empty for an unknown token."""
    hashed = _hash_token(token)
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM receipt_link(%s)", [hashed])
        row = cursor.fetchone()
    if row is None:
        return []
    subject_id, owner_id = row
    # The link acts for its creator, for this receipt only.
    with row_owner.acting_for(owner_id, None):
        return list(Receipt.objects.filter(subject_id=subject_id).order_by("part"))


def _hash_token(token: str) -> bytes:
    # The token is random enough for a plain hash.
    return hashlib.sha256(b"LU-receipt-link/1\0" + token.encode()).digest()
