"""
Part of `graph`: the first sync of a large mailbox at Microsoft, within Graph's limits.

The sandbox enforces them, and our quota keeps within them: 10,000 requests in ten minutes and four
at once. Beside it, in the same run: a mailbox at Gmail, without a quota, and the way that asks for
the MIME of each message, on fewer messages. Both ways write the same rows of those, or nearly;
how many are equal is said.
"""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import orjson
from django.test import override_settings
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Organisation, User
from integrations.access import permits
from integrations.models import Integration, Message, SyncStage, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.providers import PROVIDERS
from integrations.providers.microsoft.graph_mail_adapter import GraphMailAdapter
from integrations.sync import sync_engine
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import json_sink
from limited_use.sinks.sealed_rows import SealedRow
from tests.bench import connecting, figures, measure, parsing, sizes, syncing
from tests.bench.figures import Figure
from tests.factories import actor_for, make_organisation, make_user
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.sandbox import Sandbox

LARGE, SMALL = sizes.choose_size(20_000, tiny=150), sizes.choose_size(1_000, tiny=60)
AT_GMAIL = sizes.choose_size(3_000, tiny=60)
LARGE_BOX, SMALL_BOX = "large@contoso.example", "small@contoso.example"
GMAIL_BOX = "large@gmail.example"
#: https://learn.microsoft.com/en-us/graph/throttling-limits
LIMITS: Final = {
    "graph_requests_per_ten_minutes": 10_000,
    "graph_app_requests_per_ten_seconds": 130_000,
    "graph_concurrency": 4,
    "graph_faults": "delta_without_headers sent_items_without_headers",
}
UNITS_PER_MINUTE: Final = 1_000
BATCH: Final = "/v1.0/$batch"
#: What is compared of a row, beside when it was received and how it is filed.
COMPARED: Final = ("subject", "from", "to", "cc", "bcc", "reply_to", "message_id")
_PATIENCE: Final = 1_200.0


Compared = tuple[int, int, Counter[str]]


@dataclass(frozen=True)
class Synced:
    """
    One first sync: processor and clock in seconds, messages, requests, and those refused.

    :param requests: as Graph counts them, batches by their parts
    :param round_trips: as they are sent
    """

    processor: float
    clock: float
    count: int
    requests: int
    round_trips: int
    throttled: int

    @property
    def per_core(self) -> float:
        return self.count / self.processor

    @property
    def per_thousand(self) -> float:
        return 1_000 * self.requests / self.count

    @property
    def sent_per_thousand(self) -> float:
        return 1_000 * self.round_trips / self.count


def measure_large_mailbox(sandbox: Sandbox) -> list[Figure]:
    """Return what it takes to bring in a mailbox of `LARGE` messages of all kinds."""
    microsoft = MicrosoftSandbox(sandbox)
    for email, size in ((LARGE_BOX, LARGE), (SMALL_BOX, SMALL)):
        microsoft.seed(email, size=size, seed=5, malformed=0, hostile=0)
    sandbox.seed(GMAIL_BOX, size=AT_GMAIL, seed=5, malformed=0, hostile=0)
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    open_box = partial(connecting.outlook_of, sandbox, alice, organisation)
    with _as_is_at_microsoft(sandbox):
        small, again = (open_box(email=SMALL_BOX) for _ in range(2))
        # Their quota would be waited for, and costs nothing.
        with override_settings(GRAPH_UNITS_PER_MINUTE=0), _by_mime():
            former = _measure_first_sync(sandbox, small)
        _measure_first_sync(sandbox, again)
        equal = _count_equal(small, again, actor_for(alice, organisation))
        ours = _measure_first_sync(sandbox, open_box(email=LARGE_BOX))
    gmail = _at_gmail(sandbox, alice, organisation)
    return _build_figures(ours, former, gmail, equal)


@contextmanager
def _as_is_at_microsoft(sandbox: Sandbox) -> Iterator[None]:
    before = {name: value for name, value in sandbox.dial().items() if name in LIMITS}
    sandbox.dial(**LIMITS)
    try:
        with override_settings(GRAPH_UNITS_PER_MINUTE=UNITS_PER_MINUTE):
            yield
    finally:
        sandbox.dial(**before)


@contextmanager
def _by_mime() -> Iterator[None]:
    """Read Outlook as it was read before: a request for the MIME of each message."""
    provider = PROVIDERS["microsoft"]
    options: dict[str, Any] = {}
    # A way that has pages can be told to do without them.
    if "always_mime" in inspect.signature(GraphMailAdapter).parameters:
        options["always_mime"] = True

    @contextmanager
    def open_mail(access: Any) -> Iterator[GraphMailAdapter]:
        yield GraphMailAdapter(access, **options)

    with _provider(replace(provider, open_mail=open_mail)):
        yield


@contextmanager
def _provider(provider: Any) -> Iterator[None]:
    providers: Any = PROVIDERS
    before = providers[provider.key]
    providers[provider.key] = provider
    try:
        yield
    finally:
        providers[provider.key] = before


