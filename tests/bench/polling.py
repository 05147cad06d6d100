"""
A poll of a mailbox in which nothing has happened, at Gmail and at Outlook: what it takes.

The task of the worker, in a process logged in as a sync worker, through the client libraries of the
providers, asks the sandbox. Mailboxes take turns; nothing arrives, nothing is told by push.

Processor time is that of the worker's process, and that of the database's process that serves it.
The baseline asks Gmail for changes by `httpx` alone, on a connection that stays open.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx
from django.db import close_old_connections, connection
from django.utils import timezone

from accounts.ids import uuid7
from config.process_classes import ProcessClass
from integrations.models import Integration, SyncWork
from integrations.tasks.sync import sync_mail
from limited_use.ledger import ledger_sequencer
from limited_use.models import Leaf
from tests.bench import classes, connecting, figures, google, mailbox, measure, sizes, syncing
from tests.bench.figures import Figure
from tests.factories import make_organisation, make_user
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.sandbox import Sandbox

MESSAGES = sizes.choose_size(200, tiny=20)
COUNTED: Final = 3
RUNS, WARM_UP = sizes.choose_size(200, tiny=3), sizes.choose_size(10, tiny=2)
# Ledger entries that are stored to see how many bytes one takes with its indexes.
STORED = sizes.choose_size(20_000, tiny=500)
CORES: Final = 2
# How many times the request by httpx alone a poll of Gmail took when each turn asked for permission
# to store: three times as many mailboxes are a third of it.
BEFORE: Final = 17.9
INTERVAL: Final = 60  # seconds
_SPENT: Final = f"processor time, median of {RUNS} in turn"
_COPY: Final = "bench_leaf"
_COLUMNS: Final = {"id": "uuid", "payload": "bytea", "subject": "bytea", "idx": "int8"}


@dataclass
class Polls:
    """
    What empty polls of one mailbox took, each.

    :param worker: processor seconds of this process
    :param database: processor seconds of the process of PostgreSQL that serves it
    """

    work: SyncWork
    worker: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    entries: list[Leaf] = field(default_factory=list)
    # Seconds to the next poll, of a mailbox at which nobody has looked for a day.
    rest: float = INTERVAL

    @property
    def of_database(self) -> float:
        # A clock of another process may move by ticks: the mean, not the median.
        return sum(self.database) / len(self.database)

    @property
    def mailboxes(self) -> float:
        """How many are polled once in `INTERVAL` by `CORES` that do nothing else."""
        return CORES * INTERVAL / (measure.median(self.worker) + self.of_database)


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    sandbox.seed(connecting.EMAIL, size=MESSAGES, seed=7)
    MicrosoftSandbox(sandbox).seed(connecting.OUTLOOK, size=MESSAGES, seed=7, malformed=0)
    google.remove_limits(sandbox)
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    found = {
        "Gmail": _sync_first(connecting.mailbox_of(sandbox, alice, organisation)),
        "Outlook": _sync_first(connecting.outlook_of(sandbox, alice, organisation)),
    }
    with classes.logged_in(ProcessClass.SYNC) as worker:
        for _ in range(WARM_UP):
            for polls in found.values():
                _run_poll(polls.work, worker)
        plain = _measure_polls(list(found.values()), worker, _open_plain(sandbox))
        # What is counted is not measured at the same time.
        for _ in range(COUNTED):
            for polls in found.values():
                _count_poll_costs(polls, worker, sandbox)
        for polls in found.values():
            polls.rest = _get_rest(polls.work, worker)
    entries = _bytes_per_entry([leaf for polls in found.values() for leaf in polls.entries])
    return [
        *_build_figures("Gmail", found["Gmail"], entries, _beside_plain(found["Gmail"], plain)),
        *_build_figures("Outlook", found["Outlook"], entries, _beside_gmail(found)),
    ]


def _open_plain(sandbox: Sandbox) -> Callable[[], object]:
    """Return what asks Gmail, by `httpx` alone, what has changed since now."""
    token = sandbox.authorize(connecting.EMAIL)["access_token"]
    client = httpx.Client(
        base_url=f"{sandbox.url}/gmail/v1/users/me", headers={"Authorization": f"Bearer {token}"}
    )
    since = client.get("/profile").raise_for_status().json()["historyId"]

    def ask_for_history() -> None:
        answer = client.get("/history", params={"startHistoryId": since})
        if "history" in answer.raise_for_status().json():
            raise AssertionError("something has changed")

    return ask_for_history


def _sync_first(integration: Integration) -> Polls:
    syncing.measure_first_sync(integration)
    return Polls(SyncWork.objects.get(integration=integration))


def _run_poll(work: SyncWork, worker: Any) -> None:
    """Make the work due, and do the worker's task, logged in as `worker`."""
    SyncWork.objects.filter(id=work.id).update(next_sync_at=timezone.now())
    with classes.use_database(worker):
        _run_task(work)


def _run_task(work: SyncWork) -> None:
    # As Celery does around each task.
    close_old_connections()
    sync_mail(work_id=str(work.id))
    close_old_connections()


def _measure_polls(each: list[Polls], worker: Any, ask: Callable[[], object]) -> list[float]:
    """Fill in what polls of each take, and return what `ask` takes in turn with them."""
    gc.collect()
    gc.freeze()
    plain = []
    for turn in range(RUNS):
        spent = time.process_time()
        ask()
        plain.append(time.process_time() - spent)
        for place in range(len(each)):
            polls = each[(turn + place) % len(each)]
            SyncWork.objects.filter(id=polls.work.id).update(next_sync_at=timezone.now())
            with classes.use_database(worker):
                connection.ensure_connection()
                backend = connection.connection.info.backend_pid
                spent, served = time.process_time(), measure.of_process(backend)
                _run_task(polls.work)
                polls.worker.append(time.process_time() - spent)
                # A connection that was opened again meanwhile has another process.
                if connection.connection.info.backend_pid == backend:
                    polls.database.append(measure.of_process(backend) - served)
    gc.unfreeze()
    return plain


