"""Celery tasks: each parses ids, reads the clock and makes one call."""

from . import (
    bulk_revocations,
    clients,
    connections,
    drive,
    evidence,
    grants,
    notices,
    outbox,
    purge,
    support,
    support_questions,
    sync,
    watches,
)

__all__ = [
    "bulk_revocations",
    "clients",
    "connections",
    "drive",
    "evidence",
    "grants",
    "notices",
    "outbox",
    "purge",
    "support",
    "support_questions",
    "sync",
    "watches",
]
