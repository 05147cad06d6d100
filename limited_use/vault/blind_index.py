"""
Keyed hashes to look values up by, under the service-wide directory key.

They find rows across integrations, such as all connections of one provider account, until a
purge. Looking up an address that a third party names takes a permit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

from .envelope import Unopenable
from .keyring.keyring_factory import get_keyring
from .keyring.keyring_port import MacKey

#: The holder of lookup permits: no real holder, because the result is not known before the lookup.
LOOKUP_HOLDER: Final = UUID(bytes=b"LU-directory/ask")
#: The use that allows a lookup of an address that a provider names.
LOOKUP_USE: Final = Use(DataClass.PROFILE, Purpose.CONNECTION_MAINTAIN, Recipient.VAULT)
#: The use that allows a lookup of an address that a support agent typed.
SUPPORT_USE: Final = Use(DataClass.PROFILE, Purpose.SUPPORT_FIND, Recipient.SUPPORT_AGENT)


def compute_blind(kind: str, value: str) -> bytes:
    """Return the 32-byte blind of `value`, which depends on `kind`."""
    return get_keyring().compute_mac(MacKey.DIRECTORY, _encode_message(b"blind/1", kind, value))


def compute_lookup_blind(kind: str, value: str, permit: Permit, *, at: datetime) -> bytes:
    """:raises Unopenable: if the permit is for another use, or has expired"""
    _check_permit(permit, LOOKUP_USE, at=at)
    return compute_blind(kind, value)


def compute_support_blind(kind: str, value: str, permit: Permit, *, at: datetime) -> bytes:
    """:raises Unopenable: if the permit is for another use, or has expired"""
    _check_permit(permit, SUPPORT_USE, at=at)
    return compute_blind(kind, value)


def _check_permit(permit: Permit, use: Use, *, at: datetime) -> None:
    if (permit.use, permit.holder) != (use, LOOKUP_HOLDER) or at >= permit.expires_at:
        raise Unopenable("the permit is not for asking now")


def derive_secret(kind: str, value: str) -> bytes:
    """Return 32 secret bytes, always the same: for a PKCE verifier, or a nonce."""
    return get_keyring().compute_mac(MacKey.DIRECTORY, _encode_message(b"derive/1", kind, value))


def _encode_message(purpose: bytes, kind: str, value: str) -> bytes:
    encoded_kind = kind.encode()
    return b"\0".join(
        (purpose, len(encoded_kind).to_bytes(2, "big") + encoded_kind, value.encode())
    )
