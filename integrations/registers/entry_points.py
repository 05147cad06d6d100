"""
What each task and each command may do with provider data: its purposes, or none.

What runs without a request has nobody to answer to but this list; a test finds a task or
a command that does not stand here, and one that stands here and does more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from limited_use.vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One way in.

    :param purposes: for which it may ask the guard; none: it holds no provider data
    """

    why: str
    purposes: frozenset[Purpose] = field(default_factory=frozenset)


_SYNC = frozenset({Purpose.CONNECTION_MAINTAIN, Purpose.SYNC_STORE})
_MAINTAIN = frozenset({Purpose.CONNECTION_MAINTAIN})
_END = frozenset({Purpose.CONNECTION_END})
_ANEW = frozenset({Purpose.VAULT_REKEY})

TASKS: Final[Mapping[str, Entry]] = {
    "integrations.sync_mail": Entry("brings mail in, and seals it", _SYNC),
    "integrations.sweep_sync": Entry("queues ids of what is due"),
    "integrations.keep_watch": Entry("asks the own provider to tell of news", _MAINTAIN),
    "integrations.sweep_watches": Entry("queues ids of watches that are due"),
    "integrations.keep_horizon": Entry("deletes what grew older than the horizon; opens nothing"),
    "integrations.sweep_copies": Entry("ends calendars' copies that are too old; opens nothing"),
    "integrations.sweep_horizons": Entry("queues ids of mailboxes with older mail"),
    "integrations.refresh_grant": Entry("refreshes for a page that may not", _MAINTAIN),
    "integrations.forget_connection": Entry("tells the provider that a grant ends", _END),
    "integrations.split_grants": Entry("seals tokens again, each under its key", _ANEW),
    "integrations.purge_integration": Entry("removes, and tells the provider", _END),
    "integrations.sweep_purges": Entry("queues ids, and sounds alarms"),
    "integrations.sweep_connections": Entry("clocks, notices in our words; revokes", _END),
    "integrations.write_second_parts": Entry("writes receipts: ids, counts and proofs"),
    "integrations.end_ledger_parts": Entry("destroys and makes keys of names in the ledger"),
    "integrations.search_residue": Entry("counts rows, sealed bytes and keys; opens none"),
    "integrations.make_evidence": Entry("counts, registers, hashes and words of ours"),
    "integrations.measure": Entry("counts rows and ages"),
    "accounts.forget_expired": Entry("deletes sessions, tokens and counts that are over"),
    "limited_use.count_uses": Entry("counts decisions by rule"),
    "limited_use.sequence_ledger": Entry("orders and signs pseudonymous entries"),
    "limited_use.turn_key_epoch": Entry("wraps keys anew; opens nothing"),
}

COMMANDS: Final[Mapping[str, Entry]] = {
    "apply_tombstones": Entry("destroys restored keys; opens nothing"),
    "bound_tests": Entry("reads the tests, and no row"),
    "clear_columns": Entry("reads the models, and no row"),
    "clients": Entry("keys and purposes of platform features as callers"),
    "evidence": Entry("counts, registers, hashes and words of ours"),
    "export_ledger": Entry("pseudonymous entries as they are"),
    "init_keyring": Entry("makes keys"),
    "overdue_purges": Entry("ids and promises"),
    "people": Entry("accounts of the platform's people; what they shared ends with them"),
    "plaintext_register": Entry("reads the code, and no row"),
    "prove_consistency": Entry("hashes of the ledger"),
    "publish_checkpoint": Entry("hashes of the ledger"),
    "purge": Entry("removes, and tells the provider", _END),
    "reconcile": Entry("compares ids with the provider's, and mends", _SYNC),
    "rotate_signing_key": Entry("makes keys"),
    "seed_demo": Entry("people and features of the demo; refuses in production"),
    "sequence_ledger": Entry("orders and signs pseudonymous entries"),
    "turn_key_epoch": Entry("wraps keys anew; opens nothing"),
    "verify_ledger": Entry("recomputes the ledger"),
}
