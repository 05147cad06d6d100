"""
The purge: everything that an integration brought in goes, and a receipt says so.

`open_job` is the fence, inside the disconnect's transaction. `run` is what a task, the
`purge` command and the sweeper call. `inventory` says where something is kept.
"""

from .engine import run_purge
from .jobs import AlreadyDisconnected, open_job
from .key_destruction_receipt import get_key_destruction_receipt as second_part_of
from .key_destruction_receipt import get_local_key_epoch_end
from .key_destruction_receipt import issue_key_destruction_receipt as issue_second_part
from .key_destruction_receipt import list_due_key_destruction_receipts as second_parts_due
from .ledger_key_release import create_missing_ledger_keys as begin_ledger_keys
from .ledger_key_release import sweep_ledger_keys as sweep_ledger_parts
from .overdue_sweep import count_residue, list_due_jobs, list_due_sibling_jobs, list_late_promises

__all__ = [
    "AlreadyDisconnected",
    "begin_ledger_keys",
    "count_residue",
    "get_local_key_epoch_end",
    "issue_second_part",
    "list_due_jobs",
    "list_due_sibling_jobs",
    "list_late_promises",
    "open_job",
    "run_purge",
    "second_part_of",
    "second_parts_due",
    "sweep_ledger_parts",
]
