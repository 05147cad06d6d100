"""
Permits for calendars: a person's own, what is shared with them, and what is written for them.

As `permits`: facts are found here, by ids, and nobody passes one in. A calendar's events hang on
the key of its copy, so that is the holder; in the ledger it is the integration's.
"""

from __future__ import annotations

from .owner import to_export, to_write_at_provider, to_write_locally
from .sync import CalendarSyncPermits, to_store, to_sync
from .viewer import (
    CalendarViewRequest,
    allows_all,
    refuse_client_for_others,
    to_view,
    to_view_separately,
)

__all__ = [
    "CalendarSyncPermits",
    "CalendarViewRequest",
    "allows_all",
    "refuse_client_for_others",
    "to_export",
    "to_store",
    "to_sync",
    "to_view",
    "to_view_separately",
    "to_write_at_provider",
    "to_write_locally",
]
