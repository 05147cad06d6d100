"""
Facts about integrations and connections, by id or owner. SQL, because every page waits for these
queries: each is one index lookup per table.
"""

from .connection_facts import for_connections
from .fact_types import (
    CALENDAR_CONSENT,
    COPY_CONSENTS,
    DRIVE_CONSENT,
    EDITING_CONSENT,
    INBOX_CONSENT,
    LOCAL_CALENDAR_CONSENT,
    SENDING_CONSENT,
    SHARING_CONSENT,
    FactsSnapshot,
    HolderFacts,
    RequiredConsent,
    get_calendar_consent,
)
from .integration_facts import (
    for_integration_and_connection,
    for_integrations,
    for_mailboxes,
    for_required_consents,
)
from .notice_facts import MAILBOX_FEATURE, NoticeChoice, for_notice, is_mailbox_agreed

__all__ = [
    "CALENDAR_CONSENT",
    "COPY_CONSENTS",
    "DRIVE_CONSENT",
    "EDITING_CONSENT",
    "INBOX_CONSENT",
    "LOCAL_CALENDAR_CONSENT",
    "MAILBOX_FEATURE",
    "SENDING_CONSENT",
    "SHARING_CONSENT",
    "FactsSnapshot",
    "HolderFacts",
    "NoticeChoice",
    "RequiredConsent",
    "for_connections",
    "for_integration_and_connection",
    "for_integrations",
    "for_mailboxes",
    "for_notice",
    "for_required_consents",
    "get_calendar_consent",
    "is_mailbox_agreed",
]