def _measure_first_sync(sandbox: Sandbox, integration: Integration) -> Synced:
    """Return what the first sync takes, with the pauses that the quota wants."""
    sandbox.clear_journal()
    work = SyncWork.objects.get(integration=integration)
    with parsing.warm():
        processor, clock = measure.processor_time(), time.perf_counter()
        give_up_at = clock + _PATIENCE
        while _goes_on(work):
            if time.perf_counter() > give_up_at:
                raise AssertionError("the first sync does not end")
        spent = measure.processor_time() - processor, time.perf_counter() - clock
    found = sandbox.counters()
    calls = found["calls"]
    requests = sum(count for name, count in calls.items() if name.startswith("graph."))
    return Synced(
        *spent,
        count=Message.objects.filter(integration=integration).count(),
        requests=requests,
        round_trips=requests - found["batch_parts"] + calls.get(BATCH, 0),
        throttled=sum(count for name, count in found["statuses"].items() if name.endswith(" 429")),
    )


def _goes_on(work: SyncWork) -> bool:
    """Take a turn when the work is due; return whether the first sync goes on."""
    work.refresh_from_db()
    if work.stage == SyncStage.DELTA and work.first_synced_at is not None:
        return False
    wait = (work.next_sync_at - timezone.now()).total_seconds()
    time.sleep(max(0.0, wait))
    sync_engine.run_sync_turn(
        PRODUCTS, work_id=work.id, at=timezone.now(), time_budget=timedelta(minutes=5)
    )
    return True


def _at_gmail(sandbox: Sandbox, user: User, organisation: Organisation) -> syncing.SyncFigures:
    # Makes the sandbox render every message once.
    syncing.measure_first_sync(connecting.mailbox_of(sandbox, user, organisation, email=GMAIL_BOX))
    return syncing.measure_first_sync(
        connecting.mailbox_of(sandbox, user, organisation, email=GMAIL_BOX)
    )


def _count_equal(one: Integration, other: Integration, actor: Actor) -> Compared:
    """
    Return how many rows two ways of reading have in common, how many there are, and how many
    differ in which field.
    """
    rows, others = _read_stored_rows(one, actor), _read_stored_rows(other, actor)
    if rows.keys() != others.keys():
        raise AssertionError("the two ways read different messages")
    differing = Counter(
        name for key, row in rows.items() for name in row if row[name] != others[key][name]
    )
    return sum(rows[key] == others[key] for key in rows), len(rows), differing


def _read_stored_rows(integration: Integration, actor: Actor) -> dict[str, Any]:
    rows = list(Message.objects.filter(integration=integration))
    at = timezone.now()
    granted = permits.to_display(
        actor=actor,
        counts={integration.id: len(rows)},
        data_classes=(DataClass.MAIL_METADATA,),
        at=at,
    )

    def shape(row: Message, opened: Any) -> dict[str, Any]:
        summary = orjson.loads(opened["summary"])
        return {
            "id": summary["provider_id"],
            "at": row.received_at.isoformat(),
            "filed": [row.is_unread, row.is_starred, row.has_attachments, sorted(row.folders)],
            **{name: summary.get(name) for name in COMPARED},
            # Without our own ids of them.
            "attachments": [one[1:] for one in summary["attachments"]],
        }

    page = json_sink.render_json_page(
        [SealedRow(row, {"summary": row.summary}) for row in rows],
        permits=granted,
        actor=actor,
        shape=shape,
        at=at,
    )
    return {one["id"]: one for one in orjson.loads(page)["items"]}


def _build_figures(
    ours: Synced, former: Synced, gmail: syncing.SyncFigures, equal: Compared
) -> list[Figure]:
    at_once = f"{ours.count:,} messages, Graph's limits on; {ours.throttled} requests got 429"
    by_mime = f"a request for the MIME of each, {former.count:,} messages"
    processor = "processor time, parsers included"
    return [
        figures.make_limit_figure(
            f"first sync of {LARGE:,} messages", ours.clock / 60, "min", most=4.0, note=at_once
        ),
        figures.make_limit_figure(
            "requests sent per 1,000 messages",
            ours.sent_per_thousand,
            "requests",
            most=120.0,
            note="a batch is one; folders and listings too",
        ),
        figures.make_limit_figure(
            "… as Graph counts them",
            ours.per_thousand,
            "requests",
            most=120.0,
            note=f"batches by their parts; {by_mime}: {former.per_thousand:,.0f}",
        ),
        figures.make_times_figure(
            "messages per second and core",
            ours.per_core,
            "/s",
            baseline=gmail.per_core,
            against="Gmail",
            least=0.5,
            more_is_better=True,
            note=f"{processor}; {gmail.count:,} messages at Gmail, without a quota",
        ),
        figures.make_times_figure(
            "… and by the MIME of each",
            ours.per_core,
            "/s",
            baseline=former.per_core,
            against=by_mime,
            more_is_better=True,
            note=processor,
        ),
        figures.plain(
            "rows that both ways write alike",
            100 * equal[0] / equal[1],
            "%",
            note=f"{equal[0]:,} of {equal[1]:,}: when, how filed, attachments,"
            f" {', '.join(COMPARED)}; differing: {dict(equal[2]) or 'none'}",
        ),
    ]
