"""
Liveness and readiness of this process, for supervisors and load balancers.

Both are public and contain fixed words only. A key store that does not answer is shown and does
not change the status: pages that open nothing still work, and people can disconnect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Final

import django.db
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.database.schema_guard import is_schema_current
from config.heartbeats import DUTIES
from integrations.operations import heartbeats
from limited_use.policy.key_lines import KeyLine
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

#: Seconds for which a result is reused, so that many requests cause one check of database and key
#: store.
CACHE_SECONDS: Final = 2.0


@never_cache
@require_safe
def show_alive(_: HttpRequest) -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def show_ready(_: HttpRequest) -> HttpResponse:
    """Answer 503 until database and schema are ready and each queue has a worker."""
    states = READINESS.get_states()
    if states["database"] == states["migrations"] == states["workers"] == "ok":
        return JsonResponse(states)
    return JsonResponse(states, status=503, headers={"Retry-After": str(round(CACHE_SECONDS))})


@dataclass
class ReadinessCache:
    _states: dict[str, str] = field(default_factory=dict)
    _checked_at: float = -CACHE_SECONDS
    # Applied migrations stay applied while this release runs.
    _is_migrated: bool = False
    _lock: Lock = field(default_factory=Lock)

    def get_states(self) -> dict[str, str]:
        """Return the state of `database`, `migrations`, `keys` and `workers`, one word each."""
        with self._lock:
            if monotonic() - self._checked_at >= CACHE_SECONDS:
                self._states, self._checked_at = self._check_states(), monotonic()
            return dict(self._states)

    def _check_states(self) -> dict[str, str]:
        states = {
            "database": "away",
            "migrations": "unknown",
            "keys": _check_keys(),
            "workers": "unknown",
        }
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            states["database"] = "ok"
            states["migrations"] = "ok" if self._is_migrated else _check_migrations()
            self._is_migrated = states["migrations"] == "ok"
            if self._is_migrated:
                states["workers"] = _check_workers()
        except django.db.Error:
            return states
        return states


READINESS: Final = ReadinessCache()


def _check_migrations() -> str:
    if _has_missing_migrations():
        return "missing"
    return "ok" if is_schema_current() else "other version"


def _has_missing_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _check_workers() -> str:
    missing = heartbeats.list_missing(DUTIES, at=timezone.now())
    return f"missing: {', '.join(heartbeat.duty for heartbeat in missing)}" if missing else "ok"


def _check_keys() -> str:
    try:
        return "ok" if get_keyring().list_epochs(KeyLine.CONTENT) else "away"
    except KeyStoreUnavailable:
        return "away"
