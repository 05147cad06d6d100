"""
The purposes for which each task and command may use provider data.

No request token limits tasks. The egress tripwire lets a task reach a provider only for a listed
purpose; a test fails for an unlisted task or command. This module imports no task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from limited_use.policy.vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """
    A task or a command.

    :param purposes: those that it may request from the guard; empty if it holds no provider data
    """

    description: str
    purposes: frozenset[Purpose] = field(default_factory=frozenset)


_SYNC = frozenset({Purpose.CONNECTION_MAINTAIN, Purpose.SYNC_STORE})
_MAINTAIN = frozenset({Purpose.CONNECTION_MAINTAIN})
_END = frozenset({Purpose.CONNECTION_END})
_REKEY = frozenset({Purpose.VAULT_REKEY})

TASKS: Final[Mapping[str, EntryPoint]] = {
    "integrations.sync_mail": EntryPoint("fetches mail, and seals it", _SYNC),
    "integrations.sweep_sync": EntryPoint("queues ids of due work"),
    "integrations.keep_watch": EntryPoint("opens and renews push registrations", _MAINTAIN),
    "integrations.sweep_watches": EntryPoint("queues ids of watches that are due"),
    "integrations.keep_horizon": EntryPoint("deletes mail older than the horizon; opens nothing"),
    "integrations.sweep_copies": EntryPoint("removes expired calendar copies; opens nothing"),
    "integrations.sweep_horizons": EntryPoint("queues ids of mailboxes with older mail"),
    "integrations.refresh_grant": EntryPoint("refreshes for a page that may not", _MAINTAIN),
    "integrations.forget_connection": EntryPoint("tells the provider that a grant ends", _END),
    "integrations.split_grants": EntryPoint("seals tokens again, each under its key", _REKEY),
    "integrations.purge_integration": EntryPoint("removes data, and revokes the grant", _END),
    "integrations.sweep_purges": EntryPoint("queues ids, and sounds alarms"),
    "integrations.sweep_connections": EntryPoint("clocks, notices in our words; revokes", _END),
    "integrations.write_second_parts": EntryPoint("writes receipts: ids, counts and proofs"),
    "integrations.end_ledger_parts": EntryPoint("destroys and makes keys of names in the ledger"),
    "integrations.search_residue": EntryPoint("counts rows, sealed bytes and keys; opens none"),
    "integrations.make_evidence": EntryPoint("counts, registers, hashes and words of ours"),
    "integrations.measure": EntryPoint("counts rows and ages"),
    "accounts.forget_expired": EntryPoint("deletes sessions, tokens and counts that are over"),
    "accounts.mail_sign_in_link": EntryPoint("mails a link to a person's sign-in address"),
    "accounts.mail_reset_link": EntryPoint("mails a link to set a new password to a person"),
    "limited_use.count_uses": EntryPoint("counts decisions by rule"),
    "limited_use.sequence_ledger": EntryPoint("orders and signs pseudonymous entries"),
    "limited_use.turn_key_epoch": EntryPoint("wraps keys anew; opens nothing"),
}

COMMANDS: Final[Mapping[str, EntryPoint]] = {
    "alarms": EntryPoint("lists and settles alarms: kinds, counts and ids"),
    "apply_tombstones": EntryPoint("destroys restored keys; opens nothing"),
    "clear_columns": EntryPoint("reads the models, and no row"),
    "clients": EntryPoint("keys and purposes of platform features as callers"),
    "evidence": EntryPoint("counts, registers, hashes and words of ours"),
    "export_ledger": EntryPoint("pseudonymous entries as they are"),
    "init_keyring": EntryPoint("makes keys"),
    "load_test_results": EntryPoint("copies a file of test results; reads no row"),
    "overdue_purges": EntryPoint("ids and promises"),
    "people": EntryPoint("accounts of the platform's people; what they shared ends with them"),
    "prove_consistency": EntryPoint("hashes of the ledger"),
    "publish_checkpoint": EntryPoint("hashes of the ledger"),
    "purge": EntryPoint("removes data, and revokes the grant", _END),
    "reconcile": EntryPoint("compares ids with the provider's, and mends", _SYNC),
    "rotate_signing_key": EntryPoint("makes keys"),
    "seed_demo": EntryPoint("people and features of the demo; refuses in production"),
    "sequence_ledger": EntryPoint("orders and signs pseudonymous entries"),
    "turn_key_epoch": EntryPoint("wraps keys anew; opens nothing"),
    "verify_ledger": EntryPoint("recomputes the ledger"),
}
