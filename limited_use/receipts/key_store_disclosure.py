from __future__ import annotations

from typing import Any

from django.conf import settings

from limited_use.policy.claims import claim

_FILES = claim(
    "key-store.files",
    "The key store is files on the service's own machine. The service makes no copies of them."
    " Destroying a key overwrites and unlinks its file: what a journal, a snapshot or a backup of"
    " that disk kept of it, nobody can tell.",
)
_TRANSIT = claim(
    "key-store.transit",
    "The key store is a transit engine of its own, which keeps its keys to itself: the service"
    " cannot copy them. Snapshots of the engine's storage are made by whoever runs it.",
)
_COPY_OPENS = claim(
    "key-store.copy-opens",
    " With a copy from before the key epoch ended, a copy of the database from before the removal"
    " would still open.",
)


def describe_copies() -> dict[str, Any]:
    is_transit = bool(settings.KEYRING.url)
    days = settings.KEYRING.snapshot_retention_days
    retention: dict[str, Any] = (
        {"until": "unknown"} if days is None else {"days_after_the_epoch": days}
    )
    return {
        "kept_in": "transit engine" if is_transit else "files",
        **retention,
        "says": (_TRANSIT if is_transit else _FILES) + _COPY_OPENS,
    }
