"""
Process classes, and the class that runs each task.

Each class has its own database role (`config.database`), its own queue, and only the rights that
its work needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from config.environment import Environment


class ProcessClass(StrEnum):
    # Pages and API: shows people their own data.
    WEB = "web"
    # Pages of support, reviewers and operators: no mailbox or calendar, only messages and events
    # opened to support.
    STAFF = "staff"
    # Fetches provider data and refreshes grants: one person's rows at a time.
    SYNC = "sync"
    # Removes data, meets deadlines, turns keys, sequences the ledger: everybody's rows.
    PURGE = "purge"
    # Operator commands: read-only, nothing sealed.
    CONSOLE = "console"


#: `PROCESS_CLASS` of commands that run as the tables' owner, such as `migrate`.
OWNER: Final = "owner"

#: Classes that answer requests, each at its own address (`config.sites`).
SITES: Final = (ProcessClass.WEB, ProcessClass.STAFF)

#: Classes that run tasks; each is also the name of its queue.
WORKERS: Final = (ProcessClass.SYNC, ProcessClass.PURGE)

_SYNC, _PURGE = ProcessClass.SYNC, ProcessClass.PURGE

#: Prefix of the database's login roles.
DEFAULT_PREFIX: Final = "antares"
_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")

#: Every task and its queue. A test fails for a missing task.
TASKS: Final[Mapping[str, ProcessClass]] = {
    "integrations.sync_mail": _SYNC,
    "integrations.sweep_sync": _SYNC,
    "integrations.dispatch_outbox": _SYNC,
    "integrations.sweep_outbox": _SYNC,
    "integrations.upload_file": _SYNC,
    "integrations.sweep_drive": _SYNC,
    "integrations.refresh_grant": _SYNC,
    "integrations.keep_watch": _SYNC,
    "integrations.sweep_watches": _SYNC,
    "integrations.run_support_maintenance": _SYNC,
    "integrations.sweep_support_maintenance": _SYNC,
    # Deletes by age in all mailboxes, and calls no provider.
    "integrations.keep_horizon": _PURGE,
    "integrations.sweep_horizons": _PURGE,
    "integrations.sweep_copies": _PURGE,
    "integrations.sweep_uploads": _PURGE,
    "integrations.clear_outbox": _PURGE,
    "integrations.clear_drive": _PURGE,
    "integrations.forget_connection": _PURGE,
    # Makes keys, like the tasks that turn them.
    "integrations.split_grants": _PURGE,
    "integrations.purge_integration": _PURGE,
    "integrations.sweep_purges": _PURGE,
    "integrations.sweep_connections": _PURGE,
    "integrations.deliver_notice": _PURGE,
    "integrations.mail_notice_to_mailbox": _PURGE,
    "integrations.notify_of_share": _PURGE,
    "integrations.notify_of_question": _PURGE,
    "integrations.sweep_questions": _PURGE,
    "integrations.sweep_notices": _PURGE,
    "integrations.run_support_revocation": _PURGE,
    "integrations.notify_of_lookup": _PURGE,
    "integrations.sweep_support": _PURGE,
    "integrations.clear_support": _PURGE,
    "integrations.write_second_parts": _PURGE,
    "integrations.end_ledger_parts": _PURGE,
    "integrations.sweep_removals": _PURGE,
    "integrations.search_residue": _PURGE,
    "integrations.make_evidence": _PURGE,
    # Makes a key for canary data, and destroys it.
    "integrations.run_forbidden_uses": _PURGE,
    # Disconnects in everybody's rows what two of staff ordered.
    "integrations.run_bulk_revocation": _PURGE,
    "integrations.sweep_bulk_revocations": _PURGE,
    # Gives features keys, which no process with pages may.
    "integrations.settle_client_changes": _PURGE,
    "integrations.measure": _PURGE,
    "accounts.forget_expired": _PURGE,
    "accounts.compute_usual_volumes": _PURGE,
    # The class that sends mail.
    "accounts.mail_sign_in_link": _PURGE,
    "accounts.mail_reset_link": _PURGE,
    "limited_use.count_uses": _PURGE,
    "limited_use.sequence_ledger": _PURGE,
    "limited_use.turn_key_epoch": _PURGE,
}

#: Celery's `task_routes`.
ROUTES: Final = {name: {"queue": str(queue)} for name, queue in TASKS.items()}


def read_process_class(env: Environment, *, production: bool) -> str:
    """
    Read `PROCESS_CLASS`: a class, `OWNER`, or in development empty, which means the owner.

    Returns an invalid value as empty.
    """
    value = env.read_text("PROCESS_CLASS")
    if not value and production:
        env.add_problem(
            f"PROCESS_CLASS is not set: {', '.join(ProcessClass)}, each with its DATABASE_URL_…;"
            f" or {OWNER} with DATABASE_URL, for release commands"
        )
    if value and value not in {*ProcessClass, OWNER}:
        env.add_problem(f"PROCESS_CLASS must be one of {', '.join(ProcessClass)}, {OWNER}")
        return ""
    return value


def require_process_class(*allowed: ProcessClass) -> None:
    """
    End a production process of any other class.

    :raises SystemExit: if this process has another class
    """
    from django.conf import settings

    if settings.PRODUCTION and settings.PROCESS_CLASS not in allowed:
        class_names = " or ".join(allowed)
        raise SystemExit(f"config: this process runs with PROCESS_CLASS={class_names}")


def read_role_prefix(env: Environment) -> str:
    """Read `DATABASE_ROLE_PREFIX`: `antares` makes roles `antares_web`, `antares_sync`, …"""
    value = env.read_text("DATABASE_ROLE_PREFIX", DEFAULT_PREFIX)
    if not _PREFIX.fullmatch(value):
        env.add_problem("DATABASE_ROLE_PREFIX must be lower-case letters, digits and underscores")
    return value
