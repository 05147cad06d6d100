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


def new_channel() -> str:
    """Return the id of a new channel."""
    random = token_bytes(_RANDOM_BYTES)
    return _text(random + _proof(random))


def token_of(channel_id: str) -> str:
    """Return the secret that a channel's calls have to show."""
    return _text(blind_index.derive("channel.token", channel_id))


def is_proven(channel_id: str, token: str) -> bool:
    """Return whether we opened that channel once, and told the caller its token."""
    raw = b""
    if len(channel_id) == ID_LENGTH and channel_id.isascii():
        with suppress(ValueError):
            raw = urlsafe_b64decode(f"{channel_id}=")
    random, proof = raw[:_RANDOM_BYTES], raw[_RANDOM_BYTES:]
    # Both are compared whatever comes of the first: how long it takes tells nothing.
    is_ours = hmac.compare_digest(proof, _proof(random))
    is_told = hmac.compare_digest(token.encode(), token_of(channel_id).encode())
    return is_ours and is_told


def of_channel(channel_id: str) -> bytes:
    """Return 32 bytes to look a channel up by."""
    return blind_index.blind("channel", channel_id)


def of_resource(channel_id: str, resource_id: str) -> bytes:
    """Return 32 bytes to know again what a channel is about, by the provider's name for it."""
    return blind_index.blind("channel.resource", f"{channel_id} {resource_id}")


def of_mailbox(provider: str, address: str) -> bytes:
    """Return 32 bytes to look a watched mailbox up by, to be written down with its watch."""
    return blind_index.blind(_mailbox(provider), normalised(address))


def asked_for(provider: str, address: str, *, permit: Permit, at: datetime) -> bytes:
    """
    Return the same, to ask whether that mailbox is watched.

    :raises limited_use.vault.envelope.Unopenable: if the permit is for something else, or over
    """
    return blind_index.asked(_mailbox(provider), normalised(address), permit, at=at)


def _mailbox(provider: str) -> str:
    return f"mailbox.{provider}"


def normalised(address: str) -> str:
    """Return an address as it is compared: providers write it in more than one way."""
    return address.strip().casefold()


def _proof(random: bytes) -> bytes:
    return blind_index.derive("channel.proof", random.hex())[:_PROOF_BYTES]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
