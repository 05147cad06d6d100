"""
Every periodic task on one page.

Beat only says *that* something may be due; what is due stands in rows, so that a missed
beat, or two of them at once, changes nothing but the time.
"""

from __future__ import annotations

import os
from typing import Any, Final

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    # Mailboxes that are due: by their interval, or because a worker died with them.
    "sweep-sync": {
        "task": "integrations.sweep_sync",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Watches to be started, renewed or stopped.
    "sweep-watches": {
        "task": "integrations.sweep_watches",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Mail that grew older than its horizon, of mailboxes that cannot sync as well.
    "sweep-horizons": {"task": "integrations.sweep_horizons", "schedule": 3600.0},
    # Copies of calendars that are too old, and calendars that their provider no longer has.
    "sweep-copies": {"task": "integrations.sweep_copies", "schedule": 60.0},
    # Purges that nobody works on, and promises that are late.
    "sweep-purges": {
        "task": "integrations.sweep_purges",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Receipts whose keys' epochs have ended get their second part.
    "write-second-parts": {"task": "integrations.write_second_parts", "schedule": 60.0},
    # Keys of the ledger that their owners did not fetch in time.
    "end-ledger-parts": {"task": "integrations.end_ledger_parts", "schedule": 3600.0},
    # Attempts nobody came back from, what owners are to be told, what has to end.
    "sweep-connections": {
        "task": "integrations.sweep_connections",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Refresh tokens from before they had keys of their own get one.
    "split-grants": {"task": "integrations.split_grants", "schedule": 300.0},
    # Sessions, tokens and counters that are over.
    "forget-expired": {"task": "accounts.forget_expired", "schedule": 600.0},
    # Sealed rows without a key, and keys without an owner: an alarm.
    "search-residue": {"task": "integrations.search_residue", "schedule": 24 * 3600.0},
    # Entries get their place, and the tree is signed and published.
    "sequence-ledger": {"task": "limited_use.sequence_ledger", "schedule": 2.0},
    # What was decided is counted by rule and feature; a burst of refusals is an alarm.
    "count-uses": {"task": "limited_use.count_uses", "schedule": 15.0},
    # Figures for operators.
    "measure": {"task": "integrations.measure", "schedule": 30.0},
    # What reviewers fetch; they may also ask for one now.
    "make-evidence": {"task": "integrations.make_evidence", "schedule": 24 * 3600.0},
    # Asks often, turns daily: a turn that failed is tried again within the promised hour.
    "turn-key-epoch": {"task": "limited_use.turn_key_epoch", "schedule": 300.0},
}
