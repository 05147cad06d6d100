"""Lookups for columns of bytes."""

from __future__ import annotations

from typing import Any

from django.db.models import BinaryField, Lookup


@BinaryField.register_lookup
class AnyOf(Lookup):
    """
    ``blind__any_of=[…]``: the column equals one of these values.

    Like ``in``, but the values are one array parameter. One parameter per value would take a
    tenth of a sync's time for thousands of values, and each number of values would be a separate
    statement.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        # A binary parameter; see `sync.bulk_sql`.
        return f"{column} = ANY(%b)", (*params, self.rhs)
