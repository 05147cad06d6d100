"""
The rows that staff see: messages and events that owners opened to support, and for signing in, the
own row, addresses and second factors.

A table's policy also applies if another policy reads the table, so every row depends on a consent
of its owner. Support lists consents. It sees the item of a consent within
`support_permits.acting_for_item_owner`, which acts for the owner.
"""

from __future__ import annotations

from typing import Final

from accounts.roles import Role
from integrations.access.support_permits import SUPPORT

from .row_owners import OwnedTable, StaffRowAccess

_IS_OPEN: Final = (
    f"feature = '{SUPPORT}' AND item IS NOT NULL AND withdrawn_at IS NULL AND expires_at > now()"
)
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


def build_opened_condition(table: OwnedTable, *, owner_condition: str, is_support: str) -> str:
    """
    Return the SQL condition on rows that staff may see.

    :param owner_condition: the condition for rows of the transaction's person
    :param is_support: the condition that this person is support
    """
    if table.opened is None:
        return "false"
    if table.opened is StaffRowAccess.STAFF:
        return f"{owner_condition} AND {_is_staff(table)}"
    if table.opened is StaffRowAccess.AGREEMENT:
        return f"{_IS_OPEN} AND ({is_support} OR ({owner_condition}))"
    if table.opened is StaffRowAccess.CALENDAR:
        # A web process could write an event under a calendar of somebody else.
        rows = "SELECT e.calendar_id FROM integrations_event e"
        return f"{owner_condition} AND id = ANY (ARRAY({rows}))"
    if table.opened is StaffRowAccess.ITEM:
        agreed_items = f"SELECT k.item FROM limited_use_consent k WHERE {_IS_OPEN}"  # noqa: S608 - our own words
        return f"{owner_condition} AND id = ANY (ARRAY({agreed_items}))"
    column, rows = _BELONGS_TO[table.opened]
    return f"{column} = ANY (ARRAY({rows}))"


def _is_staff(table: OwnedTable) -> str:
    """Return the condition that the row's person is staff. Only staff sign in at that site."""
    if table.column == "id":
        return f"role <> '{Role.MEMBER}'"
    # The policy above hides the rows of members.
    return f"EXISTS (SELECT FROM accounts_user u WHERE u.id = {table.column})"
