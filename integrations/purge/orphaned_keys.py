"""
Find sealed values without their key, and keys without an owner. Both are alarms.

Such values survived, or came back after, the end of a key; no disconnect would find such a key. A
key ends in the commit of its rows or owner, so each is counted only if two looks find it: changes
in progress are gone by the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import BinaryField, Count, F, Func, Model, Q, Value

from integrations.models import LIVE, Calendar, Connection, Integration
from limited_use.models.ledger_keys import LedgerKey
from limited_use.vault import data_key_rows, ledger_key_wrap, naming_rows
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import KEY_ID_AT, KEY_ID_BYTES

from .inventory import HOLDINGS

# Holders per query.
_CHUNK_SIZE: Final = 1000


class _KeyReference(NamedTuple):
    holder: UUID
    key_id: bytes


def count_values_without_key() -> dict[str, int]:
    """Return numbers by column."""
    counts: dict[str, int] = {}
    for model in dict.fromkeys(holding.model for holding in HOLDINGS):
        for column in model._meta.concrete_fields:  # noqa: SLF001
            if not isinstance(column, SealedField):
                continue
            first_look = _find_values_without_key(model, column)
            second_look = (
                _find_values_without_key(
                    model, column, {reference.holder for reference in first_look}
                )
                if first_look
                else {}
            )
            if count := sum(
                second_look[reference] for reference in first_look.keys() & second_look.keys()
            ):
                counts[f"{model._meta.label}.{column.name}"] = count  # noqa: SLF001
    return counts


def count_keys_without_owner() -> dict[str, int]:
    """Return numbers by line."""
    first_look = _find_keys_without_owner(data_key_rows.get_all_metadata())
    second_look = _find_keys_without_owner(
        key_row
        for chunk in _split_into_chunks(first_look)
        for key_row in data_key_rows.get_data_key_metadata(chunk)
    )
    counts = Counter(str(line) for holder, line in second_look.items() if holder in first_look)
    # A leftover ledger key could still link pseudonyms.
    leftover_keys = _find_leftover_ledger_keys()
    if leftover_keys and (still_leftover := leftover_keys & _find_leftover_ledger_keys()):
        counts["ledger"] = len(still_leftover)
    return dict(counts)


def _find_values_without_key(
    model: type[Model], column: SealedField[Any, Any], holders: Collection[UUID] | None = None
) -> Mapping[_KeyReference, int]:
    manager: Any = model._base_manager  # noqa: SLF001
    # A purge destroys the key before the rows; `overdue_sweep` counts those rows.
    column_names = {field.attname for field in model._meta.concrete_fields}  # noqa: SLF001
    live_integrations = Integration.objects.live().values("id")
    conditions = (
        Q(integration_id__in=live_integrations) if "integration_id" in column_names else Q()
    )
    if holders is not None:
        conditions &= Q(**{f"{column.holder}__in": list(holders)})
    key_id = Func(
        F(column.attname),
        Value(KEY_ID_AT + 1),
        Value(KEY_ID_BYTES),
        function="substring",
        output_field=BinaryField(),
    )
    counted = (
        manager.filter(conditions, **{f"{column.name}__isnull": False})
        .annotate(under=key_id)
        .values_list(column.holder, "under")
        .annotate(count=Count("pk"))
        .order_by()
    )
    references = {
        _KeyReference(holder, bytes(key_id_bytes)): count for holder, key_id_bytes, count in counted
    }
    existing_keys = {
        _KeyReference(key_row.holder, key_row.key_id)
        for chunk in _split_into_chunks({reference.holder for reference in references})
        for key_row in data_key_rows.get_data_key_metadata(chunk)
    }
    return {
        reference: count
        for reference, count in references.items()
        if reference not in existing_keys
    }


def _find_leftover_ledger_keys() -> set[UUID]:
    """Return keys that were destroyed or never created, yet are present."""
    key_holders = naming_rows.get_ledger_key_holders()
    for chunk in _split_into_chunks(key_holders):
        living_keys = LedgerKey.objects.filter(holder__in=chunk, destroyed_at=None)
        key_holders -= set(living_keys.values_list("holder", flat=True))
    return key_holders


def _find_keys_without_owner(key_rows: Iterable[data_key_rows.DataKeyMetadata]) -> dict[UUID, str]:
    # Wrapping keys of ledger keys have no owner, and end with their epoch.
    lines_by_holder = {
        key_row.holder: str(key_row.line)
        for key_row in key_rows
        if not ledger_key_wrap.is_naming_holder(key_row.holder)
    }
    for chunk in _split_into_chunks(lines_by_holder):
        for owner in _find_live_holders(chunk):
            lines_by_holder.pop(owner, None)
    return lines_by_holder


def _find_live_holders(holders: Collection[UUID]) -> set[UUID]:
    connections = Connection.objects.filter(ended_at=None)
    return {
        *Integration.objects.live().filter(id__in=holders).values_list("id", flat=True),
        *Calendar.objects.filter(cache_id__in=holders, integration__status__in=LIVE).values_list(
            "cache_id", flat=True
        ),
        *connections.filter(id__in=holders).values_list("id", flat=True),
        *connections.filter(grant_id__in=holders).values_list("grant_id", flat=True),
    }


def _split_into_chunks(holders: Iterable[UUID]) -> Iterator[list[UUID]]:
    holder_list = list(holders)
    for start in range(0, len(holder_list), _CHUNK_SIZE):
        yield holder_list[start : start + _CHUNK_SIZE]
