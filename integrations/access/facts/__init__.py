"""
What is true of integrations and connections: found by ids or by whose they are, in one query each.

Written in SQL because it stands before the first byte of every page: what it
asks is one index lookup per table.
"""

from .connections import of_connections
from .integrations import (
    of_agreements,
    of_integration_and_connection,
    of_integrations,
    of_mailboxes,
)
from .types import (
    KEPT_BY,
    OF_CALENDAR,
    OF_EDITING,
    OF_INBOX,
    OF_LOCAL_CALENDAR,
    OF_SHARING,
    Agreement,
    Found,
    FoundFor,
    get_calendar_agreement,
)

__all__ = [
    "KEPT_BY",
    "OF_CALENDAR",
    "OF_EDITING",
    "OF_INBOX",
    "OF_LOCAL_CALENDAR",
    "OF_SHARING",
    "Agreement",
    "Found",
    "FoundFor",
    "get_calendar_agreement",
    "of_agreements",
    "of_connections",
    "of_integration_and_connection",
    "of_integrations",
    "of_mailboxes",
]
