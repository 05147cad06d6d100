from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Count

from accounts.models import Alarm
from limited_use.ledger import ledger_publication, ledger_sequencer, signing_keys
from limited_use.models import Checkpoint, KeyEpoch, Leaf, OwedTombstone, Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_key_rows, keyring_fit
from limited_use.vault.keyring import transit_policies
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import MacKey

from .evidence_sections import UnmetClause

FILE_KEYRING_TEXT: Final = (
    "the keys are files in a folder of this machine, which is no key management system: nobody can"
    " promise that no copy of a destroyed file exists"
)
_DIRECTORY_KEY_TEXT: Final = (
    "One key, in the keyring, under which the service hashes what has to be found across"
    " integrations: which account this is. It never leaves the keyring and encrypts nothing. What"
    " it hashes are the outer blinds of the register of columns in clear; a purge empties their"
    " rows."
)


def describe_custody(_: datetime) -> Mapping[str, Any]:
    ring = get_keyring()
    is_files = not settings.KEYRING.url
    retention = settings.KEYRING.snapshot_retention_days
    return {
        "keyring": "files" if is_files else "transit",
        "files_accepted_in_production": is_files and settings.PRODUCTION,
        "epochs_present": {str(line): list(ring.list_epochs(line)) for line in KeyLine},
        "problems": keyring_fit.find_problems(),
        "directory_key": {"name": str(MacKey.DIRECTORY), "statement": _DIRECTORY_KEY_TEXT},
        "copies_of_the_key_store_live_days": "unknown" if retention is None else retention,
        "policies_of_the_transit_engine": {}
        if is_files
        else transit_policies.build_transit_policies(
            settings.KEYRING.mount, settings.KEYRING.prefix
        ),
    }


def find_unmet_custody(_: datetime) -> list[UnmetClause]:
    """Always report a file keyring, even an accepted one."""
    return [] if settings.KEYRING.url else [UnmetClause("WSEC-KEY", FILE_KEYRING_TEXT)]


def describe_epochs(_: datetime) -> Mapping[str, Any]:
    living_keys: Counter[str] = Counter()
    for line_tally in data_key_rows.count_keys_by_epoch():
        living_keys[str(line_tally.line)] += line_tally.key_count
    return {
        "hours": settings.KEY_EPOCH_HOURS,
        "living_data_keys": dict(living_keys),
        "epochs": [
            {
                "line": epoch.line,
                "number": epoch.number,
                "began_at": _format_time(epoch.began_at),
                "destroyed_at": _format_time(epoch.destroyed_at),
                "ledger_entry": str(epoch.entry_id) if epoch.entry_id else None,
            }
            for epoch in KeyEpoch.objects.order_by("line", "number")
        ],
    }


def describe_ledger(_: datetime) -> Mapping[str, Any]:
    latest = ledger_publication.get_ledger_publication().get_latest()
    newest = Checkpoint.objects.exclude(note="").order_by("-size").first()
    return {
        "origin": settings.LEDGER_ORIGIN,
        "size": ledger_sequencer.get_ledger_size(),
        "waiting_for_a_place": Leaf.objects.waiting().count(),
        "signed_size": newest.size if newest else 0,
        "signed_at": _format_time(newest.signed_at) if newest else None,
        "published_size": latest[0].size if latest else None,
        "published_note": latest[1] if latest else None,
        "published_apart": bool(settings.PUBLICATION_DIR or settings.LEDGER_CHECKPOINTS),
        "tombstones_published": OwedTombstone.objects.exclude(published_at=None).count(),
        "tombstones_owed": OwedTombstone.objects.filter(published_at=None).count(),
        "receipts": {
            f"part_{part}": count
            for part, count in Receipt.objects.values_list("part").annotate(count=Count("id"))
        },
        "public_keys": [
            {
                "signs": str(signing_key.role),
                "key": str(signing_key.key),
                "since": _format_time(signing_key.since),
                "until": _format_time(signing_key.until),
            }
            for signing_key in signing_keys.list_published_keys()
        ],
    }


def describe_alarms(_: datetime) -> Mapping[str, Any]:
    counts_by_kind = Alarm.objects.values_list("kind").annotate(count=Count("id")).order_by("kind")
    return {
        "open": dict(counts_by_kind.filter(settled_at=None)),
        "ever": dict(counts_by_kind),
    }


def _format_time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
