"""What the numbers were measured on. Read from the system; where it says nothing, so do we."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

PACKAGES = (
    "django", "djangorestframework", "psycopg", "cryptography", "orjson", "zstandard",
    "google-api-python-client", "cedarpy", "casbin", "django-fernet-encrypted-fields",
)  # fmt: skip
SETTINGS = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method",
    "shared_buffers", "max_wal_size",
)  # fmt: skip


def facts(database: str) -> dict[str, Any]:
    """Return machine, versions and the database's settings."""
    with psycopg.connect(database) as connection:
        postgres = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]
            for name in SETTINGS
        }
    return {
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int((_line("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) // 1024,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
        "packages": {name: version(name) for name in PACKAGES},
        "postgresql": postgres,
    }


def _line(path: str, key: str) -> str | None:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), None)
