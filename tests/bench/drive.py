"""
A file of 1 GB on its way into a Drive: memory of web server and worker, and throughput.

The sandbox answers each request 20 ms later, and computes the one checksum that the service
compares. Baselines: a bare httpx stream to an upload session, the same with a digest, and
`MediaFileUpload` of Google's client with its default chunks. The goal is about the leg to the
Drive. Client or web process, digest and sandbox share the cores, so that the digest alone costs a
part of the bare stream's rate: one row shows it. The whole way has a client (httpx, in this
process) and a web process more.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx
from django.conf import settings
from django.test import Client
from django.utils import timezone
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.http import MediaFileUpload

from accounts import row_owner
from accounts.models import Organisation, User
from config.embedded.embedded_service import RunningService
from config.process_classes import ProcessClass
from integrations.access.request_context import RequestContext
from integrations.drive import upload_stream, uploads
from integrations.models import DriveFile, DriveFileState, Integration, SyncWork
from tests.bench import connecting, figures, google, memory, processes, sizes
from tests.bench.figures import Figure
from tests.factories import (
    actor_for,
    make_connection,
    make_consent,
    make_integration,
    make_organisation,
    make_user,
)
from tests.worlds.sandbox import Sandbox

MIB: Final = 1024 * 1024
LARGE: Final = sizes.choose_size(1000 * MIB, tiny=4 * MIB)
TIMED: Final = sizes.choose_size(1000 * MIB, tiny=2 * MIB)
RUNS: Final = sizes.choose_size(7, tiny=1)
LATENCY: Final = 0.02
MOST_MEGABYTES: Final = 32.0
LEAST_RATIO: Final = 0.9
EMAIL: Final = "alice@gmail.example"
DRIVE_FILE: Final = "https://www.googleapis.com/auth/drive.file"
FILES: Final = "/v1/users/me/files"
BODY_TYPE: Final = "application/offset+octet-stream"
PATIENCE: Final = 240
_BLOCK: Final = bytes(range(256)) * (MIB // 256)


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    google.remove_limits(sandbox)
    sandbox.dial(
        drive_units_per_minute=0,
        drive_project_units_per_minute=0,
        drive_checksums="sha256",
        latency_seconds=LATENCY,
    )
    sandbox.seed(EMAIL, size=0)
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    tokens = sandbox.authorize(EMAIL, f"openid email {DRIVE_FILE}")
    drive = connect_drive(alice, organisation, tokens)
    with processes.start_processes(ProcessClass.SYNC) as service, ExitStack() as stack:
        browser = stack.enter_context(closing(open_browser(service, alice)))
        _upload(browser, 2 * MIB)
        _upload(browser, 2 * MIB, piece=MIB)
        _wait_until_done()
        rises = _measure_memory(service, browser)
        rates = _measure_rates(sandbox, browser, tokens["access_token"], drive)
    count = DriveFile.objects.filter(state=DriveFileState.DONE).count()
    if count != DriveFile.objects.count():
        raise AssertionError("not every file arrived")
    return [*rises, *rates]


def connect_drive(user: User, organisation: Organisation, tokens: dict[str, Any]) -> Integration:
    connection = make_connection(
        user,
        organisation,
        email=EMAIL,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        scopes=("email", "openid", DRIVE_FILE),
    )
    make_consent(connection, "drive")
    drive = make_integration(connection, product="drive", consent=False, horizon_days=None)
    # Nothing of a Drive is synced.
    SyncWork.objects.filter(integration=drive).delete()
    return drive


def open_browser(service: RunningService, user: User) -> httpx.Client:
    """Return a signed-in browser with its form token."""
    client = Client()
    client.force_login(user)
    browser = httpx.Client(base_url=service.url, timeout=PATIENCE)
    browser.cookies.set(settings.SESSION_COOKIE_NAME, client.session.session_key)
    browser.get("/inbox/search/").raise_for_status()
    browser.headers.update(
        {
            "Tus-Resumable": "1.0.0",
            "X-CSRFToken": browser.cookies[settings.CSRF_COOKIE_NAME],
            "Origin": service.url,
            "Referer": service.url,
        }
    )
    return browser


def _upload(browser: httpx.Client, size: int, *, piece: int | None = None) -> str:
    """:param piece: bytes of one request; None: all"""
    created = browser.post(f"{FILES}?again=true", headers={"Upload-Length": str(size)})
    created.raise_for_status()
    address = created.headers["Location"]
    offset = 0
    while offset < size:
        length = min(piece or size, size - offset)
        answer = browser.patch(
            address,
            content=_iterate(length),
            headers={
                "Upload-Offset": str(offset),
                "Content-Length": str(length),
                "Content-Type": BODY_TYPE,
            },
        )
        answer.raise_for_status()
        offset = int(answer.headers["Upload-Offset"])
    return address


def _iterate(size: int) -> Iterator[bytes]:
    for start in range(0, size, MIB):
        yield _BLOCK[: min(MIB, size - start)]


def _wait_until_done() -> None:
    until = time.monotonic() + PATIENCE
    while DriveFile.objects.exclude(state=DriveFileState.DONE).exists():
        if time.monotonic() > until:
            raise AssertionError("a file was not settled")
        time.sleep(0.2)


def _measure_memory(service: RunningService, browser: httpx.Client) -> list[Figure]:
    """Of a file in one request at the web server; of one in pieces, compared by the worker."""
    size = f"{LARGE // MIB:,} MiB"
    with PeakMemory(service.processes["web"].pid) as web:
        _upload(browser, LARGE)
    with PeakMemory(service.processes["worker-sync"].pid) as worker:
        _upload(browser, LARGE, piece=64 * MIB)
        _wait_until_done()
    return [
        figures.make_limit_figure(
            f"web server, above idle, {size} in one request",
            web.rise,
            "MB",
            most=MOST_MEGABYTES,
        ),
        figures.make_limit_figure(
            f"worker, above idle, comparing {size} that came in pieces",
            worker.rise,
            "MB",
            most=MOST_MEGABYTES,
        ),
    ]


class PeakMemory:
    """The rise of the resident memory of a process and its descendants, in megabytes."""

    def __init__(self, pid: int) -> None:
        self._processes = [Path(f"/proc/{member}") for member in memory.family(pid)]
        self.rise = 0.0

    def __enter__(self) -> Self:
        for process in self._processes:
            (process / "clear_refs").write_text("5")
        self._before = self._read("VmRSS:")
        return self

    def __exit__(self, *_: object) -> None:
        self.rise = max(0.0, self._read("VmHWM:") - self._before)

    def _read(self, name: str) -> float:
        return sum(
            int(line.split()[1]) / 1024
            for process in self._processes
            for line in (process / "status").read_text().splitlines()
            if line.startswith(name)
        )


@dataclass(frozen=True)
class Sender:
    name: str
    send: Callable[[], None]


def _measure_rates(
    sandbox: Sandbox, browser: httpx.Client, token: str, drive: Integration
) -> list[Figure]:
    with tempfile.NamedTemporaryFile() as file, httpx.Client(timeout=PATIENCE) as http:
        for block in _iterate(TIMED):
            file.write(block)
        file.flush()
        senders = (
            Sender("leg", lambda: _send_from_here(sandbox, drive)),
            Sender("whole", lambda: _upload_and_check(browser)),
            Sender("stream", lambda: _stream(http, sandbox, token, _iterate(TIMED))),
            Sender("digested", lambda: _stream(http, sandbox, token, _digest(_iterate(TIMED)))),
            Sender("library", lambda: _use_library(sandbox, token, file.name)),
        )
        seconds: dict[str, list[float]] = {sender.name: [] for sender in senders}
        for _ in range(RUNS):
            for sender in senders:
                began = time.perf_counter()
                sender.send()
                seconds[sender.name].append(time.perf_counter() - began)
                _delete_remote_files(sandbox)
    rates = {name: TIMED / MIB / statistics.median(times) for name, times in seconds.items()}
    size = f"{TIMED // MIB:,} MiB"
    leg = f"{size} to the Drive, with lease, fence and digest"
    digested = f"{size}, a bare httpx stream with a SHA-256 in a second thread"
    whole = f"{size} the whole way, from a client through the web server"
    baselines = {
        "stream": "a bare httpx stream to the session",
        "digested": "that stream with a SHA-256 in a second thread, without set-up",
        "library": "MediaFileUpload, resumable",
    }
    return [
        figures.make_times_figure(
            label,
            rates[sender],
            "MiB/s",
            baseline=rates[baseline],
            against=baselines[baseline],
            least=least,
            more_is_better=True,
        )
        for label, sender, baseline, least in (
            (leg, "leg", "stream", LEAST_RATIO),
            (leg, "leg", "digested", None),
            (leg, "leg", "library", None),
            (digested, "digested", "stream", None),
            (whole, "whole", "stream", None),
            (whole, "whole", "library", None),
        )
    ]


def _send_from_here(sandbox: Sandbox, drive: Integration) -> None:
    """Pass bytes on as a web process does, without the way from its client."""
    context = _get_context(drive)
    with row_owner.acting_for(context.user_id, drive.connection.organisation_id):
        file = uploads.create_file(
            context,
            drive,
            size=TIMED,
            filename="leg.bin",
            content_type="application/octet-stream",
            again=True,
        )
        received = upload_stream.append_body(
            file, context.actor, _Blocks(TIMED).read, offset=0, length=TIMED
        )
        file.refresh_from_db()
    if received != TIMED or file.state != DriveFileState.DONE:
        raise AssertionError(f"{received} bytes, {file.state}")


class _Blocks:
    def __init__(self, size: int) -> None:
        self._missing = size

    def read(self, size: int) -> bytes:
        block = _BLOCK[: min(size, self._missing)]
        self._missing -= len(block)
        return block


def _get_context(drive: Integration) -> RequestContext:
    account = drive.connection
    return RequestContext(
        actor_for(account.user, account.organisation), account.user_id, timezone.now()
    )


def _delete_remote_files(sandbox: Sandbox) -> None:
    """Otherwise the sandbox's disk is written to during the next run, and its storage fills up."""
    for file in sandbox.drive_files(EMAIL):
        if file["size"] and not file["deleted"]:
            sandbox.change_file(EMAIL, file["id"], deleted=True)


