"""A sink that lets nothing out: it opens values and seals them under another key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.vault import opening
from limited_use.vault.sealed import SealedValue

from .traceback_guard import WrongSink, guard_plaintext

#: Seals a column's value, by the column's name.
Seal = Callable[[str, bytes], SealedValue]


@guard_plaintext
def reseal_columns(
    columns: Mapping[str, SealedValue],
    permits: Mapping[tuple[UUID, DataClass], Permit],
    make_seal: Callable[[], Seal],
    *,
    at: datetime,
) -> dict[str, SealedValue]:
    """
    Return each column sealed again.

    :param make_seal: called once all columns are open, so it may destroy their former key
    :raises WrongSink, Unopenable:
    """
    for permit in permits.values():
        if (permit.use.purpose, permit.use.recipient) != (Purpose.VAULT_REKEY, Recipient.VAULT):
            raise WrongSink
    batch = opening.begin_opening_batch(permits.values(), at=at)
    opened: dict[str, bytes] = {}
    for column, sealed in columns.items():
        column_permit = permits.get((sealed.binding.holder, sealed.binding.data_class))
        if column_permit is None:
            raise WrongSink
        opened[column] = batch.open_value(sealed, column_permit)
    seal = make_seal()
    return {column: seal(column, data) for column, data in opened.items()}
