"""
Ten mailboxes in which mail arrives, six messages a second, one in twenty of them hostile.

The processes are started as the demo starts them, and are told of mail by the sandbox's pushes. A
message is readable when its owner finds it in the list of the API and opens it with its text. Each
list is asked for about once a second, which is in the delays. One hostile message of each kind is
sent before: the memory that a process keeps from then on is the beginning that its end is compared
with.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import httpx
from django.conf import settings
from django.test import Client

from accounts.models import Organisation
from config.embedded import sandbox_seed
from config.embedded.embedded_service import RunningService
from config.process_classes import ProcessClass
from config.push_settings import PUBSUB_PATH
from integrations.models import Integration, Message, SetAside, SyncWork, Watch, WatchStatus
from integrations.tasks.sync import sync_mail
from integrations.tasks.watches import sweep_watches
from tests.bench import connecting, figures, google, measure, processes, sizes, usage
from tests.bench.figures import Figure
from tests.bench.hostile_delivery import SUBJECT, Delivery
from tests.bench.usage import PARSERS, Usage
from tests.factories import make_organisation, make_user
from tests.worlds.sandbox import Sandbox

SECONDS = sizes.choose_size(600, tiny=60)
PER_SECOND = 6
MAILBOX_COUNT = 10
# One in so many is hostile.
HOSTILE = 20
# Seconds within which every good message has to be readable.
GOAL = 10
# Seconds to begin, and after the last message was sent, for those that are late.
PATIENCE = 180
# What is compared of memory: the first and the last minute, or a quarter of a short run.
WINDOW = min(60.0, SECONDS / 4)
_NAMES = {"worker-sync": "worker", "web": "web server", PARSERS: "a parser process"}


@dataclass
class Mailbox:
    """
    A mailbox and its owner's browser.

    :param before: how many messages there were before the first was sent
    :param delays: seconds until a message was readable, by subject
    """

    email: str
    integration: Integration
    browser: httpx.Client
    before: int = 0
    delays: dict[str, float] = field(default_factory=dict)

    def look(self, delivery: Delivery, *, limit: int = 50, cursor: str = "") -> str | None:
        """Open what is new in a page of the list; return the cursor of the next."""
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = self._get("/v1/users/me/messages", **query)
        for listed in page["data"]:
            subject = listed["subject"]
            if subject.startswith(SUBJECT) and subject not in self.delays:
                good = delivery.good[subject]
                self._open(listed["id"], good.token)
                self.delays[subject] = time.monotonic() - good.sent_at
        return page["next_cursor"]

    def _open(self, message_id: str, token: str) -> None:
        if token not in str(self._get(f"/v1/users/me/messages/{message_id}")):
            raise AssertionError("a message was opened without its text")

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.browser.get(path, params=query).raise_for_status().json()
        return found

    def count_kept(self) -> int:
        """Return how many of the messages sent are stored."""
        return Message.objects.filter(integration=self.integration).count() - self.before

    def count_set_aside(self) -> int:
        return SetAside.objects.filter(integration=self.integration).count()


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    google.remove_limits(sandbox)
    organisation = make_organisation()
    with ExitStack() as stack:
        service = stack.enter_context(
            processes.start_processes(ProcessClass.SYNC, ProcessClass.PURGE, beat=True)
        )
        sandbox.subscribe(
            sandbox_seed.TOPIC, service.url + PUBSUB_PATH, account=sandbox_seed.PUSH_ACCOUNT
        )
        boxes = [
            _connect(stack, sandbox, service, organisation, number)
            for number in range(MAILBOX_COUNT)
        ]
        _begin_syncing(boxes)
        delivery = Delivery(sandbox, [box.email for box in boxes], PER_SECOND, HOSTILE)
        delivery.send_each_kind()
        _wait_for_hostile(delivery, boxes)
        used = stack.enter_context(usage.observe_usage(service))
        begin = time.monotonic()
        _exchange(delivery, boxes)
        end = time.monotonic()
        _wait_for_hostile(delivery, boxes)
        stack.pop_all().close()
    return [
        *_of_messages(delivery, boxes),
        *(_of_memory(used, name, begin, end) for name in _NAMES),
        *(_of_processor(used, name) for name in _NAMES),
    ]


def _connect(
    stack: ExitStack,
    sandbox: Sandbox,
    service: RunningService,
    organisation: Organisation,
    number: int,
) -> Mailbox:
    email = f"person{number}@gmail.example"
    sandbox.seed(email, size=20, seed=number)
    user = make_user(f"person{number}", organisation=organisation)
    integration = connecting.mailbox_of(sandbox, user, organisation, email=email)
    client = Client()
    client.force_login(user)
    browser = stack.enter_context(httpx.Client(base_url=service.url, timeout=60))
    browser.cookies.set(settings.SESSION_COOKIE_NAME, client.session.session_key)
    return Mailbox(email, integration, browser)


def _begin_syncing(boxes: list[Mailbox]) -> None:
    """Have all mailboxes synced and watched, and their owners known to the web server."""
    ids = [box.integration.id for box in boxes]
    works = SyncWork.objects.filter(integration__in=ids)
    for work in works:
        sync_mail.delay(work_id=str(work.id))
    _wait(lambda: not works.filter(last_synced_at=None).exists(), "the first sync of all mailboxes")
    sweep_watches.delay()
    live = Watch.objects.filter(integration__in=ids, status=WatchStatus.LIVE)
    _wait(lambda: live.count() == len(ids), "a watch of every mailbox")
    for box in boxes:
        box.before = box.count_kept()


def _exchange(delivery: Delivery, boxes: list[Mailbox]) -> None:
    """Send and read, until everything good was read."""
    sending = Thread(target=delivery.send, args=(SECONDS,), daemon=True)
    sending.start()
    while sending.is_alive():
        _look_at_all(delivery, boxes)
    until = time.monotonic() + PATIENCE
    while _count_read(boxes) < len(delivery.good):
        if time.monotonic() > until:
            raise AssertionError(_describe_missing(delivery, boxes))
        for box in boxes:
            # All of it: what is late may be older than the first page.
            cursor = box.look(delivery, limit=200)
            while cursor:
                cursor = box.look(delivery, limit=200, cursor=cursor)
        time.sleep(1)


def _look_at_all(delivery: Delivery, boxes: list[Mailbox]) -> None:
    begin = time.monotonic()
    for number, box in enumerate(boxes):
        time.sleep(max(0.0, begin + number / len(boxes) - time.monotonic()))
        box.look(delivery)


def _count_read(boxes: list[Mailbox]) -> int:
    return sum(len(box.delays) for box in boxes)


def _describe_missing(delivery: Delivery, boxes: list[Mailbox]) -> str:
    by_email = {box.email: len(box.delays) for box in boxes}
    for good in delivery.good.values():
        by_email[good.email] -= 1
    missing = ", ".join(f"{-count} of {email}" for email, count in by_email.items() if count)
    return f"good messages that never became readable: {missing}"


def _wait_for_hostile(delivery: Delivery, boxes: list[Mailbox]) -> None:
    """Wait for the last of them, and go on without: how many there are is a figure."""
    count = len(delivery.good) + delivery.hostile_count
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if sum(box.count_kept() + box.count_set_aside() for box in boxes) >= count:
            return
        time.sleep(1)


def _wait(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            raise AssertionError(f"waited {PATIENCE} s for {what}")
        time.sleep(0.2)


def _of_messages(delivery: Delivery, boxes: list[Mailbox]) -> list[Figure]:
    delays = [delay for box in boxes for delay in box.delays.values()]
    in_time = sum(delay <= GOAL for delay in delays)
    set_aside = sum(box.count_set_aside() for box in boxes)
    stored = sum(box.count_kept() for box in boxes) - len(delays)
    rate = f"{PER_SECOND} messages/s over {len(boxes)} mailboxes for {SECONDS:,} s"
    return [
        figures.make_least_figure(
            f"good messages readable within {GOAL} s",
            100 * in_time / len(delays),
            "%",
            least=100,
            note=f"{len(delays):,} of {len(delivery.good):,} were read; {rate}",
        ),
        figures.plain("… until one is readable, median", measure.median(delays), "s"),
        figures.plain("… 95th percentile", measure.p95(delays), "s"),
        figures.make_limit_figure("… the slowest", max(delays), "s", most=GOAL),
        figures.make_least_figure(
            "hostile messages stored or set aside",
            100 * (stored + set_aside) / delivery.hostile_count,
            "%",
            least=100,
            note=f"of {delivery.hostile_count}, {stored} stored and {set_aside} set aside",
        ),
    ]


def _of_memory(used: Usage, name: str, begin: float, end: float) -> Figure:
    samples = used.window(name, begin=begin, end=end)
    if not samples:
        raise AssertionError(f"{name}: no memory was seen")
    # By number, not by time: there is not a parser process at every moment.
    count = max(1, min(int(WINDOW / usage.INTERVAL), len(samples) // 2))
    first, last = samples[:count], samples[-count:]
    peak = max(size for _, size in used.held[name])
    return figures.make_ratio_figure(
        f"memory of {_NAMES[name]}",
        measure.median(last),
        "MB",
        baseline=measure.median(first),
        against=f"the same, at the beginning ({WINDOW:.0f} s each)",
        most=1.1,
        note=f"PSS, medians of {len(first)} and {len(last)} samples; at most {peak:.0f} MB",
    )


def _of_processor(used: Usage, name: str) -> Figure:
    what = "all parser processes" if name == PARSERS else _NAMES[name]
    note = "of one core; while messages were sent, and until the last was found"
    return figures.plain(
        f"processor time of {what}", 100 * used.spent[name] / SECONDS, "%", note=note
    )
