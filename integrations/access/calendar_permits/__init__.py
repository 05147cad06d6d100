"""
Permits for calendars: the owner's own, shared calendars, and calendar syncs.

As in `permits`, callers pass ids only. The permit names the key of the calendar's cache, its
ledger entry the integration.
"""

from __future__ import annotations

from .client_refusals import (
    refuse_change_by_client,
    refuse_client_for_others,
    refuse_export_by_client,
)
from .owner_permits import to_export, to_write_at_provider, to_write_locally
from .sync_permits import CalendarSyncPermits, to_store, to_sync
from .viewer_permits import (
    CalendarViewRequest,
    allows_all,
    to_view,
    to_view_separately,
)

__all__ = [
    "CalendarSyncPermits",
    "CalendarViewRequest",
    "allows_all",
    "refuse_change_by_client",
    "refuse_client_for_others",
    "refuse_export_by_client",
    "to_export",
    "to_store",
    "to_sync",
    "to_view",
    "to_view_separately",
    "to_write_at_provider",
    "to_write_locally",
]
