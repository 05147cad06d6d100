"""Opens the sealed columns of rows, for the sinks that render them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts import alarms
from accounts.actors import Actor
from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.vault import opening
from limited_use.vault.envelope import Damaged, KeyDamaged
from limited_use.vault.sealed import CiphertextBinding, SealedValue

from .traceback_guard import WrongSink

Permits = Mapping[tuple[UUID, DataClass], Permit]
SHOWN_TO = frozenset({Recipient.OWNER, Recipient.PLATFORM_FEATURE})
SHOWN_FOR = frozenset(
    {
        Purpose.INBOX_DISPLAY,
        Purpose.CONNECTION_MAINTAIN,
        Purpose.MAIL_SEND,
        Purpose.DRIVE_UPLOAD,
    }
)


@dataclass(frozen=True, slots=True)
class SealedRow:
    row: Any
    sealed: Mapping[str, SealedValue | None] = field(default_factory=dict)


def check_permits(
    permits: Permits,
    *,
    actor: Actor,
    purposes: Collection[Purpose],
    recipients: Collection[Recipient],
) -> None:
    """:raises WrongSink: if a permit names another actor, purpose or recipient"""
    for (holder, data_class), permit in permits.items():
        if (
            permit.actor != actor
            or permit.use.purpose not in purposes
            or permit.use.recipient not in recipients
            or permit.holder != holder
            or permit.use.data_class != data_class
        ):
            raise WrongSink


def open_rows(
    rows: Sequence[SealedRow],
    permits: Permits,
    *,
    at: datetime,
    skip_damaged: bool = False,
    skip_whole_rows: bool = False,
) -> Iterator[tuple[Any, Mapping[str, bytes]]]:
    """
    Yield each row with its opened columns, without empty ones.

    :param skip_damaged: leave out columns with changed bytes or key, with an alarm
    :param skip_whole_rows: then leave out all columns of the row
    :raises WrongSink, Unopenable:
    """
    keys = opening.begin_opening_batch(permits.values(), at=at)
    # Most rows of a page share holder and class, so the last permit mostly fits.
    holder: UUID | None = None
    data_class: DataClass | None = None
    permit: Permit | None = None
    for row in rows:
        values: dict[str, bytes] = {}
        for name, sealed in row.sealed.items():
            if sealed is None:
                continue
            binding = sealed.binding
            if binding.holder is not holder or binding.data_class is not data_class:
                holder, data_class = binding.holder, binding.data_class
                permit = permits.get((holder, data_class))
            if permit is None:
                raise WrongSink
            try:
                values[name] = keys.open_value(sealed, permit)
            except Damaged as damaged:
                if not skip_damaged:
                    raise
                _raise_alarm(damaged, binding, at)
                if skip_whole_rows:
                    values.clear()
                    break
        yield row.row, values


def _raise_alarm(damaged: Damaged, binding: CiphertextBinding, at: datetime) -> None:
    if isinstance(damaged, KeyDamaged):
        # The key has its own alarm, once for all rows.
        return
    alarms.raise_alarm(
        kind="record.damaged",
        about=binding.row,
        window=f"{at:%Y-%m-%d}",
        body={"holder": str(binding.holder), "column": binding.column},
        at=at,
    )
