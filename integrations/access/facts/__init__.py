"""
Facts about integrations and connections, by id or owner. SQL, because every page waits for these
queries: each is one index lookup per table.
"""

from .connections import for_connections
from .integrations import (
    for_integration_and_connection,
    for_integrations,
    for_mailboxes,
    for_required_consents,
)
from .types import (
    CALENDAR_CONSENT,
    COPY_CONSENTS,
    EDITING_CONSENT,
    INBOX_CONSENT,
    LOCAL_CALENDAR_CONSENT,
    SHARING_CONSENT,
    FactsSnapshot,
    HolderFacts,
    RequiredConsent,
    get_calendar_consent,
)

__all__ = [
    "CALENDAR_CONSENT",
    "COPY_CONSENTS",
    "EDITING_CONSENT",
    "INBOX_CONSENT",
    "LOCAL_CALENDAR_CONSENT",
    "SHARING_CONSENT",
    "FactsSnapshot",
    "HolderFacts",
    "RequiredConsent",
    "for_connections",
    "for_integration_and_connection",
    "for_integrations",
    "for_mailboxes",
    "for_required_consents",
    "get_calendar_consent",
]
