from __future__ import annotations

from typing import Any

from django.conf import settings

from limited_use.policy.claims import claim

_FILES = claim(
    "key-store.files",
    "The key store is a folder of files on the machine of Antares, which makes no copies of them."
    " Destroying a key overwrites and deletes its file. Nobody can tell whether a journal, a"
    " snapshot or a backup of the disk still has it.",
)
_TRANSIT = claim(
    "key-store.transit",
    "The key store is a separate transit engine that does not export its keys: Antares cannot copy"
    " them. The operator of the engine may make snapshots of its storage.",
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
