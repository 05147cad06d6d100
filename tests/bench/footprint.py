"""
Resident memory of a worker and of the web server, idle and after a mailbox of 10,000 messages; and
of that worker once it has brought in a mailbox at Microsoft as well. And of the parser processes
that read the mailbox for the worker.

The processes are started as the demo starts them. Shared pages are counted by share (PSS), children
of a process with it, parser processes apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import redis
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from config.embedded.embedded_service import RunningService
from config.process_classes import ProcessClass
from integrations.models import Message, SyncWork
from integrations.tasks.sync import sweep_sync, sync_mail
from tests.bench import connecting, figures, google, memory, processes, sizes
from tests.bench.figures import Figure
from tests.factories import make_organisation, make_user
from tests.worlds.microsoft import MicrosoftSandbox
from tests.worlds.sandbox import Sandbox

MESSAGES = sizes.choose_size(10_000, tiny=60)
# Enough to have its client library, its loop and its connections at work.
OUTLOOK_MESSAGES = sizes.choose_size(1_000, tiny=40)
PATIENCE = 240  # seconds


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    sandbox.seed(connecting.EMAIL, size=MESSAGES, seed=7)
    google.remove_limits(sandbox)
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    integration = connecting.mailbox_of(sandbox, alice, organisation)
    work = SyncWork.objects.get(integration=integration)
    # Not due yet: the sweep below finds nothing, and shows that the worker takes tasks.
    SyncWork.objects.filter(id=work.id).update(next_sync_at=timezone.now().replace(year=2100))
    client = Client()
    client.force_login(alice)
    with (
        processes.start_processes(ProcessClass.SYNC) as service,
        httpx.Client(base_url=service.url, timeout=60) as browser,
    ):
        browser.cookies.set(settings.SESSION_COOKIE_NAME, client.session.session_key)
        browser.get("/v1/users/me/messages").raise_for_status()
        sweep_sync.delay()
        _wait(lambda: not _count_queued_tasks(), "the worker to take a task")
        idle = _resident(service)
        began = time.perf_counter()
        SyncWork.objects.filter(id=work.id).update(next_sync_at=timezone.now())
        sync_mail.delay(work_id=str(work.id))
        _wait(lambda: _is_synced(work), "the mailbox to be synced")
        seconds = time.perf_counter() - began
        of_parsers = _of_parsers(service)
        read = sum(len(page) for page in _read_inbox_pages(browser))
        after = _resident(service)
        both = _with_microsoft(service, sandbox, alice, organisation)
    count = Message.objects.filter(integration=integration).count()
    if read != count or count < 0.9 * MESSAGES:
        raise AssertionError(f"{count} messages were synced, and {read} of them read")
    said = f"{count:,} messages in {seconds:.0f} s"
    if not of_parsers:
        raise AssertionError("the worker read the mailbox without a parser process")
    return [
        _build_figure(
            "worker after the sync", "worker-sync", idle, after, f"4 threads, one process; {said}"
        ),
        _build_figure(
            "web server after reading them all", "web", idle, after, f"4 threads; {read:,} read"
        ),
        figures.plain(
            "its parser processes, together",
            sum(of_parsers),
            "MB",
            note=f"{len(of_parsers)}, right after the sync: idle, they end within seconds",
        ),
        figures.make_ratio_figure(
            "worker with Microsoft in use",
            both["worker-sync"],
            "MB",
            baseline=after["worker-sync"],
            against="the same worker, with Google alone",
            note=f"after {OUTLOOK_MESSAGES:,} messages of Outlook",
        ),
    ]


def _with_microsoft(
    service: RunningService, sandbox: Sandbox, user: User, organisation: Organisation
) -> dict[str, float]:
    """Have the same worker bring in a mailbox at Microsoft, and return what is held then."""
    MicrosoftSandbox(sandbox).seed(connecting.OUTLOOK, size=OUTLOOK_MESSAGES, seed=8)
    integration = connecting.outlook_of(sandbox, user, organisation)
    work = SyncWork.objects.get(integration=integration)
    sync_mail.delay(work_id=str(work.id))
    _wait(lambda: _is_synced(work), "the mailbox at Microsoft to be synced")
    return _resident(service)


def _resident(service: RunningService) -> dict[str, float]:
    # What is about to be freed is: tasks and requests end a moment after their answer.
    time.sleep(1)
    return {
        name: memory.resident(found.pid) - sum(map(memory.of_one, memory.parsers(found.pid)))
        for name, found in service.processes.items()
    }


def _of_parsers(service: RunningService) -> list[float]:
    """Return what each parser process of the worker holds, before it ends for want of tasks."""
    return [memory.of_one(pid) for pid in memory.parsers(service.processes["worker-sync"].pid)]


def _count_queued_tasks() -> int:
    broker = redis.Redis.from_url(settings.BROKER_URL.replace("redis+socket", "unix"))
    with broker:
        return int(broker.llen(settings.CELERY_TASK_DEFAULT_QUEUE))


def _is_synced(work: SyncWork) -> bool:
    work.refresh_from_db(fields=["last_synced_at"])
    return work.last_synced_at is not None


def _wait(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE} s for {what}")
        time.sleep(0.2)


def _read_inbox_pages(browser: httpx.Client) -> Iterator[list[object]]:
    """Yield all pages of the inbox, as a client reads them."""
    cursor = None
    while True:
        parameters = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        answer = browser.get("/v1/users/me/messages", params=parameters).raise_for_status().json()
        yield answer["data"]
        cursor = answer["next_cursor"]
        if cursor is None:
            return


def _build_figure(
    name: str, process: str, idle: dict[str, float], after: dict[str, float], note: str
) -> Figure:
    return figures.make_ratio_figure(
        name, after[process], "MB", baseline=idle[process], against="the same, idle", note=note
    )