def _upload_and_check(browser: httpx.Client) -> None:
    address = _upload(browser, TIMED)
    state = DriveFile.objects.get(id=address.rpartition("/")[2]).state
    if state != DriveFileState.DONE:
        raise AssertionError(f"the file is {state}")


def _digest(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks. Sender, digest and sandbox share the cores: this is what a digest costs."""
    sha256, update = hashlib.sha256(), None
    with ThreadPoolExecutor(max_workers=1) as threads:
        for block in blocks:
            if update is not None:
                update.result()
            update = threads.submit(sha256.update, block)
            yield block


def _stream(http: httpx.Client, sandbox: Sandbox, token: str, blocks: Iterator[bytes]) -> None:
    session = http.post(
        f"{sandbox.url}/upload/drive/v3/files?uploadType=resumable",
        json={"name": "stream.bin"},
        headers={"Authorization": f"Bearer {token}", "X-Upload-Content-Length": str(TIMED)},
    )
    session.raise_for_status()
    answer = http.put(
        session.headers["Location"],
        content=blocks,
        headers={"Content-Length": str(TIMED)},
    )
    answer.raise_for_status()


def _use_library(sandbox: Sandbox, token: str, path: str) -> None:
    document = json.loads(get_static_doc("drive", "v3"))
    document["rootUrl"] = f"{sandbox.url}/"
    document["baseUrl"] = f"{sandbox.url}/drive/v3/"
    document.pop("mtlsRootUrl", None)
    service = build_from_document(document, credentials=Credentials(token))
    media = MediaFileUpload(path, "application/octet-stream", resumable=True)
    request = service.files().create(body={"name": "library.bin"}, media_body=media)
    response = None
    while response is None:
        _, response = request.next_chunk()
