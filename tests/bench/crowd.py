"""
Many people like one: every row of theirs that the guard reads, written again under other ids.

An id is made of the copied one and a number, the same in each table, so that what belongs
together does. What must be different is; keys of copies wrap nothing that opens.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import connection, models

from accounts.models import Delegation, Membership, User
from integrations.models import Connection, Integration
from limited_use.models import Consent, DataKey, LedgerKey, WrappedLedgerKey

#: Each table with the condition that finds one person's rows in it.
_ROWS: Final[tuple[tuple[type[models.Model], str], ...]] = (
    (User, "id = %(user)s"),
    (Membership, "user_id = %(user)s"),
    (Delegation, "user_id = %(user)s"),
    (Connection, "user_id = %(user)s"),
    (Integration, "connection_id = ANY(%(connections)s)"),
    (Consent, "owner_id = %(user)s"),
    (LedgerKey, "holder = ANY(%(connections)s)"),
    (WrappedLedgerKey, "holder = ANY(%(connections)s)"),
    (DataKey, "holder = ANY(%(holders)s)"),
)
# What may not stand in two rows, besides ids.
_APART: Final = {
    "platform_id": "platform_id || '-' || n",
    "email": "n || '-' || email",
    "account_blind": "sha256(account_blind || n::text::bytea)",
}
_SHARED: Final = frozenset({"organisation_id"})


def copy_user(user: User, count: int, *, first: int = 1) -> None:
    """
    Write `count` people like `user`, of the same organisation, each with mailboxes and keys.

    :param first: of the numbers that tell them apart
    """
    theirs = list(Connection.objects.filter(user=user).values_list("id", "grant_id"))
    connections = [one for one, _ in theirs]
    integrations = Integration.objects.filter(connection_id__in=connections)
    holders = [one for pair in theirs for one in pair] + list(
        integrations.values_list("id", flat=True)
    )
    values: dict[str, UUID | list[UUID] | int] = {
        "user": user.id, "connections": connections, "holders": holders,
        "first": first, "last": first + count - 1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for model, condition in _ROWS:
            cursor.execute(_build_copy_statement(model, condition), values)


def _build_copy_statement(model: type[models.Model], condition: str) -> str:
    table = model._meta.db_table
    fields = model._meta.concrete_fields
    columns = ", ".join(str(field.column) for field in fields)
    written = ", ".join(_build_copied_column(field, model) for field in fields)
    return (
        f"INSERT INTO {table} ({columns}) SELECT {written} FROM {table},"  # noqa: S608 - our names
        f" generate_series(%(first)s::int, %(last)s::int) AS n WHERE {condition}"
    )


def _build_copied_column(field: models.Field, model: type[models.Model]) -> str:
    column = str(field.column)
    # An address is a person's own, or sealed.
    if column in _APART and (column != "email" or model is User):
        return _APART[column]
    if field.db_type(connection) == "uuid" and column not in _SHARED:
        return f"md5({column}::text || n)::uuid"
    return column
