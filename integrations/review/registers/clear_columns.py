"""
The register of columns in clear: every column of every table that is not sealed, and why.

`manage.py clear_columns` writes it to `clear_columns.txt` beside this module, which a test
compares with the models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from .clear_column_reasons import LISTED, WHY, Kind

FILE: Final = Path(__file__).with_name("clear_columns.txt")
_INTRODUCTION: Final = """\
Columns in clear
================

Generated from the models; a column that is new fails the build until it is listed with its
reason. `sealed` columns are counted, and hold ciphertext. A purge empties what is a holding.
An inner blind is a hash under the integration's own key and dies with it; an outer blind is
one under the service's directory key, and has to be emptied.
"""


class Unlisted(Exception):
    """A column is neither sealed nor listed, and its type does not say that it holds nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column in clear."""

    table: str
    name: str
    kind: Kind
    why: str


def columns(models: list[Any], listed: Mapping[str, tuple[Kind, str]] = LISTED) -> list[Column]:
    """
    Return every column of `models` that is in clear.

    :raises Unlisted: naming every one that nobody gave a reason for
    """
    found: list[Column] = []
    unlisted: list[str] = []
    for model in sorted(models, key=_label):
        fields = model._meta.concrete_fields  # noqa: SLF001
        # Beside sealed data a time or a number may be a provider's: each is asked for its reason.
        is_strict = any(is_sealed(field) for field in fields)
        for field in fields:
            if is_sealed(field):
                continue
            name = f"{_label(model)}.{field.column}"
            kind, why = listed.get(name) or _by_type(field, strict=is_strict)
            if kind is None:
                unlisted.append(name)
            else:
                found.append(Column(_label(model), field.column, kind, why))
    if unlisted:
        raise Unlisted(", ".join(unlisted))
    return found


def is_sealed(field: Any) -> bool:
    return hasattr(field, "data_class")


def _sealed_of(model: Any) -> list[str]:
    fields = model._meta.concrete_fields  # noqa: SLF001
    return [field.column for field in fields if is_sealed(field)]


def _label(model: Any) -> str:
    return str(model._meta.label)  # noqa: SLF001


def _by_type(field: Any, *, strict: bool) -> tuple[Kind | None, str]:
    kind = _kind_of(field)
    if kind is None or (strict and kind is not Kind.ID):
        return None, ""
    return kind, WHY[kind]


def _kind_of(field: Any) -> Kind | None:
    named = field.get_internal_type()
    kinds = {"UUIDField": Kind.ID, "DateTimeField": Kind.TIME, "BooleanField": Kind.FLAG}
    if field.is_relation or named.endswith("AutoField"):
        return Kind.ID
    if field.choices:
        return Kind.STATE
    if named.endswith(("IntegerField", "FloatField")):
        return Kind.NUMBER
    return kinds.get(named)


def text() -> str:
    """Return the register as it is committed, with each table's place in the purge."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    from django.apps import apps

    models = apps.get_models(include_auto_created=True)
    sealed = {_label(model): _sealed_of(model) for model in models}
    found = columns(models)
    yield _INTRODUCTION
    yield f"{len(found)} columns in clear, {sum(map(len, sealed.values()))} sealed"
    for table, rows in groupby(found, key=lambda column: column.table):
        yield f"\n{table}\n  purge: {place_of(table)}"
        if sealed[table]:
            yield f"  sealed: {', '.join(sealed[table])}"
        yield from (f"  {row.name:<24} {row.kind:<12} {row.why}" for row in rows)


def place_of(table: str) -> str:
    """Return what a purge does to `table`: a holding, an exception with its reason, or nothing."""
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
