"""
The short code that a person reads out to a support agent.

Ten characters of an alphabet without look-alikes, 50 bits. Only a keyed hash is stored. A person
has at most one code that works: a new one ends the earlier one.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts.keyed_hashes import compute_keyed_hash, compute_keyed_hashes
from accounts.rate_limit_counters import Rate, add_rate_limit_count
from integrations.models import CODE_LASTS, SupportCode

from .person_lock import lock_person

#: Crockford's base 32 (https://www.crockford.com/base32.html): without I, L, O and U.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 10
_PURPOSE: Final = "support code"
HOURLY_NEW_CODES: Final = Rate("support-codes-made", 10, 3600)
_LOOK_ALIKES: Final = str.maketrans("ILO", "110")


class NotACode(Exception):
    """The text cannot be a code."""


class TooManyCodes(Exception):
    """The person made as many codes within an hour as are allowed."""


def make_code(*, user_id: UUID, at: datetime) -> tuple[SupportCode, str]:
    """
    Return the row, and the code as it is read out, such as `7K2MP-4QXZ9`; it is not stored.

    :raises TooManyCodes:
    """
    if not add_rate_limit_count(HOURLY_NEW_CODES, f"person {user_id}", at=at).is_within:
        raise TooManyCodes
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    with transaction.atomic(durable=True):
        lock_person(user_id)
        unused = SupportCode.objects.filter(user_id=user_id, used_at=None, expires_at__gt=at)
        unused.update(expires_at=at)
        row = SupportCode.objects.create(
            user_id=user_id,
            code_hash=compute_keyed_hash(code, purpose=_PURPOSE),
            made_at=at,
            expires_at=at + CODE_LASTS,
        )
    return row, f"{code[:5]}-{code[5:]}"


def parse_code(typed: str) -> str:
    """
    Return the code as it is hashed: people mix up I, L, 1 and O, 0.

    :raises NotACode:
    """
    code = "".join(typed.upper().split()).replace("-", "").translate(_LOOK_ALIKES)
    if len(code) != _LENGTH or not set(code) <= set(_ALPHABET):
        raise NotACode
    return code


def hash_code(code: str) -> list[bytes]:
    """Return the hash under the current secret, then under each former one."""
    return compute_keyed_hashes(code, purpose=_PURPOSE)
