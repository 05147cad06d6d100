"""Celery entry points: each turns a message into ids and a time, and makes one call."""

from . import connections, evidence, grants, purge, sync, watches

__all__ = ["connections", "evidence", "grants", "purge", "sync", "watches"]
