"""
Permits for calendars: a person's own, what is shared with them, and what is written for them.

As `permits`: facts are found here, by ids, and nobody passes one in. A calendar's events hang on
the key of its copy, so that is the holder; in the ledger it is the integration's.
"""

from __future__ import annotations

from .owner import to_export, to_keep, to_write
from .sync import SyncPermits, to_store, to_sync
from .viewer import Wanted, allows, refuse_for_others, to_view, to_view_apart

__all__ = [
    "SyncPermits",
    "Wanted",
    "allows",
    "refuse_for_others",
    "to_export",
    "to_keep",
    "to_store",
    "to_sync",
    "to_view",
    "to_view_apart",
    "to_write",
]
