"""
All periodic tasks.

Beat only triggers; rows tell the due work. A missed or doubled beat changes only the time.
"""

from __future__ import annotations

import os
from typing import Any, Final

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    # Mailboxes that are due, by interval or after a worker died.
    "sweep-sync": {
        "task": "integrations.sweep_sync",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Messages that are due, also after a worker died.
    "sweep-outbox": {
        "task": "integrations.sweep_outbox",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Sent messages and settled notices after thirty days, old delivery reports, counts that no
    # bound needs, and expired proposals.
    "clear-outbox": {"task": "integrations.clear_outbox", "schedule": 600.0},
    # Files for a Drive that a worker reads or checks, also after a worker died.
    "sweep-drive": {
        "task": "integrations.sweep_drive",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Abandoned uploads, old entries, and expired folder choices.
    "clear-drive": {"task": "integrations.clear_drive", "schedule": 600.0},
    # Watches to start, renew or stop.
    "sweep-watches": {
        "task": "integrations.sweep_watches",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Mail older than its horizon, also of mailboxes that cannot sync.
    "sweep-horizons": {"task": "integrations.sweep_horizons", "schedule": 3600.0},
    # Outdated calendar caches, and calendars that their provider no longer has.
    "sweep-copies": {"task": "integrations.sweep_copies", "schedule": 60.0},
    # Files that were not sent in time.
    "sweep-uploads": {"task": "integrations.sweep_uploads", "schedule": 600.0},
    # Purges without a worker, and late promises.
    "sweep-purges": {
        "task": "integrations.sweep_purges",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Second parts of receipts, after the epochs of their keys ended.
    "write-second-parts": {"task": "integrations.write_second_parts", "schedule": 60.0},
    # Ledger keys that their owners did not fetch in time.
    "end-ledger-parts": {"task": "integrations.end_ledger_parts", "schedule": 3600.0},
    # Abandoned connects, due notices, automatic disconnects.
    "sweep-connections": {
        "task": "integrations.sweep_connections",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Bulk revocations without a worker, and expired proposals.
    "sweep-bulk-revocations": {
        "task": "integrations.sweep_bulk_revocations",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Changes of service clients without a worker, and expired ones.
    "settle-client-changes": {
        "task": "integrations.settle_client_changes",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Notices without a worker, and those of ninety days.
    "sweep-notices": {"task": "integrations.sweep_notices", "schedule": 60.0},
    # Support acts and look-up notices without a worker.
    "sweep-support": {
        "task": "integrations.sweep_support",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    "sweep-support-maintenance": {
        "task": "integrations.sweep_support_maintenance",
        "schedule": float(os.environ.get("SWEEP_SECONDS") or 30),
    },
    # Rows of support after ninety days, and codes after thirty.
    "clear-support": {"task": "integrations.clear_support", "schedule": 3600.0},
    # Questions of support without a notice, or not answered in time.
    "sweep-questions": {"task": "integrations.sweep_questions", "schedule": 60.0},
    # Give old refresh tokens their own key.
    "split-grants": {"task": "integrations.split_grants", "schedule": 300.0},
    # Removals that features have not acknowledged in time, and those of ninety days.
    "sweep-removals": {"task": "integrations.sweep_removals", "schedule": 60.0},
    # Expired sessions, tokens and counters.
    "forget-expired": {"task": "accounts.forget_expired", "schedule": 600.0},
    # How many requests each service client usually makes in an hour.
    "compute-usual-volumes": {"task": "accounts.compute_usual_volumes", "schedule": 3600.0},
    # Alarm for sealed rows without a key, and keys without an owner.
    "search-residue": {"task": "integrations.search_residue", "schedule": 24 * 3600.0},
    # Sequence entries; sign and publish the tree.
    "sequence-ledger": {"task": "limited_use.sequence_ledger", "schedule": 2.0},
    # Count decisions by rule and feature; alarm on bursts of refusals.
    "count-uses": {"task": "limited_use.count_uses", "schedule": 15.0},
    # Metrics for operators.
    "measure": {"task": "integrations.measure", "schedule": 30.0},
    # The evidence bundle for reviewers, who may also request one.
    "make-evidence": {"task": "integrations.make_evidence", "schedule": 24 * 3600.0},
    # Checks often, turns daily: a failed turn is retried within the promised hour.
    "turn-key-epoch": {"task": "limited_use.turn_key_epoch", "schedule": 300.0},
}
