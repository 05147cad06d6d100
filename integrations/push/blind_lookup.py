"""
Keyed hashes that find the watch of a notification, and the proof that a channel is ours.

A channel id carries its own proof, and its token is derived from it, both with the directory key.
So no table holds a channel's secret. See README.md.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import datetime
from secrets import token_bytes
from typing import Final

from integrations.access.account_address import normalise_address
from limited_use.access_request import Permit
from limited_use.vault import blind_index

_RANDOM_BYTES: Final = 16
_PROOF_BYTES: Final = 16
# 32 bytes as base64url without padding; providers accept up to 64 such characters.
ID_LENGTH: Final = 43


def make_channel_id() -> str:
    random = token_bytes(_RANDOM_BYTES)
    return _encode_text(random + _derive_proof(random))


def derive_token(channel_id: str) -> str:
    """Return the secret that calls for this channel must present."""
    return _encode_text(blind_index.derive_secret("channel.token", channel_id))


def is_proven(channel_id: str, token: str) -> bool:
    """Return whether the channel is ours, and the caller has its token."""
    raw = b""
    if len(channel_id) == ID_LENGTH and channel_id.isascii():
        with suppress(ValueError):
            raw = urlsafe_b64decode(f"{channel_id}=")
    random, proof = raw[:_RANDOM_BYTES], raw[_RANDOM_BYTES:]
    # Both are always compared, so that the time reveals nothing.
    is_ours = hmac.compare_digest(proof, _derive_proof(random))
    has_token = hmac.compare_digest(token.encode(), derive_token(channel_id).encode())
    return is_ours and has_token


def blind_channel(channel_id: str) -> bytes:
    """Return the 32-byte keyed hash that finds a channel."""
    return blind_index.compute_blind("channel", channel_id)


def blind_resource(channel_id: str, resource_id: str) -> bytes:
    """
    Return the 32-byte keyed hash of a channel's resource.

    :param resource_id: the provider's
    """
    return blind_index.compute_blind("channel.resource", f"{channel_id} {resource_id}")


def blind_mailbox(provider: str, address: str) -> bytes:
    """Return the 32-byte keyed hash of a watched mailbox, to store with its watch."""
    return blind_index.compute_blind(_get_mailbox_kind(provider), normalise_address(address))


def blind_notified_mailbox(provider: str, address: str, *, permit: Permit, at: datetime) -> bytes:
    """
    Return the hash of `blind_mailbox`, to look up a notification's mailbox.

    :raises limited_use.vault.envelope.Unopenable: if the permit is for another use, or has
        expired
    """
    return blind_index.compute_lookup_blind(
        _get_mailbox_kind(provider), normalise_address(address), permit, at=at
    )


def _get_mailbox_kind(provider: str) -> str:
    return f"mailbox.{provider}"


def _derive_proof(random: bytes) -> bytes:
    return blind_index.derive_secret("channel.proof", random.hex())[:_PROOF_BYTES]


def _encode_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