def _count_poll_costs(polls: Polls, worker: Any, sandbox: Sandbox) -> None:
    began = timezone.now()
    last = Leaf.objects.order_by("id").values_list("id", flat=True).last()
    sandbox.clear_journal()
    with _record_statements(worker) as statements:
        _run_poll(polls.work, worker)
    polls.statements.append(len(statements))
    polls.requests.append(len(sandbox.requests()))
    # Ids grow with time; in one process there is no doubt.
    polls.entries += Leaf.objects.filter(id__gt=last)
    if not SyncWork.objects.filter(
        id=polls.work.id, failure_count=0, last_synced_at__gte=began
    ).exists():
        raise AssertionError("the poll did not end well")


def _get_rest(work: SyncWork, worker: Any) -> float:
    """Return how long the mailbox rests if nobody has looked at it for a day."""
    SyncWork.objects.filter(id=work.id).update(looked_at=timezone.now() - timedelta(days=1))
    _run_poll(work, worker)
    after = SyncWork.objects.get(id=work.id)
    if after.last_synced_at is None:
        raise AssertionError("the poll did not end well")
    return (after.next_sync_at - after.last_synced_at).total_seconds()


@contextmanager
def _record_statements(worker: Any) -> Iterator[list[str]]:
    """
    Yield what is filled in: the statements that our code sends.

    Without those that begin and end transactions. What tells a transaction whose rows it is for
    travels with a statement and counts as none; nor does the look whether the connection lives.
    """
    seen: list[str] = []

    def record_statement(execute: Any, text: str, values: Any, many: Any, context: Any) -> Any:
        if not text.lstrip().upper().startswith(("SAVEPOINT", "RELEASE")):
            seen.append(text)
        return execute(text, values, many, context)

    with worker.execute_wrapper(record_statement):
        yield seen


def _bytes_per_entry(entries: list[Leaf]) -> float:
    """Return how many bytes the database keeps of one: row, indexes, and its hash in the tree."""
    while (
        placed := ledger_sequencer.run_sequencer(timezone.now())
    ) is not None and placed.placed_count:
        pass
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_COPY} (LIKE limited_use_leaf INCLUDING ALL)")
        mailbox.copy_rows(_COPY, _COLUMNS, _copy_entry_rows(entries))
        cursor.execute(f"VACUUM {_COPY}")
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [_COPY])
        rows = cursor.fetchone()[0] / STORED
        cursor.execute(f"DROP TABLE {_COPY}")
        cursor.execute("SELECT sum(pg_column_size(one.*)) FROM limited_use_tile AS one")
        return float(rows + cursor.fetchone()[0] / Leaf.objects.count())


def _copy_entry_rows(entries: list[Leaf]) -> Iterator[tuple[Any, ...]]:
    for number in range(STORED):
        leaf = entries[number % len(entries)]
        subject = bytes(leaf.subject) if leaf.subject is not None else None
        yield uuid7(), bytes(leaf.payload), subject, number


def _beside_plain(polls: Polls, plain: list[float]) -> Figure:
    return figures.make_ratio_figure(
        "Gmail: worker",
        1e3 * measure.median(polls.worker),
        "ms",
        baseline=1e3 * measure.median(plain),
        against="the request for changes by httpx alone",
        most=round(BEFORE / 3, 1),
        note=_SPENT,
    )


def _beside_gmail(found: dict[str, Polls]) -> Figure:
    return figures.make_ratio_figure(
        "Outlook: worker",
        1e3 * measure.median(found["Outlook"].worker),
        "ms",
        baseline=1e3 * measure.median(found["Gmail"].worker),
        against="Gmail's",
        most=1.5,
        note=_SPENT,
    )


def _build_figures(name: str, polls: Polls, entry_bytes: float, of_worker: Figure) -> list[Figure]:
    each = len(polls.entries) / COUNTED
    return [
        of_worker,
        figures.plain(f"{name}: database", 1e3 * polls.of_database, "ms", note="mean of the same"),
        figures.make_limit_figure(
            f"{name}: statements",
            max(polls.statements),
            "",
            most=12,
            note="without BEGIN, COMMIT, and what tells the database whose rows it may show",
        ),
        figures.plain(
            f"{name}: requests",
            max(polls.requests),
            "",
            note="to the provider; of Graph's batch, the batch and each part",
        ),
        figures.make_limit_figure(f"{name}: ledger entries", each, "", most=2),
        figures.plain(
            f"{name}: ledger of a mailbox and day",
            each * entry_bytes * 86_400 / INTERVAL / 1e6,
            "MB",
            note=f"{entry_bytes:.0f} bytes an entry: row, indexes and hashes;"
            f" a poll every {INTERVAL} s",
        ),
        figures.plain(
            f"{name}: mailboxes per machine",
            polls.mailboxes,
            "",
            note=f"{CORES} cores, a poll every {INTERVAL} s, worker and database; see the README",
        ),
        figures.plain(
            f"{name}: … that nobody looks at",
            polls.mailboxes * polls.rest / INTERVAL,
            "",
            note=f"without push, not looked at for a day: a poll every {polls.rest:.0f} s",
        ),
    ]
