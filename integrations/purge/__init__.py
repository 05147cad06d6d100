"""
The purge: everything that an integration brought in goes, and a receipt says so.

`open_job` is the fence, inside the disconnect's transaction. `run` is what a task, the
`purge` command and the sweeper call. `inventory` says where something is kept.
"""

from .engine import run
from .jobs import AlreadyDisconnected, open_job
from .key_destruction_receipt import due as second_parts_due
from .key_destruction_receipt import issue as issue_second_part
from .key_destruction_receipt import of as second_part_of
from .key_destruction_receipt import own_epoch_ends
from .ledger_key_release import begin as begin_ledger_keys
from .ledger_key_release import sweep as sweep_ledger_parts
from .overdue_sweep import due, due_beside, overdue, residue

__all__ = [
    "AlreadyDisconnected",
    "begin_ledger_keys",
    "due",
    "due_beside",
    "issue_second_part",
    "open_job",
    "overdue",
    "own_epoch_ends",
    "residue",
    "run",
    "second_part_of",
    "second_parts_due",
    "sweep_ledger_parts",
]
