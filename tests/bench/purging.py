"""
A mailbox of 100,000 messages is disconnected and purged, against Django's cascade on equal tables.

The baseline's rows are copies of the sealed ones, byte by byte, so that both sides delete the same.
Others' rows stand in between, as they would; that they are all still there is checked as well.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import orjson
from django.utils import timezone

from accounts.actors import Actor
from integrations import connections, purge
from integrations.access import permits
from integrations.models import (
    Integration,
    Message,
    PurgeJob,
    PurgeStep,
)
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import json_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.envelope import Unopenable
from tests.bench import figures, mailbox, measure, memory, sides, sizes, transactions
from tests.bench.boxes import Box
from tests.bench.figures import Figure
from tests.bench.settings import CASCADE
from tests.factories import actor_for, make_organisation, make_user

MESSAGES = sizes.choose_size(100_000, tiny=300)
NEIGHBOURS = sizes.choose_size(20_000, tiny=60)
RUNS = sizes.choose_size(3, tiny=1)
# Flat: less than a list of the ids of all messages would take.
FLAT_MB = 8


@dataclass(frozen=True)
class PurgeFigures:
    """Seconds, the longest transaction and the rise of memory of one run."""

    seconds: float
    longest: float
    peak_mb: float
    unreadable: float = 0.0
    receipt: float = 0.0
    what: str = ""


def run_benchmark() -> list[Figure]:
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    actor = actor_for(alice, organisation)
    bob = mailbox.make_owned_mailbox(make_user("bob", organisation=organisation), organisation)
    neighbours = mailbox.make_sealed_rows(bob, NEIGHBOURS, bodies=True)
    ours, theirs = [], []
    for _ in range(RUNS):
        integration = mailbox.make_owned_mailbox(alice, organisation)
        rows = mailbox.make_sealed_rows(integration, MESSAGES, bodies=True)
        mailbox.load(rows, neighbours)
        box = sides.copy_to_plain_tables(integration, count=MESSAGES)
        del rows
        mailbox.settle_tables()
        ours.append(_purge(integration, actor))
        mailbox.settle_tables()
        theirs.append(_cascade(box))
        sides.check_others(bob, count=NEIGHBOURS)
        sides.clear()
    return _build_figures(ours, theirs)


def _purge(integration: Integration, actor: Actor) -> PurgeFigures:
    rows = list(Message.objects.filter(integration=integration).order_by("-received_at")[:50])
    at = timezone.now()
    granted = permits.to_display(
        actor=actor, counts={integration.id: 50}, data_classes=(DataClass.MAIL_METADATA,), at=at
    )

    def render_page() -> bytes:
        return json_sink.render_json_page(
            [SealedRow(row, {"summary": row.summary}) for row in rows],
            permits=granted,
            actor=actor,
            shape=lambda _, opened: orjson.loads(opened["summary"]),
            at=at,
        )

    if render_page().count(b'"subject":"Message ') != 50:
        raise AssertionError("the mailbox did not open before")
    # From the call to the first attempt, with a permit in hand, that opens nothing.
    began = time.perf_counter()
    job = connections.disconnect_integration(
        integration_id=integration.id,
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        at=timezone.now(),
    )
    try:
        render_page()
    except Unopenable:
        unreadable = time.perf_counter() - began
    else:
        raise AssertionError("the mailbox opens after the disconnect")
    with memory.peak() as peak, transactions.observe_transactions() as seen:
        start, clock = timezone.now(), time.perf_counter()
        step = purge.run_purge(job_id=job.id)
        whole = time.perf_counter() - clock
    done = PurgeJob.objects.get(id=job.id)
    if step is not PurgeStep.DONE or sides.count_left(sides.OURS, integration.id):
        raise AssertionError(f"the purge stands at {step}")
    return PurgeFigures(
        seconds=(done.verified_at - start).total_seconds(),
        longest=max(seen.seconds),
        peak_mb=peak[0],
        unreadable=unreadable,
        receipt=whole,
        what=seen.longest[:120],
    )


def _cascade(box: Box) -> PurgeFigures:
    with memory.peak() as peak:
        began = time.perf_counter()
        box.delete(using=CASCADE)
        seconds = time.perf_counter() - began
    if sides.count_left(sides.THEIRS, box.id):
        raise AssertionError("the cascade left something")
    return PurgeFigures(seconds, seconds, peak[0])


def _build_figures(ours: list[PurgeFigures], theirs: list[PurgeFigures]) -> list[Figure]:
    def get_median(found: list[PurgeFigures], name: str) -> float:
        return measure.median(getattr(one, name) for one in found)

    worst = max(ours, key=lambda one: one.longest)
    runs = f"median of {RUNS} in turn, {NEIGHBOURS:,} rows of others in between"
    return [
        figures.make_limit_figure(
            "until nothing opens",
            1000 * get_median(ours, "unreadable"),
            "ms",
            most=100,
            note="disconnect committed, and a permit in hand opens nothing",
        ),
        figures.make_times_figure(
            "until no row is left",
            get_median(ours, "seconds"),
            "s",
            baseline=get_median(theirs, "seconds"),
            against="Django's cascade in one transaction",
            least=5,
            note=f"ours with the call to the provider and the check that nothing is left; {runs}",
        ),
        figures.plain(
            "until the receipt is signed", get_median(ours, "receipt"), "s", note="ledger sequenced"
        ),
        figures.make_limit_figure(
            "longest transaction",
            1000 * worst.longest,
            "ms",
            most=30,
            note=f"worst of {RUNS} runs: {worst.what};"
            f" the cascade: {get_median(theirs, 'longest'):.1f} s",
        ),
        figures.make_limit_figure(
            "memory on top",
            max(one.peak_mb for one in ours),
            "MB",
            most=FLAT_MB,
            note="rise of the process's peak, worst run;"
            f" the cascade: {max(one.peak_mb for one in theirs):.0f} MB",
        ),
    ]
