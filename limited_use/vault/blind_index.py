"""
Outer blinds: keyed hashes under the service-wide directory key.

For what must be found across integrations (which account is this). Their rows
are holdings: a purge empties them. Whether an address of somebody else's telling
is here is a use: `asked` takes a permit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from limited_use.access_request import Permit
from limited_use.policy.vocabulary import DataClass, Purpose, Recipient, Use

from .envelope import Unopenable
from .keyring.factory import get_keyring
from .keyring.port import MacKey

#: Whose the permits to ask are: nobody's in particular, for who is asked about is not known before.
LOOKUP_HOLDER: Final = UUID(bytes=b"LU-directory/ask")
#: The one use by which it may be asked.
LOOKUP_USE: Final = Use(DataClass.PROFILE, Purpose.CONNECTION_MAINTAIN, Recipient.VAULT)


def compute_blind(kind: str, value: str) -> bytes:
    """Return 32 bytes to look `value` up by; `kind` keeps the kinds apart."""
    return get_keyring().compute_mac(MacKey.DIRECTORY, _encode_message(b"blind/1", kind, value))


def compute_lookup_blind(kind: str, value: str, permit: Permit, *, at: datetime) -> bytes:
    """
    Return what `blind` does, to ask whether that is here.

    :raises Unopenable: if the permit is for something else, or has expired
    """
    if (permit.use, permit.holder) != (LOOKUP_USE, LOOKUP_HOLDER) or at >= permit.expires_at:
        raise Unopenable("the permit is not for asking now")
    return compute_blind(kind, value)


def derive_secret(kind: str, value: str) -> bytes:
    """Return 32 secret bytes for `value` (a PKCE verifier, a nonce), the same each time."""
    return get_keyring().compute_mac(MacKey.DIRECTORY, _encode_message(b"derive/1", kind, value))


def _encode_message(purpose: bytes, kind: str, value: str) -> bytes:
    encoded_kind = kind.encode()
    return b"\0".join(
        (purpose, len(encoded_kind).to_bytes(2, "big") + encoded_kind, value.encode())
    )
