"""
The classes of processes, and which of them runs which task.

Each class logs in to the database with a role of its own (`config.database`), listens on a queue
of its own, and has no rights but those that its work needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from config.environment import Environment


class ProcessClass(StrEnum):
    """What a process is for: the value of `PROCESS_CLASS`."""

    # Pages and API: shows people what is theirs.
    WEB = "web"
    # The pages of support, reviewers and operators: no mailbox but messages opened to support.
    STAFF = "staff"
    # Brings provider data in, and keeps grants fresh: one person's rows at a time.
    SYNC = "sync"
    # Removes, keeps promises and clocks, turns keys, orders the ledger: everybody's rows.
    PURGE = "purge"
    # Commands of an operator: looks, and sees nothing sealed.
    CONSOLE = "console"


#: The value of `PROCESS_CLASS` for commands that run as the owner of the tables, such as `migrate`.
OWNER: Final = "owner"

#: The classes that answer requests, each at an address of its own (`config.sites`).
SITES: Final = (ProcessClass.WEB, ProcessClass.STAFF)

#: The classes that work on tasks; each is the name of its queue as well.
WORKERS: Final = (ProcessClass.SYNC, ProcessClass.PURGE)

_SYNC, _PURGE = ProcessClass.SYNC, ProcessClass.PURGE

#: What the names of the database's login roles begin with.
DEFAULT_PREFIX: Final = "antares"
_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")

#: Every task and its queue. A task that does not stand here fails a test.
TASKS: Final[Mapping[str, ProcessClass]] = {
    "integrations.sync_mail": _SYNC,
    "integrations.sweep_sync": _SYNC,
    "integrations.refresh_grant": _SYNC,
    "integrations.keep_watch": _SYNC,
    "integrations.sweep_watches": _SYNC,
    # Deletes by age in everybody's mailboxes, and asks no provider.
    "integrations.keep_horizon": _PURGE,
    "integrations.sweep_horizons": _PURGE,
    "integrations.sweep_copies": _PURGE,
    "integrations.forget_connection": _PURGE,
    # Makes keys, as those that turn them do.
    "integrations.split_grants": _PURGE,
    "integrations.purge_integration": _PURGE,
    "integrations.sweep_purges": _PURGE,
    "integrations.sweep_connections": _PURGE,
    "integrations.write_second_parts": _PURGE,
    "integrations.end_ledger_parts": _PURGE,
    "integrations.search_residue": _PURGE,
    "integrations.make_evidence": _PURGE,
    "integrations.measure": _PURGE,
    "accounts.forget_expired": _PURGE,
    # Of the two classes this one sends mail.
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
    Return `PROCESS_CLASS`: a class, `OWNER`, or in development nothing, which means the owner.

    A value that is refused is returned as nothing.
    """
    value = env.read_text("PROCESS_CLASS")
    if not value and production:
        env.add_problem(
            f"PROCESS_CLASS is not set: {', '.join(ProcessClass)}, each with its DATABASE_URL_…;"
            f" or {OWNER} with DATABASE_URL, for the commands of a release"
        )
    if value and value not in {*ProcessClass, OWNER}:
        env.add_problem(f"PROCESS_CLASS must be one of {', '.join(ProcessClass)}, {OWNER}")
        return ""
    return value


def require_process_class(*allowed: ProcessClass) -> None:
    """
    Let a process of no other class go on, in production.

    :raises SystemExit: if this one is of another class
    """
    from django.conf import settings

    if settings.PRODUCTION and settings.PROCESS_CLASS not in allowed:
        class_names = " or ".join(allowed)
        raise SystemExit(f"config: this process runs with PROCESS_CLASS={class_names}")


def read_role_prefix(env: Environment) -> str:
    """Return `DATABASE_ROLE_PREFIX`: `antares` makes roles `antares_web`, `antares_sync`, …"""
    value = env.read_text("DATABASE_ROLE_PREFIX", DEFAULT_PREFIX)
    if not _PREFIX.fullmatch(value):
        env.add_problem("DATABASE_ROLE_PREFIX must be lower-case letters, digits and underscores")
    return value
