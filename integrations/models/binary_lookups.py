"""Lookups of columns that hold bytes."""

from __future__ import annotations

from typing import Any

from django.db.models import BinaryField, Lookup


@BinaryField.register_lookup
class AnyOf(Lookup):
    """
    ``blind__any_of=[…]``: the column is one of these.

    As ``in``, but they travel as one array. With a parameter for each, thousands of them would take
    a tenth of the time of a sync, and each number of them would be a statement of its own.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        # In binary: see `sync.bulk_sql`.
        return f"{column} = ANY(%b)", (*params, self.rhs)
