"""
Pseudonyms of a connection and its parts, under the connection's own ledger key.

Destroying the key detaches its entries from the connection. Other ids have the service's
pseudonym (`entries.get_ledger_pseudonym`).
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from time import monotonic
from uuid import UUID

from django.db import connection

from limited_use.access_request import PseudonymNaming
from limited_use.vault import ledger_key_wrap
from limited_use.vault.keyring.keyring_port import EpochGone, KeyStoreUnavailable

from . import entries, pseudonym_derivation

CACHE_SIZE = 1024
CACHE_SECONDS = 300.0
# A request names an integration, its connection, its owner and an actor.
MAX_CACHED_NAMES = 64


class _ServiceNaming:
    def __call__(self, subject_id: UUID) -> str:
        return entries.get_ledger_pseudonym(subject_id)

    def at_the_end(self, subject_id: UUID) -> str:
        return entries.get_ledger_pseudonym(subject_id)


SERVICE_NAMING: PseudonymNaming = _ServiceNaming()


class _ConnectionNaming:
    """Pseudonyms under one ledger key, which is read on first use."""

    __slots__ = ("_commitment", "_holder", "_key", "_names")

    def __init__(self, holder: UUID, commitment: bytes) -> None:
        self._holder, self._commitment = holder, commitment
        self._key: bytes | None = None
        self._names: dict[tuple[UUID, bool], str] = {}

    def __repr__(self) -> str:
        return "<Naming>"

    def __call__(self, subject_id: UUID) -> str:
        return self._names.get((subject_id, False)) or self._derive_name(
            subject_id, at_the_end=False
        )

    def at_the_end(self, subject_id: UUID) -> str:
        try:
            return self._names.get((subject_id, True)) or self._derive_name(
                subject_id, at_the_end=True
            )
        except KeyStoreUnavailable:
            # A disconnect waits for no key store. Its receipt shows the entries beside the owner's
            # id anyway, so this pseudonym reveals nothing new.
            return entries.get_ledger_pseudonym(subject_id)

    def _derive_name(self, subject_id: UUID, *, at_the_end: bool) -> str:
        key = self._read_key()
        if key is None:
            return entries.get_ledger_pseudonym(subject_id)
        derive = (
            pseudonym_derivation.derive_removal_pseudonym
            if at_the_end
            else pseudonym_derivation.derive_pseudonym
        )
        name = derive(key, subject_id).hex()
        if len(self._names) >= MAX_CACHED_NAMES:
            self._names.clear()
        self._names[subject_id, at_the_end] = name
        return name

    def _read_key(self) -> bytes | None:
        if self._key is None:
            # In a restored database the key may not open. It must not keep a person from
            # disconnecting.
            with suppress(EpochGone):
                self._key = ledger_key_wrap.key_of(self._holder, self._commitment)
        return self._key


_cache: OrderedDict[tuple[UUID, bytes], tuple[float, _ConnectionNaming]] = OrderedDict()
_cache_lock = Lock()


def get_pseudonym_naming(holder: UUID) -> PseudonymNaming:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT commitment FROM limited_use_ledgerkey"
            " WHERE holder = %s AND destroyed_at IS NULL",
            [holder],
        )
        row = cursor.fetchone()
    return get_naming_by_commitment(holder, None if row is None else bytes(row[0]))


def get_naming_by_commitment(holder: UUID, commitment: bytes | None) -> PseudonymNaming:
    """:param commitment: from the `LedgerKey` row; None without a live key"""
    if commitment is None:
        return SERVICE_NAMING
    cache_key, now = (holder, commitment), monotonic()
    with _cache_lock:
        cached = _cache.get(cache_key)
        if cached is not None and now - cached[0] < CACHE_SECONDS:
            return cached[1]
        naming = _ConnectionNaming(holder, commitment)
        _cache[cache_key] = (now, naming)
        _cache.move_to_end(cache_key)
        while _cache:
            oldest, (since, _) = next(iter(_cache.items()))
            if len(_cache) <= CACHE_SIZE and now - since < CACHE_SECONDS:
                break
            del _cache[oldest]
    return naming


def drop_cached_ledger_keys() -> None:
    with _cache_lock:
        _cache.clear()
