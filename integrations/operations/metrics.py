"""
Metrics of the service: counts, ages and flags, about no person.

A process with access to all rows measures and stores them; the process that shows them reads only
the stored values. Labels are our own words or from a closed list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Count, Max, Min

from integrations import purge
from integrations.coordination import task_queue
from integrations.models import (
    Connection,
    Integration,
    PurgeJob,
    PurgeStep,
    SyncWork,
    Watch,
)
from integrations.purge.overdue_sweep import PurgePromise
from integrations.push import silence_alarm
from integrations.sync import work_leases
from limited_use.ledger import ledger_sequencer
from limited_use.models import Checkpoint, KeyEpoch, Leaf, OwedTombstone
from limited_use.models.usage import Gauge, Refusal
from limited_use.policy.key_lines import KeyLine
from limited_use.vault import data_key_rows
from limited_use.vault.keyring.keyring_factory import get_keyring
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import alarm_guide, open_alarms

# Work that has been due for longer is behind.
BEHIND_AFTER: Final = timedelta(minutes=5)
#: The period in which raised alarms are counted.
ALARM_PERIOD: Final = timedelta(days=30)


class MetricValue(NamedTuple):
    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


#: Help texts by metric name.
DESCRIPTIONS: Final[Mapping[str, str]] = {
    "antares_sync_due": "Mailboxes whose sync is due and on which nobody works",
    "antares_sync_behind": "Mailboxes whose sync has been due for more than five minutes",
    "antares_sync_failing": "Mailboxes whose last sync failed",
    "antares_watches": "Things that a provider tells us of by itself, or is to, by kind and status",
    "antares_watches_silent": "Live watches that do not tell of news",
    "antares_purges_open": "Removals that are not done, by step",
    "antares_purge_age_seconds": "Age of the oldest removal that is not done; 0 without one",
    "antares_promises_late": "Promises of removals that are late",
    "antares_promise_late_age_seconds": "How long the oldest late promise is late; 0 without one",
    "antares_connections": "Connections by provider and status",
    "antares_integrations": "Integrations by status",
    "antares_alarms_open": "Alarms that are not settled, by kind",
    "antares_alarm_open_age_seconds": "Age of the oldest alarm that is not settled; 0 without one",
    "antares_alarms_raised_last_30_days": "Alarms raised in the last 30 days, by kind",
    "antares_queue_length": "Tasks that wait; absent while the broker does not answer",
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


def measure_metrics(*, at: datetime) -> list[MetricValue]:
    figures = list(_measure_all(at))
    with transaction.atomic(durable=True):
        Gauge.objects.all().delete()
        Gauge.objects.bulk_create(
            Gauge(
                name=figure.name,
                labels=",".join(f"{name}={value}" for name, value in figure.labels),
                value=figure.value,
                measured_at=at,
            )
            for figure in figures
        )
    return figures


def load_metrics() -> tuple[datetime | None, list[MetricValue]]:
    rows = list(Gauge.objects.order_by("name", "labels"))
    figures = [
        MetricValue(
            row.name,
            row.value,
            tuple(_parse_label(label) for label in row.labels.split(",") if label),
        )
        for row in rows
        if row.name in DESCRIPTIONS
    ]
    return (rows[0].measured_at if rows else None), figures


def _parse_label(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _measure_all(at: datetime) -> Iterator[MetricValue]:
    yield from _measure_work(at)
    yield from _measure_watches(at)
    yield from _count_rows("antares_connections", Connection.objects.all(), "provider", "status")
    yield from _count_rows("antares_integrations", Integration.objects.all(), "status")
    yield from _measure_alarms(at)
    for queue, length in task_queue.count_waiting_tasks().items():
        yield MetricValue("antares_queue_length", length, (("queue", queue),))
    yield from _measure_keys(at)
    yield from _measure_ledger()
    lately = Refusal.objects.filter(at__gt=at - timedelta(minutes=5))
    yield from _count_rows("antares_refusals_last_5_minutes", lately, "feature", count="entry_id")


def _measure_alarms(at: datetime) -> Iterator[MetricValue]:
    summaries = open_alarms.count_alarms(since=at - ALARM_PERIOD)
    # Zeros for kinds without open alarms.
    for kind in sorted({*alarm_guide.NEXT_STEPS, *summaries}):
        summary = summaries.get(kind, open_alarms.NO_ALARMS)
        labels = (("kind", kind),)
        yield MetricValue("antares_alarms_open", summary.open_count, labels)
        age = _get_age(summary.open_since, at)
        yield MetricValue("antares_alarm_open_age_seconds", age, labels)
        yield MetricValue("antares_alarms_raised_last_30_days", summary.raised_count, labels)


def _measure_work(at: datetime) -> Iterator[MetricValue]:
    due = work_leases.filter_claimable(at)
    yield MetricValue("antares_sync_due", due.count())
    yield MetricValue(
        "antares_sync_behind", due.filter(next_sync_at__lte=at - BEHIND_AFTER).count()
    )
    yield MetricValue("antares_sync_failing", SyncWork.objects.filter(failure_count__gt=0).count())
    yield from _measure_purges(at)


def _measure_purges(at: datetime) -> Iterator[MetricValue]:
    unfinished = PurgeJob.objects.exclude(step=PurgeStep.DONE)
    by_step = Counter(unfinished.values_list("step", flat=True))
    for step in PurgeStep:
        if step is not PurgeStep.DONE:
            yield MetricValue("antares_purges_open", by_step[step], (("step", str(step)),))
    oldest = unfinished.aggregate(fenced_at=Min("fenced_at"))["fenced_at"]
    yield MetricValue("antares_purge_age_seconds", _get_age(oldest, at))
    late = purge.list_late_promises(at=at)
    for promise in PurgePromise:
        labels = (("promise", str(promise)),)
        missed = [removal.since for removal in late if removal.promise is promise]
        yield MetricValue("antares_promises_late", len(missed), labels)
        age = _get_age(min(missed, default=None), at)
        yield MetricValue("antares_promise_late_age_seconds", age, labels)


def _measure_watches(at: datetime) -> Iterator[MetricValue]:
    yield from _count_rows("antares_watches", Watch.objects.all(), "kind", "status")
    yield MetricValue("antares_watches_silent", silence_alarm.get_silent_watches(at=at).count())


def _measure_keys(at: datetime) -> Iterator[MetricValue]:
    alive_now = KeyEpoch.objects.filter(destroyed_at=None).order_by()
    newest = dict(alive_now.values_list("line").annotate(newest=Max("number")))
    living: Counter[str] = Counter()
    # Zeros for each line, to show the progress of a key rotation.
    waiting: Counter[str] = Counter({str(line): 0 for line in KeyLine})
    for row in data_key_rows.count_keys_by_epoch():
        living[str(row.line)] += row.key_count
        if row.kek_epoch < newest.get(str(row.line), 0):
            waiting[str(row.line)] += row.key_count
    for name, number in living.items():
        yield MetricValue("antares_data_keys", number, (("line", name),))
    for name, number in waiting.items():
        yield MetricValue("antares_data_keys_to_wrap", number, (("line", name),))
    for line in KeyLine:
        alive = KeyEpoch.objects.filter(line=line, destroyed_at=None)
        epochs = alive.aggregate(count=Count("id"), began_at=Min("began_at"))
        labels = (("line", str(line)),)
        yield MetricValue("antares_key_epochs_alive", epochs["count"], labels)
        if epochs["began_at"] is not None:
            age = _get_age(epochs["began_at"], at)
            yield MetricValue("antares_key_epoch_age_seconds", age, labels)
    yield MetricValue("antares_keyring_available", _measure_keyring())


def _measure_keyring() -> float:
    try:
        return float(all(get_keyring().list_epochs(line) for line in KeyLine))
    except KeyStoreUnavailable:
        return 0.0


def _measure_ledger() -> Iterator[MetricValue]:
    signed = Checkpoint.objects.exclude(note="").order_by("-size").values_list("size", flat=True)
    yield MetricValue("antares_ledger_size", ledger_sequencer.get_ledger_size())
    yield MetricValue("antares_ledger_waiting", Leaf.objects.waiting().count())
    yield MetricValue("antares_ledger_signed_size", signed.first() or 0)
    owed = OwedTombstone.objects.filter(published_at=None)
    yield MetricValue("antares_tombstones_owed", owed.count())


def _get_age(began_at: datetime | None, at: datetime) -> float:
    return (at - began_at).total_seconds() if began_at is not None else 0.0


def _count_rows(name: str, rows: Any, *columns: str, count: str = "id") -> Iterator[MetricValue]:
    counts = rows.order_by(*columns).values_list(*columns).annotate(count=Count(count))
    for *values, number in counts:
        yield MetricValue(name, number, tuple(zip(columns, map(str, values), strict=True)))
