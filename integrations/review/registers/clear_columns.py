"""
The register of clear columns: every column that is not sealed, with its reason.

`manage.py clear_columns` writes `clear_columns.txt`; a test compares it with the models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from .clear_column_reasons import LISTED, WHY, ColumnKind

FILE: Final = Path(__file__).with_name("clear_columns.txt")
_INTRODUCTION: Final = """\
Columns in clear
================

Generated from the models; a column that is new fails the build until it is listed with its
reason. `sealed` columns are counted, and hold ciphertext. A purge empties what is a holding.
An inner blind is a hash under the integration's own key and dies with it; an outer blind is
one under the service's directory key, and has to be emptied.
"""


class UnlistedColumns(Exception):
    """Columns that are neither sealed nor listed, with types that may hold provider data."""


@dataclass(frozen=True, slots=True)
class ClearColumn:
    table: str
    name: str
    kind: ColumnKind
    why: str


def list_clear_columns(
    models: list[Any], listed: Mapping[str, tuple[ColumnKind, str]] = LISTED
) -> list[ClearColumn]:
    """:raises UnlistedColumns: naming each column without a reason"""
    columns: list[ClearColumn] = []
    unlisted: list[str] = []
    for model in sorted(models, key=_get_label):
        fields = model._meta.concrete_fields  # noqa: SLF001
        # In a table with sealed columns, a time or number may be the provider's, so each needs a
        # reason.
        is_strict = any(is_sealed_column(field) for field in fields)
        for field in fields:
            if is_sealed_column(field):
                continue
            name = f"{_get_label(model)}.{field.column}"
            kind, why = listed.get(name) or _classify_by_type(field, strict=is_strict)
            if kind is None:
                unlisted.append(name)
            else:
                columns.append(ClearColumn(_get_label(model), field.column, kind, why))
    if unlisted:
        raise UnlistedColumns(", ".join(unlisted))
    return columns


def is_sealed_column(field: Any) -> bool:
    return hasattr(field, "data_class")


def _list_sealed_columns(model: Any) -> list[str]:
    fields = model._meta.concrete_fields  # noqa: SLF001
    return [field.column for field in fields if is_sealed_column(field)]


def _get_label(model: Any) -> str:
    return str(model._meta.label)  # noqa: SLF001


def _classify_by_type(field: Any, *, strict: bool) -> tuple[ColumnKind | None, str]:
    kind = _get_kind(field)
    if kind is None or (strict and kind is not ColumnKind.ID):
        return None, ""
    return kind, WHY[kind]


def _get_kind(field: Any) -> ColumnKind | None:
    type_name = field.get_internal_type()
    kinds = {
        "UUIDField": ColumnKind.ID,
        "DateTimeField": ColumnKind.TIME,
        "BooleanField": ColumnKind.FLAG,
    }
    if field.is_relation or type_name.endswith("AutoField"):
        return ColumnKind.ID
    if field.choices:
        return ColumnKind.STATE
    if type_name.endswith(("IntegerField", "FloatField")):
        return ColumnKind.NUMBER
    return kinds.get(type_name)


def render_register() -> str:
    return "\n".join(_render_lines()) + "\n"


def _render_lines() -> Iterator[str]:
    from django.apps import apps

    models = apps.get_models(include_auto_created=True)
    sealed = {_get_label(model): _list_sealed_columns(model) for model in models}
    columns = list_clear_columns(models)
    yield _INTRODUCTION
    yield f"{len(columns)} columns in clear, {sum(map(len, sealed.values()))} sealed"
    for table, rows in groupby(columns, key=lambda column: column.table):
        yield f"\n{table}\n  purge: {describe_purge(table)}"
        if sealed[table]:
            yield f"  sealed: {', '.join(sealed[table])}"
        yield from (f"  {row.name:<24} {row.kind:<12} {row.why}" for row in rows)


def describe_purge(table: str) -> str:
    """Return a holding, an exception with its reason, or none."""
    from integrations.purge import inventory

    scopes = [
        f"emptied with the {holding.scope.value} ({holding.label})"
        for holding in inventory.HOLDINGS
        if holding.model._meta.label == table  # noqa: SLF001
    ]
    if scopes:
        return "; ".join(scopes)
    if table in inventory.EXCEPTIONS:
        return f"stays: {inventory.EXCEPTIONS[table]}"
    return "not asked: names no connection and no integration"
