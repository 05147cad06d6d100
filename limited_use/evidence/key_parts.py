"""What the keys rest on: which keyring, its directory key, the epochs, and what is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Count

from accounts.models import Alarm
from limited_use.ledger import publication, sequencer, signing_keys
from limited_use.models import Checkpoint, KeyEpoch, Leaf, OwedTombstone, Receipt
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import key_rows, keyring_fit
from limited_use.vault.keyring import transit_policies
from limited_use.vault.keyring.factory import get_keyring
from limited_use.vault.keyring.port import MacKey

from .sections import NotMet

FILES_SAY: Final = (
    "the keys are files in a folder of this machine, which is no key management system: nobody can"
    " promise that no copy of a destroyed file exists"
)
_DIRECTORY: Final = (
    "One key, in the keyring, under which the service hashes what has to be found across"
    " integrations: which account this is. It never leaves the keyring and encrypts nothing. What"
    " it hashes are the outer blinds of the register of columns in clear; a purge empties their"
    " rows."
)


def custody_of_keys(_: datetime) -> Mapping[str, Any]:
    ring = get_keyring()
    is_files = not settings.KEYRING.url
    retention = settings.KEYRING.snapshot_retention_days
    return {
        "keyring": "files" if is_files else "transit",
        "files_accepted_in_production": is_files and settings.PRODUCTION,
        "epochs_present": {str(line): list(ring.epochs(line)) for line in KeyLine},
        "problems": keyring_fit.problems(),
        "directory_key": {"name": str(MacKey.DIRECTORY), "statement": _DIRECTORY},
        "copies_of_the_key_store_live_days": "unknown" if retention is None else retention,
        "policies_of_the_transit_engine": {}
        if is_files
        else transit_policies.policies(settings.KEYRING.mount, settings.KEYRING.prefix),
    }


def not_in_custody(_: datetime) -> list[NotMet]:
    """A file keyring is told where it is used, whoever accepted it."""
    return [] if settings.KEYRING.url else [NotMet("WSEC-KEY", FILES_SAY)]


def epochs(_: datetime) -> Mapping[str, Any]:
    living: Counter[str] = Counter()
    for one in key_rows.tally():
        living[str(one.line)] += one.key_count
    return {
        "hours": settings.KEY_EPOCH_HOURS,
        "living_data_keys": dict(living),
        "epochs": [
            {
                "line": one.line,
                "number": one.number,
                "began_at": _time(one.began_at),
                "destroyed_at": _time(one.destroyed_at),
                "ledger_entry": str(one.entry_id) if one.entry_id else None,
            }
            for one in KeyEpoch.objects.order_by("line", "number")
        ],
    }


def ledger(_: datetime) -> Mapping[str, Any]:
    latest = publication.current().latest()
    newest = Checkpoint.objects.exclude(note="").order_by("-size").first()
    return {
        "origin": settings.LEDGER_ORIGIN,
        "size": sequencer.size_now(),
        "waiting_for_a_place": Leaf.objects.filter(idx=None).count(),
        "signed_size": newest.size if newest else 0,
        "signed_at": _time(newest.signed_at) if newest else None,
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
                "signs": str(one.role),
                "key": str(one.key),
                "since": _time(one.since),
                "until": _time(one.until),
            }
            for one in signing_keys.history()
        ],
    }


def alarms(_: datetime) -> Mapping[str, Any]:
    """Return how many alarms of each kind nobody has settled, and how many were ever raised."""
    ever = Alarm.objects.values_list("kind").annotate(count=Count("id")).order_by("kind")
    return {
        "open": dict(ever.filter(settled_at=None)),
        "ever": dict(ever),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
