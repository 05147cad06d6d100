"""
By what a notification finds its watch again, and how a channel proves to be ours.

A channel's id carries its own proof, and its token follows from it, both by the directory key. So
no secret of a channel waits in a table, a stranger's call costs two hashes and no look at the
database, and what a provider still says about a channel long after it was forgotten here is known
for what it is: nothing has to be kept for that.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import datetime
from secrets import token_bytes
from typing import Final

from limited_use.access_request import Permit
from limited_use.vault import blind_index

_RANDOM_BYTES: Final = 16
_PROOF_BYTES: Final = 16
# 32 bytes as base64url without padding; providers take 64 characters of that alphabet.
ID_LENGTH: Final = 43


def make_channel_id() -> str:
    """Return the id of a new channel."""
    random = token_bytes(_RANDOM_BYTES)
    return _encode_text(random + _derive_proof(random))


def derive_token(channel_id: str) -> str:
    """Return the secret that a channel's calls have to show."""
    return _encode_text(blind_index.derive_secret("channel.token", channel_id))


def is_proven(channel_id: str, token: str) -> bool:
    """Return whether we opened that channel once, and told the caller its token."""
    raw = b""
    if len(channel_id) == ID_LENGTH and channel_id.isascii():
        with suppress(ValueError):
            raw = urlsafe_b64decode(f"{channel_id}=")
    random, proof = raw[:_RANDOM_BYTES], raw[_RANDOM_BYTES:]
    # Both are compared whatever comes of the first: how long it takes tells nothing.
    is_ours = hmac.compare_digest(proof, _derive_proof(random))
    has_token = hmac.compare_digest(token.encode(), derive_token(channel_id).encode())
    return is_ours and has_token


def blind_channel(channel_id: str) -> bytes:
    """Return 32 bytes to look a channel up by."""
    return blind_index.compute_blind("channel", channel_id)


def blind_resource(channel_id: str, resource_id: str) -> bytes:
    """Return 32 bytes to know again what a channel is about, by the provider's name for it."""
    return blind_index.compute_blind("channel.resource", f"{channel_id} {resource_id}")


def blind_mailbox(provider: str, address: str) -> bytes:
    """Return 32 bytes to look a watched mailbox up by, to be written down with its watch."""
    return blind_index.compute_blind(_get_mailbox_kind(provider), normalise_address(address))


def blind_notified_mailbox(provider: str, address: str, *, permit: Permit, at: datetime) -> bytes:
    """
    Return the same, to ask whether that mailbox is watched.

    :raises limited_use.vault.envelope.Unopenable: if the permit is for something else, or over
    """
    return blind_index.compute_lookup_blind(
        _get_mailbox_kind(provider), normalise_address(address), permit, at=at
    )


def _get_mailbox_kind(provider: str) -> str:
    return f"mailbox.{provider}"


def normalise_address(address: str) -> str:
    """Return an address as it is compared: providers write it in more than one way."""
    return address.strip().casefold()


def _derive_proof(random: bytes) -> bytes:
    return blind_index.derive_secret("channel.proof", random.hex())[:_PROOF_BYTES]


def _encode_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
