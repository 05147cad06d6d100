"""
Opens sealed values. Only sinks may import this module (linted).

Each batch reads key rows and fences after the permits were granted, so a permit opens nothing
once a disconnect or a withdrawal has committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts import alarms
from limited_use.access_request import Fence, FenceKind, Permit
from limited_use.policy.key_lines import KeyLine

from . import envelope
from .data_key_rows import DataKeyRow, build_read_query, refuse_unreadable_line
from .data_keys import UnwrappedKey, drop_cached_keys, unwrap
from .envelope import KeyDamaged, Unopenable
from .keyring.keyring_port import EpochGone
from .sealed import SealedValue

__all__ = ["OpeningBatch", "Unopenable", "begin_opening_batch", "open_sealed_values"]

# One statement: keys and fences are from one moment.
_KEYS_QUERY = (
    "SELECT 'key', holder, epoch, TRUE, line, key_id, wrapped, kek_epoch FROM ({}) AS keys"
)
# Whether grants of each kind are live. A kind without a table is never live.
_FENCE_QUERIES = {
    FenceKind.DELEGATION: """
SELECT 'delegation', id, epoch, switched_off_at IS NULL, NULL, NULL, NULL, NULL
  FROM accounts_delegation WHERE id IN ({})
""",
    FenceKind.MEMBERSHIP: """
SELECT 'membership', id, epoch, left_at IS NULL, NULL, NULL, NULL, NULL
  FROM accounts_membership WHERE id IN ({})
""",
    FenceKind.CONSENT: """
SELECT 'consent', id, epoch, withdrawn_at IS NULL AND (expires_at IS NULL OR expires_at > %s),
       NULL, NULL, NULL, NULL
  FROM limited_use_consent WHERE id IN ({})
""",
    FenceKind.SHARE: """
SELECT 'share', id, epoch, withdrawn_at IS NULL AND (expires_at IS NULL OR expires_at > %s),
       NULL, NULL, NULL, NULL
  FROM limited_use_share WHERE id IN ({})
""",
}
_EXPIRING_KINDS = frozenset({FenceKind.CONSENT, FenceKind.SHARE})


class OpeningBatch:
    """The keys of valid permits. A key that does not unwrap is None."""

    __slots__ = ("_keys",)

    def __init__(self, keys: list[tuple[Permit, UnwrappedKey | None]]) -> None:
        # By identity: hashing a permit costs more than opening a row. The permits are kept, so
        # that no other object gets the identity of one.
        self._keys = {id(permit): (permit, key) for permit, key in keys}

    def open_value(self, sealed: SealedValue, permit: Permit) -> bytes:
        """
        :raises Unopenable: if the permit is for other data, or the value does not open
        :raises envelope.Damaged: if the permit fits, but the value or its key was changed
        """
        binding = sealed.binding
        # Mostly the same object: `UUID.__eq__` is Python code, and would run for each row.
        if permit.holder is not binding.holder and permit.holder != binding.holder:
            raise Unopenable
        if permit.use.data_class != binding.data_class:
            raise Unopenable
        if permit.item is not None and permit.item != binding.row:
            raise Unopenable
        permit_and_key = self._keys.get(id(permit))
        if permit_and_key is None:
            raise Unopenable
        key = permit_and_key[1]
        if key is None:
            raise KeyDamaged
        return envelope.open_record(sealed.ciphertext, binding, key)


def begin_opening_batch(permits: Iterable[Permit], *, at: datetime) -> OpeningBatch:
    """
    Read keys and fences in one query. A key that does not unwrap raises an alarm; others still
    open.

    :raises Unopenable: if a permit has expired, its key is destroyed or of another epoch, or one
        of its fences is down
    :raises KeyStoreUnavailable: if the key store does not answer
    """
    permit_list = list(permits)
    if any(at >= permit.expires_at for permit in permit_list):
        raise Unopenable
    # Twice at most: a rotation may have rewrapped a key and destroyed its old epoch between reading
    # the row and unwrapping.
    for _ in range(2):
        rows, fences = _read_keys_and_fences(permit_list, at)
        keys = [(permit, _unwrap_for_permit(permit, rows, fences)) for permit in permit_list]
        if all(key is not None for _, key in keys):
            break
    else:
        for holder in {permit.holder for permit, key in keys if key is None}:
            _raise_damaged_key_alarm(rows[holder], at)
    return OpeningBatch(keys)


def open_sealed_values(
    sealed: Sequence[SealedValue], permit: Permit, *, at: datetime
) -> list[bytes]:
    """
    Return the plaintexts, for one use.

    :raises Unopenable:
    """
    batch = begin_opening_batch([permit], at=at)
    return [batch.open_value(value, permit) for value in sealed]


def _unwrap_for_permit(
    permit: Permit, rows: dict[UUID, DataKeyRow], live_fences: set[Fence]
) -> UnwrappedKey | None:
    row = rows.get(permit.holder)
    if row is None or row.epoch != permit.epoch:
        # Destroyed or fenced off, maybe by another process, so drop the cached key as well.
        drop_cached_keys(permit.holder)
        if row is None:
            refuse_unreadable_line(permit.holder)
        raise Unopenable
    if not live_fences.issuperset(permit.fences):
        raise Unopenable
    try:
        return unwrap(row)
    except EpochGone:
        return None


def _raise_damaged_key_alarm(row: DataKeyRow, at: datetime) -> None:
    alarms.raise_alarm(
        kind="key.damaged",
        about=row.holder,
        window=f"{at:%Y-%m-%d}",
        body={"line": str(row.line), "epoch": row.kek_epoch},
        at=at,
    )


def _read_keys_and_fences(
    permits: Sequence[Permit], at: datetime
) -> tuple[dict[UUID, DataKeyRow], set[Fence]]:
    statement, parameters = _build_query(permits, at)
    keys: dict[UUID, DataKeyRow] = {}
    live_fences: set[Fence] = set()
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for kind, row_id, epoch, is_live, line, key_id, wrapped, kek_epoch in cursor.fetchall():
            if kind == "key":
                keys[row_id] = DataKeyRow(
                    row_id, KeyLine(line), epoch, bytes(key_id), bytes(wrapped), kek_epoch
                )
            elif is_live:
                live_fences.add(Fence(FenceKind(kind), row_id, epoch))
    return keys, live_fences


def _build_query(permits: Sequence[Permit], at: datetime) -> tuple[str, list[Any]]:
    query, times = build_read_query()
    parts = [_KEYS_QUERY.format(query)]
    parameters: list[Any] = [list({permit.holder for permit in permits})] * times
    fences = {fence for permit in permits for fence in permit.fences}
    for kind, fence_query in _FENCE_QUERIES.items():
        if ids := [fence.id for fence in fences if fence.kind == kind]:
            # One parameter per id: with an array, PostgreSQL would plan the statement each time.
            parts.append(fence_query.format(", ".join(["%s"] * len(ids))))
            parameters += [at, *ids] if kind in _EXPIRING_KINDS else ids
    return " UNION ALL ".join(parts), parameters
