"""
Figures of how the service stands, for operators: counts, ages and truths, nobody's in particular.

Measured by a process that may see everybody's rows, and kept; the one that shows
them sees no more than the figures. A label is a word of ours or of a closed list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Count, Max, Min

from accounts.models import Alarm
from integrations import purge
from integrations.models import (
    Connection,
    Integration,
    PurgeJob,
    PurgeStep,
    SyncWork,
    Watch,
)
from integrations.purge.overdue_sweep import Promise
from integrations.push import silence_alarm
from integrations.sync import work_leases
from limited_use.ledger import sequencer
from limited_use.models import Checkpoint, KeyEpoch, Leaf, OwedTombstone
from limited_use.models.usage import Gauge, Refusal
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import key_rows
from limited_use.vault.keyring.factory import get_keyring
from limited_use.vault.keyring.port import KeyStoreUnavailable

from . import alarm_guide

# Work that has been due for so long is behind.
BEHIND: Final = timedelta(minutes=5)


class Figure(NamedTuple):
    """One figure. `labels` are pairs of our words."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


#: Every name, and what it says.
MEANINGS: Final[Mapping[str, str]] = {
    "antares_sync_due": "Mailboxes whose sync is due and on which nobody works",
    "antares_sync_behind": "Mailboxes whose sync has been due for more than five minutes",
    "antares_sync_failing": "Mailboxes whose last sync failed",
    "antares_watches": "Things that a provider tells us of by itself, or is to, by kind and status",
    "antares_watches_silent": "Live watches that do not tell of news",
    "antares_purges_open": "Removals that are not done, by step",
    "antares_promises_late": "Promises of removals that are late",
    "antares_connections": "Connections by provider and status",
    "antares_integrations": "Integrations by status",
    "antares_alarms_open": "Alarms that are not settled, by kind",
    "antares_data_keys": "Living data keys by line",
    "antares_data_keys_to_wrap": "Data keys that are not under their line's newest key yet",
    "antares_key_epochs_alive": "Key-encryption keys that are not destroyed, by line",
    "antares_key_epoch_age_seconds": "Age of the oldest living key-encryption key, by line",
    "antares_keyring_available": "Whether the keyring answered",
    "antares_ledger_size": "Entries that have their place in the ledger",
    "antares_ledger_waiting": "Entries that wait for a place in the ledger",
    "antares_ledger_signed_size": "Entries under the newest signed checkpoint",
    "antares_tombstones_owed": "Tombstones that are not published yet",
    "antares_refusals_last_5_minutes": "Refusals within the last five minutes, by feature",
}


def measure(*, at: datetime) -> list[Figure]:
    """Measure everything, and keep it in the place of what was measured before."""
    figures = list(_figures(at))
    with transaction.atomic(durable=True):
        Gauge.objects.all().delete()
        Gauge.objects.bulk_create(
            Gauge(
                name=one.name,
                labels=",".join(f"{name}={value}" for name, value in one.labels),
                value=one.value,
                measured_at=at,
            )
            for one in figures
        )
    return figures


def kept() -> tuple[datetime | None, list[Figure]]:
    """Return what was measured last, and when; None where nothing ever was."""
    rows = list(Gauge.objects.order_by("name", "labels"))
    figures = [
        Figure(row.name, row.value, tuple(_pair(one) for one in row.labels.split(",") if one))
        for row in rows
        if row.name in MEANINGS
    ]
    return (rows[0].measured_at if rows else None), figures


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _figures(at: datetime) -> Iterator[Figure]:
    yield from _work(at)
    yield from _watches(at)
    yield from _counted("antares_connections", Connection.objects.all(), "provider", "status")
    yield from _counted("antares_integrations", Integration.objects.all(), "status")
    yield from _alarms()
    yield from _keys(at)
    yield from _ledger()
    lately = Refusal.objects.filter(at__gt=at - timedelta(minutes=5))
    yield from _counted("antares_refusals_last_5_minutes", lately, "feature", count="entry_id")


def _alarms() -> Iterator[Figure]:
    # Down to nothing, where the last of a kind was settled.
    opened = Counter(dict.fromkeys(alarm_guide.NEXT_STEPS, 0))
    opened.update(Alarm.objects.open().values_list("kind", flat=True))
    for kind, count in sorted(opened.items()):
        yield Figure("antares_alarms_open", count, (("kind", kind),))


def _work(at: datetime) -> Iterator[Figure]:
    due = work_leases.claimable(at)
    yield Figure("antares_sync_due", due.count())
    yield Figure("antares_sync_behind", due.filter(next_sync_at__lte=at - BEHIND).count())
    yield Figure("antares_sync_failing", SyncWork.objects.filter(failure_count__gt=0).count())
    unfinished = PurgeJob.objects.exclude(step=PurgeStep.DONE)
    yield from _counted("antares_purges_open", unfinished, "step")
    late = Counter(one.promise for one in purge.overdue(at=at))
    for promise in Promise:
        labels = (("promise", str(promise)),)
        yield Figure("antares_promises_late", late.get(promise, 0), labels)


def _watches(at: datetime) -> Iterator[Figure]:
    yield from _counted("antares_watches", Watch.objects.all(), "kind", "status")
    yield Figure("antares_watches_silent", silence_alarm.silent(at=at).count())


def _keys(at: datetime) -> Iterator[Figure]:
    alive_now = KeyEpoch.objects.filter(destroyed_at=None).order_by()
    newest = dict(alive_now.values_list("line").annotate(newest=Max("number")))
    living: Counter[str] = Counter()
    # How far a turn of the keys is: down to nothing, of each line.
    waiting: Counter[str] = Counter({str(line): 0 for line in KeyLine})
    for one in key_rows.tally():
        living[str(one.line)] += one.key_count
        if one.kek_epoch < newest.get(str(one.line), 0):
            waiting[str(one.line)] += one.key_count
    for name, number in living.items():
        yield Figure("antares_data_keys", number, (("line", name),))
    for name, number in waiting.items():
        yield Figure("antares_data_keys_to_wrap", number, (("line", name),))
    for line in KeyLine:
        alive = KeyEpoch.objects.filter(line=line, destroyed_at=None)
        found = alive.aggregate(count=Count("id"), began_at=Min("began_at"))
        labels = (("line", str(line)),)
        yield Figure("antares_key_epochs_alive", found["count"], labels)
        if found["began_at"] is not None:
            age = (at - found["began_at"]).total_seconds()
            yield Figure("antares_key_epoch_age_seconds", age, labels)
    yield Figure("antares_keyring_available", _answers())


def _answers() -> float:
    try:
        return float(all(get_keyring().epochs(line) for line in KeyLine))
    except KeyStoreUnavailable:
        return 0.0


def _ledger() -> Iterator[Figure]:
    signed = Checkpoint.objects.exclude(note="").order_by("-size").values_list("size", flat=True)
    yield Figure("antares_ledger_size", sequencer.size_now())
    yield Figure("antares_ledger_waiting", Leaf.objects.filter(idx=None).count())
    yield Figure("antares_ledger_signed_size", signed.first() or 0)
    owed = OwedTombstone.objects.filter(published_at=None)
    yield Figure("antares_tombstones_owed", owed.count())


def _counted(name: str, rows: Any, *columns: str, count: str = "id") -> Iterator[Figure]:
    found = rows.order_by(*columns).values_list(*columns).annotate(count=Count(count))
    for *values, number in found:
        yield Figure(name, number, tuple(zip(columns, map(str, values), strict=True)))
