"""The keyed hash of a connected account's address, which finds it for a support agent."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from limited_use.access_request import Permit
from limited_use.vault import blind_index

_KIND: Final = "account.address"


def normalise_address(address: str) -> str:
    """Return the form to compare: providers vary case and whitespace."""
    return address.strip().casefold()


def compute_address_blind(address: str) -> bytes:
    """Return 32 bytes, to store with the connection."""
    return blind_index.compute_blind(_KIND, normalise_address(address))


def compute_typed_blind(typed: str, *, permit: Permit, at: datetime) -> bytes:
    """
    Return the hash of an address that an agent typed.

    :raises limited_use.vault.envelope.Unopenable: if the permit is for another use, or has expired
    """
    return blind_index.compute_support_blind(_KIND, normalise_address(typed), permit, at=at)
