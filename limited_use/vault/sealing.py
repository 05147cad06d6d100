"""
Seals values without a permit: code that writes new data cannot read old data.

A sealer serves one batch. The caller checks the fence in the writing transaction.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db import models

from limited_use.policy.key_lines import KeyLine
from limited_use.policy.policy_vocabulary import DataClass

from . import envelope
from .data_keys import (
    KeyDestroyed,
    KeyUnusable,
    UnwrappedKey,
    create_unwrapped,
    drop_cached_keys,
    read_row,
    unwrap,
)
from .fields import SealedField
from .keyring.keyring_port import EpochGone
from .sealed import CiphertextBinding, SealedValue


class Sealer:
    def __init__(self, holder: UUID, epoch: int, key: UnwrappedKey) -> None:
        self.holder = holder
        self.epoch = epoch
        self._key = key

    def seal_value(
        self, model: type[models.Model], column: str, *, row: UUID, data: bytes | str
    ) -> SealedValue:
        """
        :param row: the row's id, chosen before sealing
        :param data: text is encoded as UTF-8
        """
        table, column_name, data_class = _get_column(model, column)
        binding = CiphertextBinding(self.holder, data_class, table, row, column_name)
        plaintext = data.encode() if isinstance(data, str) else data
        return SealedValue(envelope.seal_record(plaintext, binding, self._key), binding)

    def compute_blind(self, kind: str, value: str) -> bytes:
        """Return 32 bytes to look `value` up by within this holder, until its key is destroyed."""
        encoded_kind = kind.encode()
        message = b"\0".join((len(encoded_kind).to_bytes(2, "big") + encoded_kind, value.encode()))
        return hmac.digest(self._key.blind_key, message, "sha256")


def get_sealer(*, holder: UUID, epoch: int) -> Sealer:
    """
    Return a sealer for one batch.

    :param epoch: the holder's fence epoch when the work began
    :raises KeyDestroyed, KeyUnusable:
    """
    # Twice at most: see `opening.begin_opening_batch`.
    for _ in range(2):
        row = read_row(holder)
        if row is None or row.epoch != epoch:
            drop_cached_keys(holder)
            raise KeyDestroyed(holder)
        try:
            return Sealer(holder, epoch, unwrap(row))
        except EpochGone:
            continue
    raise KeyUnusable(holder)


def create_sealer(*, holder: UUID, line: KeyLine, at: datetime, epoch: int) -> Sealer:
    """
    Create a new holder's key in the caller's transaction, and return its sealer.

    This needs only the right to wrap; opening the values later needs the right to unwrap.
    """
    _, key = create_unwrapped(holder=holder, line=line, at=at, epoch=epoch)
    return Sealer(holder, epoch, key)


@lru_cache(maxsize=256)
def _get_column(model: type[models.Model], column: str) -> tuple[str, str, DataClass]:
    field = model._meta.get_field(column)  # noqa: SLF001
    if not isinstance(field, SealedField):
        raise TypeError(f"{model.__name__}.{column} is not a SealedField")
    return model._meta.db_table, field.column_name, field.data_class  # noqa: SLF001
