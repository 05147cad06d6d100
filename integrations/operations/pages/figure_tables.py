"""The tables of the operations page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from integrations.coordination import task_queue
from integrations.models import PurgeStep
from integrations.operations import heartbeats
from integrations.providers import PROVIDERS
from integrations.purge.overdue_sweep import PurgePromise

from . import messages
from .figures import Figure, FigureUnit, StoredFigures, describe_metric

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_BEAT: Final = "beat"
#: The sequencer runs every two seconds, and a busy minute has some thousand entries.
_LEDGER_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """
    :param seen: the last heartbeat, as a figure
    :param waiting: tasks in the queue; None for beat, which has no queue
    """

    duty: str
    says: StrOrPromise
    seen_at: datetime | None
    is_missing: bool
    seen: Figure
    waiting: Figure | None


@dataclass(frozen=True, slots=True)
class FigureRow:
    label: StrOrPromise
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class FigureTable:
    """
    :param head: head of the labels' column
    :param columns: heads of the figures' columns
    :param metric: shown if the table has no rows, with `empty`
    """

    key: str
    title: StrOrPromise
    head: StrOrPromise
    columns: Sequence[StrOrPromise]
    rows: Sequence[FigureRow]
    metric: str = ""
    empty: StrOrPromise = ""

    @property
    def labelled_rows(self) -> list[tuple[StrOrPromise, list[tuple[StrOrPromise, Figure]]]]:
        """Return the label of each row, and its figures with the heads of their columns."""
        return [(row.label, list(zip(self.columns, row.figures, strict=True))) for row in self.rows]


def list_process_rows(stored: StoredFigures, *, at: datetime) -> list[ProcessRow]:
    queues = task_queue.list_queues()
    duties = [*queues, _BEAT]
    last_seen = heartbeats.get_last_seen(duties)
    missing = {row.duty for row in heartbeats.list_missing(duties, at=at)}
    return [
        ProcessRow(
            duty,
            messages.DUTIES.get(duty, ""),
            last_seen.get(duty),
            duty in missing,
            Figure(
                describe_metric("antares_worker_seen_timestamp_seconds", {"duty": duty}),
                last_seen[duty].timestamp() if duty in last_seen else None,
                FigureUnit.MOMENT,
            ),
            stored.get_figure("antares_queue_length", {"queue": duty}) if duty in queues else None,
        )
        for duty in duties
    ]


def list_tables(stored: StoredFigures) -> list[FigureTable]:
    return [
        _build_promises(stored),
        _build_removals(stored),
        _build_sync(stored),
        _build_ledger(stored),
        _build_connections(stored),
    ]


def _build_promises(stored: StoredFigures) -> FigureTable:
    rows = [
        FigureRow(
            messages.PROMISE_LABELS[promise],
            [
                stored.get_figure(
                    "antares_promises_late", {"promise": promise.value}, alerts_above=0
                ),
                stored.get_figure(
                    "antares_promise_late_age_seconds",
                    {"promise": promise.value},
                    unit=FigureUnit.AGE,
                ),
            ],
        )
        for promise in PurgePromise
    ]
    columns = (messages.LATE, messages.LATE_BY)
    return FigureTable("promises", messages.PROMISES, messages.PROMISE, columns, rows)


def _build_removals(stored: StoredFigures) -> FigureTable:
    oldest = stored.get_figure("antares_purge_age_seconds", unit=FigureUnit.AGE)
    steps = (step for step in PurgeStep if step is not PurgeStep.DONE)
    rows = [
        FigureRow(messages.OLDEST, [oldest]),
        *(
            FigureRow(
                messages.STEPS[step],
                [stored.get_figure("antares_purges_open", {"step": step.value})],
            )
            for step in steps
        ),
    ]
    return FigureTable("removals", messages.REMOVALS, messages.STEP, (messages.IN_PROGRESS,), rows)


def _build_sync(stored: StoredFigures) -> FigureTable:
    return _build_count_table(
        "sync",
        messages.SYNC,
        [
            (messages.SYNC_DUE, stored.get_figure("antares_sync_due")),
            (messages.SYNC_BEHIND, stored.get_figure("antares_sync_behind", alerts_above=0)),
            (messages.SYNC_FAILING, stored.get_figure("antares_sync_failing")),
            (messages.WATCHES_SILENT, stored.get_figure("antares_watches_silent", alerts_above=0)),
        ],
    )


def _build_ledger(stored: StoredFigures) -> FigureTable:
    waiting = stored.get_figure("antares_ledger_waiting", alerts_above=_LEDGER_LIMIT)
    keyring = stored.get_figure("antares_keyring_available", unit=FigureUnit.FLAG)
    return _build_count_table(
        "ledger",
        messages.LEDGER,
        [
            (messages.LEDGER_WAITING, waiting),
            (messages.TOMBSTONES_OWED, stored.get_figure("antares_tombstones_owed")),
            (
                messages.KEYRING_AVAILABLE,
                Figure(keyring.name, keyring.value, keyring.unit, is_alerting=keyring.value == 0),
            ),
        ],
    )


def _build_connections(stored: StoredFigures) -> FigureTable:
    name = "antares_connections"
    rows = []
    for labels in stored.list_labels(name):
        provider = PROVIDERS.get(labels["provider"])
        provider_name = provider.label if provider else labels["provider"]
        status = messages.STATUSES.get(labels["status"], labels["status"])
        rows.append(FigureRow(f"{provider_name}, {status}", [stored.get_figure(name, labels)]))
    return FigureTable(
        "connections",
        messages.CONNECTIONS,
        messages.ACCOUNTS,
        (messages.COUNT,),
        rows,
        metric=name,
        empty=messages.NO_CONNECTIONS if stored.measured_at else "",
    )


def _build_count_table(
    key: str, title: StrOrPromise, rows: Iterable[tuple[StrOrPromise, Figure]]
) -> FigureTable:
    shown = [FigureRow(label, [figure]) for label, figure in rows]
    return FigureTable(key, title, messages.MEASURED, (messages.COUNT,), shown)
