"""
The first sync of a mailbox, against the loop that one would write first.

Both read the same mailbox at the sandbox, which has no quota and answers as fast as it can. The
loop is `messages.list` and `messages.get` through Google's client library, the text taken from the
payload, plain rows written by `bulk_create`, 500 at a time.

Processor time is that of the syncing process and of its parser processes together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Organisation, User
from integrations.access import permits
from integrations.models import Integration, Message, MessageBody, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.sync import sync_engine
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import json_sink
from limited_use.sinks.sealed_rows import SealedRow
from tests.bench import figures, google, measure, parsing, realistic, sizes
from tests.bench.connecting import EMAIL, get_sandbox_with_client, mailbox_of
from tests.bench.figures import Figure
from tests.bench.loop import Loop
from tests.bench.models import PlainBody, PlainMessage
from tests.factories import (
    actor_for,
    make_organisation,
    make_user,
)
from tests.worlds.sandbox import Sandbox

MESSAGES = sizes.choose_size(realistic.SIZE, tiny=60)
RUNS = sizes.choose_size(3, tiny=1)
# Nine tenths of what it was before messages were read in processes of their own.
LEAST_PER_CORE = 0.9 * 1_920


@dataclass(frozen=True)
class SyncFigures:
    """
    One run: seconds of the processor and of the clock, messages written, units charged.

    The processor's are of the syncing process and of all that it started.
    """

    processor: float
    clock: float
    count: int
    units: int

    @property
    def per_core(self) -> float:
        return self.count / self.processor


def run_benchmark() -> list[Figure]:
    sandbox = get_sandbox_with_client()
    sandbox.seed(EMAIL, size=MESSAGES, seed=realistic.SEED)
    google.remove_limits(sandbox)
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    # Makes the sandbox render every message once; and what is listed is what there is to sync.
    Loop(sandbox, EMAIL).read(alice)
    expected = PlainMessage.objects.count()
    ours, theirs = [], []
    for _ in range(RUNS):
        PlainMessage.objects.all().delete()
        ours.append(_measure_sync(sandbox, alice, organisation, expected))
        theirs.append(_measure_plain_loop(sandbox, alice, expected))
    _same_text(actor_for(alice, organisation))
    return _build_figures(ours, theirs, Loop(sandbox, EMAIL), expected)


def _measure_sync(
    sandbox: Sandbox, user: User, organisation: Organisation, expected: int
) -> SyncFigures:
    before = sandbox.units()
    found = measure_first_sync(mailbox_of(sandbox, user, organisation))
    if found.count != expected:
        raise AssertionError(f"{found.count} of {expected} messages were synced")
    return replace(found, units=sandbox.units() - before)


def measure_first_sync(integration: Integration) -> SyncFigures:
    """Return what it takes to bring in a mailbox of which nothing is here; units are not seen."""
    work = SyncWork.objects.get(integration=integration)
    with parsing.warm():
        processor, clock = measure.processor_time(), time.perf_counter()
        while sync_engine.run_sync_turn(
            PRODUCTS, work_id=work.id, at=_make_due(work), time_budget=timedelta(minutes=5)
        ):
            pass
        spent = measure.processor_time() - processor, time.perf_counter() - clock
    count = Message.objects.filter(integration=integration).count()
    if MessageBody.objects.filter(integration_id=integration.id).count() != count:
        raise AssertionError("some messages have no body")
    return SyncFigures(*spent, count, 0)


def _make_due(work: SyncWork) -> datetime:
    at = timezone.now()
    SyncWork.objects.filter(id=work.id).update(next_sync_at=at)
    return at


def _measure_plain_loop(sandbox: Sandbox, user: User, expected: int) -> SyncFigures:
    reader = Loop(sandbox, EMAIL)
    before = sandbox.units()
    processor, clock = measure.processor_time(), time.perf_counter()
    reader.read(user)
    found = SyncFigures(
        measure.processor_time() - processor,
        time.perf_counter() - clock,
        PlainMessage.objects.count(),
        sandbox.units() - before,
    )
    if (found.count, PlainBody.objects.count()) != (expected, expected):
        raise AssertionError(f"the loop wrote {found.count} of {expected} messages")
    return found


def _same_text(actor: Actor) -> None:
    """Open what was sealed last, and compare it with what the loop wrote in plain."""
    integration = Integration.objects.order_by("id").last()
    rows = list(Message.objects.filter(integration=integration).select_related("body"))
    at = timezone.now()
    granted = permits.to_display(
        actor=actor,
        counts={integration.id: len(rows)},
        data_classes=(DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT),
        at=at,
    )

    def shape(_: Any, opened: Any) -> dict[str, Any]:
        summary, content = orjson.loads(opened["summary"]), orjson.loads(opened["content"])
        return {"id": summary["provider_id"], "text": content["text"] or content["html"]}

    page = json_sink.render_json_page(
        [SealedRow(row, {"summary": row.summary, "content": row.body.content}) for row in rows],
        permits=granted,
        actor=actor,
        shape=shape,
        at=at,
    )
    texts = {one["id"]: one["text"] for one in orjson.loads(page)["items"]}
    plain = dict(PlainBody.objects.values_list("message__remote_id", "content"))
    if texts.keys() != plain.keys():
        raise AssertionError("the two read different messages")
    # Parsers differ on broken mail; on nearly all of it they may not.
    same = sum(bool(text) == bool(plain[one]) for one, text in texts.items())
    if same < 0.98 * len(texts):
        raise AssertionError(f"only {same} of {len(texts)} messages have the text that they should")


def _build_figures(
    ours: list[SyncFigures], theirs: list[SyncFigures], mailbox: Loop, expected: int
) -> list[Figure]:
    def get_median(found: list[SyncFigures], name: str) -> float:
        return measure.median(getattr(one, name) for one in found)

    units = get_median(ours, "units") / expected
    threads = mailbox.threads()
    if MESSAGES == realistic.SIZE and threads != realistic.THREADS:
        raise AssertionError("the mailbox is not the one whose bound is written down")
    least = realistic.least_units(threads)
    runs = f"{expected:,} messages, median of {RUNS} in turn"
    return [
        figures.make_least_figure(
            "messages per second and core",
            get_median(ours, "per_core"),
            "/s",
            least=LEAST_PER_CORE,
            baseline=get_median(theirs, "per_core"),
            against="the plain loop, which parses in its own process and seals nothing",
            note=f"processor time of the syncing process and its parsers; {runs}",
        ),
        figures.make_times_figure(
            "messages per second by the clock",
            expected / get_median(ours, "clock"),
            "/s",
            baseline=expected / get_median(theirs, "clock"),
            against="the plain loop",
            more_is_better=True,
            note="sandbox and database share the machine",
        ),
        figures.make_ratio_figure(
            "quota units per message",
            units,
            "units",
            baseline=least / expected,
            against="the lower bound of these threads",
            most=1.05,
            note=f"{least:,} units at least, for threads by size: {threads}",
        ),
        figures.make_ratio_figure(
            "… and of one call per message",
            units,
            "units",
            baseline=float(realistic.MESSAGE_UNITS),
            against="20 units each",
            note=f"the loop paid {get_median(theirs, 'units') / expected:.2f},"
            " its listing included",
        ),
    ]
