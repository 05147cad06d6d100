"""
The purposes for which each task and command may use provider data.

No request token limits tasks. The egress tripwire lets a task reach a provider only for a listed
purpose; a test fails for an unlisted task or command. This module imports no task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from limited_use.policy.policy_vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class TaskEntryPoint:
    """
    A task or a command.

    :param purposes: those that it may request from the guard; empty if it holds no provider data
    """

    description: str
    purposes: frozenset[Purpose] = field(default_factory=frozenset)


_SYNC = frozenset({Purpose.CONNECTION_MAINTAIN, Purpose.SYNC_STORE})
_MAINTAIN = frozenset({Purpose.CONNECTION_MAINTAIN})
_SEND = frozenset({Purpose.CONNECTION_MAINTAIN, Purpose.MAIL_SEND, Purpose.NOTIFY_OWNER})
_UPLOAD = frozenset({Purpose.CONNECTION_MAINTAIN, Purpose.DRIVE_UPLOAD})
_END = frozenset({Purpose.CONNECTION_END})
_REKEY = frozenset({Purpose.VAULT_REKEY})

TASKS: Final[Mapping[str, TaskEntryPoint]] = {
    "integrations.sync_mail": TaskEntryPoint("fetches mail, and seals it", _SYNC),
    "integrations.sweep_sync": TaskEntryPoint("queues ids of due work"),
    "integrations.dispatch_outbox": TaskEntryPoint("sends what owners ordered", _SEND),
    "integrations.sweep_outbox": TaskEntryPoint("queues ids of due messages"),
    "integrations.clear_outbox": TaskEntryPoint("deletes old rows of the outbox; opens nothing"),
    "integrations.upload_file": TaskEntryPoint("passes on files that owners chose", _UPLOAD),
    "integrations.sweep_drive": TaskEntryPoint("queues ids of due files"),
    "integrations.clear_drive": TaskEntryPoint("settles abandoned uploads; opens nothing"),
    "integrations.keep_watch": TaskEntryPoint("opens and renews push registrations", _MAINTAIN),
    "integrations.sweep_watches": TaskEntryPoint("queues ids of watches that are due"),
    "integrations.keep_horizon": TaskEntryPoint(
        "deletes mail older than the horizon; opens nothing"
    ),
    "integrations.sweep_copies": TaskEntryPoint("removes expired calendar copies; opens nothing"),
    "integrations.sweep_uploads": TaskEntryPoint("deletes expired files; opens none"),
    "integrations.sweep_horizons": TaskEntryPoint("queues ids of mailboxes with older mail"),
    "integrations.refresh_grant": TaskEntryPoint("refreshes for a page that may not", _MAINTAIN),
    "integrations.forget_connection": TaskEntryPoint("tells the provider that a grant ends", _END),
    "integrations.split_grants": TaskEntryPoint("seals tokens again, each under its key", _REKEY),
    "integrations.purge_integration": TaskEntryPoint("removes data, and revokes the grant", _END),
    "integrations.sweep_purges": TaskEntryPoint("queues ids, and sounds alarms"),
    "integrations.sweep_connections": TaskEntryPoint("clocks, notices in our words; revokes", _END),
    "integrations.settle_client_changes": TaskEntryPoint(
        "checks and applies what operators ordered about clients of features"
    ),
    "integrations.run_bulk_revocation": TaskEntryPoint(
        "counts rows, and fences integrations; their purges follow"
    ),
    "integrations.sweep_bulk_revocations": TaskEntryPoint("queues ids of due bulk revocations"),
    "integrations.deliver_notice": TaskEntryPoint("mails a notice in words of ours"),
    "integrations.mail_notice_to_mailbox": TaskEntryPoint("stores an order to send a notice"),
    "integrations.notify_of_share": TaskEntryPoint("notes that a share began or ended"),
    "integrations.notify_of_question": TaskEntryPoint("notes that support asked for an item"),
    "integrations.sweep_questions": TaskEntryPoint(
        "notes late questions, and ends unanswered ones"
    ),
    "integrations.sweep_notices": TaskEntryPoint("mails late notices, and deletes old ones"),
    "integrations.run_support_revocation": TaskEntryPoint(
        "disconnects what support ordered, or mails a link to a receipt; opens nothing"
    ),
    "integrations.run_support_maintenance": TaskEntryPoint(
        "makes syncs and push registrations due that support ordered; opens nothing"
    ),
    "integrations.notify_of_lookup": TaskEntryPoint("notes that support looked a person up"),
    "integrations.sweep_support": TaskEntryPoint("queues ids of acts, and notes look-ups"),
    "integrations.sweep_support_maintenance": TaskEntryPoint("queues ids of acts of support"),
    "integrations.clear_support": TaskEntryPoint("deletes old rows of support; opens nothing"),
    "integrations.write_second_parts": TaskEntryPoint("writes receipts: ids, counts and proofs"),
    "integrations.end_ledger_parts": TaskEntryPoint(
        "destroys and makes keys of names in the ledger"
    ),
    "integrations.sweep_removals": TaskEntryPoint(
        "issues removals, and compares when features acknowledged them: ids and times"
    ),
    "integrations.search_residue": TaskEntryPoint("counts rows, sealed bytes and keys; opens none"),
    "integrations.make_evidence": TaskEntryPoint("counts, registers, hashes and words of ours"),
    "integrations.run_forbidden_uses": TaskEntryPoint(
        "asks the guard for every forbidden use of canary data; opens the canaries alone", _REKEY
    ),
    "integrations.measure": TaskEntryPoint("counts rows and ages"),
    "accounts.forget_expired": TaskEntryPoint("deletes sessions, tokens and counts that are over"),
    "accounts.compute_usual_volumes": TaskEntryPoint("counts requests of clients by hour"),
    "accounts.mail_sign_in_link": TaskEntryPoint("mails a link to a person's sign-in address"),
    "accounts.mail_reset_link": TaskEntryPoint("mails a link to set a new password to a person"),
    "limited_use.count_uses": TaskEntryPoint("counts decisions by rule"),
    "limited_use.sequence_ledger": TaskEntryPoint("orders and signs pseudonymous entries"),
    "limited_use.turn_key_epoch": TaskEntryPoint("wraps keys anew; opens nothing"),
}

COMMANDS: Final[Mapping[str, TaskEntryPoint]] = {
    "alarms": TaskEntryPoint("lists and settles alarms: kinds, counts and ids"),
    "apply_tombstones": TaskEntryPoint("destroys restored keys; opens nothing"),
    "clear_columns": TaskEntryPoint("reads the models, and no row"),
    "clients": TaskEntryPoint("keys and purposes of platform features as callers"),
    "evidence": TaskEntryPoint("counts, registers, hashes and words of ours"),
    "export_ledger": TaskEntryPoint("pseudonymous entries as they are"),
    "init_keyring": TaskEntryPoint("makes keys"),
    "load_test_results": TaskEntryPoint("copies a file of test results; reads no row"),
    "overdue_purges": TaskEntryPoint("ids and promises"),
    "people": TaskEntryPoint("accounts of the platform's people; what they shared ends with them"),
    "prove_consistency": TaskEntryPoint("hashes of the ledger"),
    "publish_checkpoint": TaskEntryPoint("hashes of the ledger"),
    "purge": TaskEntryPoint("removes data, and revokes the grant", _END),
    "reconcile": TaskEntryPoint("compares ids with the provider's, and mends", _SYNC),
    "rotate_signing_key": TaskEntryPoint("makes keys"),
    "seed_demo": TaskEntryPoint("people and features of the demo; refuses in production"),
    "sequence_ledger": TaskEntryPoint("orders and signs pseudonymous entries"),
    "turn_key_epoch": TaskEntryPoint("wraps keys anew; opens nothing"),
    "verify_ledger": TaskEntryPoint("recomputes the ledger"),
}
