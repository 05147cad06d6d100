"""
The purge: delete everything that an integration stored, and sign a receipt.

`open_purge_job` is the fence, inside the disconnect's transaction. Tasks, the `purge` command and
the sweeper call `run_purge`.
"""

from .key_destruction_receipt import (
    get_key_destruction_receipt,
    get_local_key_epoch_end,
    issue_key_destruction_receipt,
    list_due_key_destruction_receipts,
)
from .ledger_key_release import create_missing_ledger_keys, sweep_ledger_keys
from .overdue_sweep import (
    count_purge_residue,
    get_key_epoch_limit,
    list_due_jobs,
    list_due_sibling_jobs,
    list_late_promises,
)
from .purge_engine import run_purge
from .purge_jobs import AlreadyDisconnected, open_purge_job

__all__ = [
    "AlreadyDisconnected",
    "count_purge_residue",
    "create_missing_ledger_keys",
    "get_key_destruction_receipt",
    "get_key_epoch_limit",
    "get_local_key_epoch_end",
    "issue_key_destruction_receipt",
    "list_due_jobs",
    "list_due_key_destruction_receipts",
    "list_due_sibling_jobs",
    "list_late_promises",
    "open_purge_job",
    "run_purge",
    "sweep_ledger_keys",
]
