"""
The rows that staff see: messages and events that owners opened to support, states of people whom an
agent found, and for signing in, the own row, addresses and second factors.

A table's policy also applies if another policy reads the table, so every row depends on a consent
of its owner. Support lists consents. It sees the item of a consent within
`support_permits.acting_for_item_owner`, which acts for the owner.
"""

from __future__ import annotations

from typing import Final

from accounts.roles import Role
from integrations.access.support_permits import SUPPORT

from .row_owners import OwnedTable, RowOwnerColumns, StaffRowAccess

_IS_OPEN: Final = (
    f"feature = '{SUPPORT}' AND item IS NOT NULL AND withdrawn_at IS NULL AND expires_at > now()"
)
#: Functions that return what a support agent found (``integrations/migrations/sql``). Policies that
#: read each other's tables for it would have no end.
_FOUND: Final = {
    RowOwnerColumns.OWNER: "found_people",
    RowOwnerColumns.PERSON: "found_people",
    RowOwnerColumns.CONNECTION: "found_connections",
    RowOwnerColumns.INTEGRATION: "found_integrations",
}
#: By kind: the column that refers to another table, and its visible rows.
_BELONGS_TO: Final = {
    StaffRowAccess.PART: ("message_id", "SELECT m.id FROM integrations_message m"),
    StaffRowAccess.INTEGRATION: (
        "id",
        (
            "SELECT m.integration_id FROM integrations_message m"
            " UNION ALL SELECT k.integration_id FROM integrations_calendar k"
        ),
    ),
    StaffRowAccess.CONNECTION: ("id", "SELECT i.connection_id FROM integrations_integration i"),
    StaffRowAccess.LEDGER_KEY: ("holder", "SELECT c.id FROM integrations_connection c"),
}


def build_opened_condition(
    table: OwnedTable, *, owner_condition: str, is_support: str, person: str
) -> str:
    """
    Return the SQL condition on rows that staff may see.

    :param owner_condition: the condition for rows of the transaction's person
    :param is_support: the condition that this person is support
    :param person: this person's id
    """
    match table.opened:
        case None:
            condition = "false"
        case StaffRowAccess.LOOKUP:
            condition = f"agent_id = {person} AND {is_support}"
        case StaffRowAccess.ORDER:
            found = build_found_condition(table)
            # Orders in bulk name people whom nobody found.
            own = f"agent_id = {person} AND lookup_id IS NOT NULL"
            condition = f"{is_support} AND ({own} OR {found})"
        case StaffRowAccess.STAFF:
            condition = f"{owner_condition} AND {_is_staff(table)}"
        case StaffRowAccess.AGREEMENT:
            condition = f"{_IS_OPEN} AND ({is_support} OR ({owner_condition}))"
        case StaffRowAccess.CALENDAR:
            # A web process could write an event under a calendar of somebody else.
            rows = "SELECT e.calendar_id FROM integrations_event e"
            condition = f"{owner_condition} AND id = ANY (ARRAY({rows}))"
        case StaffRowAccess.ITEM:
            agreed_items = f"SELECT k.item FROM limited_use_consent k WHERE {_IS_OPEN}"  # noqa: S608 - our own words
            condition = f"{owner_condition} AND id = ANY (ARRAY({agreed_items}))"
        case part:
            column, rows = _BELONGS_TO[part]
            condition = f"{column} = ANY (ARRAY({rows}))"
    return condition


def build_found_condition(table: OwnedTable) -> str:
    """Return the SQL condition on rows of people whom the agent of the transaction found."""
    return f"{table.column} = ANY (ARRAY(SELECT public.{_FOUND[table.by]}()))"


def _is_staff(table: OwnedTable) -> str:
    """Return the condition that the row's person is staff. Only staff sign in at that site."""
    if table.column == "id":
        return f"role <> '{Role.MEMBER}'"
    # The policy above hides the rows of members.
    return f"EXISTS (SELECT FROM accounts_user u WHERE u.id = {table.column})"
