"""Celery tasks: each parses ids, reads the clock and makes one call."""

from . import (
    connections,
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
    "connections",
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
