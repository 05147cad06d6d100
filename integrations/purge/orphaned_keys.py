"""
What ought not to be there: sealed bytes whose key is not here, and keys that are nobody's.

Neither opens anything. But such bytes were left behind, or came back, when a key ended; and no
disconnect would ever find such a key. Whoever ends a key ends its rows or its owner in the same
commit, so each is looked for twice: what was only on its way is gone by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.models import BinaryField, Count, F, Func, Model, Q, Value

from integrations.models import LIVE, Calendar, Connection, Integration
from limited_use.models.ledger_keys import LedgerKey
from limited_use.vault import key_rows, ledger_key_wrap, naming_rows
from limited_use.vault.fields import SealedField
from limited_use.vault.sealed import KEY_ID_AT, KEY_ID_BYTES

from .inventory import HOLDINGS

# Holders of one question.
_MANY: Final = 1000


class _Named(NamedTuple):
    """A holder, and the key that bytes of theirs say they are under."""

    holder: UUID
    key_id: bytes


def sealed() -> dict[str, int]:
    """Return how many values of what is live are sealed under a key that is not here, by column."""
    found: dict[str, int] = {}
    for model in dict.fromkeys(holding.model for holding in HOLDINGS):
        for column in model._meta.concrete_fields:  # noqa: SLF001
            if not isinstance(column, SealedField):
                continue
            first = _without_key(model, column)
            again = _without_key(model, column, {one.holder for one in first}) if first else {}
            if count := sum(again[one] for one in first.keys() & again.keys()):
                found[f"{model._meta.label}.{column.name}"] = count  # noqa: SLF001
    return found


def keys() -> dict[str, int]:
    """Return how many keys have a holder that is not live, or is not there at all, by line."""
    first = _without_owner(key_rows.every())
    again = _without_owner(held for some in _chunks(first) for held in key_rows.held(some))
    found = Counter(str(line) for holder, line in again.items() if holder in first)
    # A key that the ledger named by and that was not destroyed with its row would name on.
    first_named = _ledger_keys()
    if first_named and (names := first_named & _ledger_keys()):
        found["ledger"] = len(names)
    return dict(found)


def _without_key(
    model: type[Model], column: SealedField[Any, Any], among: Collection[UUID] | None = None
) -> Mapping[_Named, int]:
    manager: Any = model._base_manager  # noqa: SLF001
    # A purge ends the key first, and then the rows: those are `overdue_sweep.residue`'s to count.
    columns = {one.attname for one in model._meta.concrete_fields}  # noqa: SLF001
    live = Integration.objects.live().values("id")
    kept = Q(integration_id__in=live) if "integration_id" in columns else Q()
    if among is not None:
        kept &= Q(**{f"{column.holder}__in": list(among)})
    key_id = Func(
        F(column.attname),
        Value(KEY_ID_AT + 1),
        Value(KEY_ID_BYTES),
        function="substring",
        output_field=BinaryField(),
    )
    counted = (
        manager.filter(kept, **{f"{column.name}__isnull": False})
        .annotate(under=key_id)
        .values_list(column.holder, "under")
        .annotate(count=Count("pk"))
        .order_by()
    )
    named = {_Named(holder, bytes(under)): count for holder, under, count in counted}
    here = {
        _Named(held.holder, held.key_id)
        for some in _chunks({one.holder for one in named})
        for held in key_rows.held(some)
    }
    return {one: count for one, count in named.items() if one not in here}


def _ledger_keys() -> set[UUID]:
    """Return whose ledger keys are here though they are destroyed, or were never made."""
    held = naming_rows.holders()
    for some in _chunks(held):
        living = LedgerKey.objects.filter(holder__in=some, destroyed_at=None)
        held -= set(living.values_list("holder", flat=True))
    return held


def _without_owner(found: Iterable[key_rows.Held]) -> dict[UUID, str]:
    # What wraps the ledger's keys is nobody's own, and goes with its epoch.
    lines = {
        one.holder: str(one.line) for one in found if not ledger_key_wrap.is_naming(one.holder)
    }
    for some in _chunks(lines):
        for owner in _owners(some):
            lines.pop(owner, None)
    return lines


def _owners(holders: Collection[UUID]) -> set[UUID]:
    """Return those of `holders` that are something live whose key may be here."""
    stands = Connection.objects.filter(ended_at=None)
    return {
        *Integration.objects.live().filter(id__in=holders).values_list("id", flat=True),
        *Calendar.objects.filter(cache_id__in=holders, integration__status__in=LIVE).values_list(
            "cache_id", flat=True
        ),
        *stands.filter(id__in=holders).values_list("id", flat=True),
        *stands.filter(grant_id__in=holders).values_list("grant_id", flat=True),
    }


def _chunks(holders: Iterable[UUID]) -> Iterator[list[UUID]]:
    every = list(holders)
    for start in range(0, len(every), _MANY):
        yield every[start : start + _MANY]
