"""
200 files of 5 MB into a Drive, each interrupted at a seeded moment: the web process is killed with
SIGKILL, the client's connection breaks, or the provider's does. The client continues as tus says.

Each file has to be in the sandbox's journal exactly once, with equal bytes. `BENCH_SEED` sets
another seed.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

import httpx

from config.embedded.embedded_service import RunningService
from config.process_classes import ProcessClass
from integrations.models import DriveFile, DriveFileState
from tests.bench import connecting, drive, figures, google, processes, sizes
from tests.bench.figures import Figure
from tests.factories import make_organisation, make_user
from tests.integrations.uploads.tus import encode_metadata
from tests.worlds.sandbox import Sandbox

FILES: Final = sizes.choose_size(200, tiny=6)
SIZE: Final = 5_000_000
SEED: Final = int(os.environ.get("BENCH_SEED") or 21)
PATIENCE: Final = 120
_BLOCK: Final = 64 * 1024
# A tus client repeats requests with these answers.
_PASSING: Final = {408, 409, 423, 429, 500, 502, 503}


class Interruption(Enum):
    KILLED_WEB = "the web process killed"
    CLIENT_BROKE = "the client's connection broken"
    PROVIDER_BROKE = "the provider's connection broken"
    ANSWER_LOST = "the provider's last answer lost"


@dataclass(frozen=True)
class Plan:
    """:param at: bytes after which the interruption comes"""

    number: int
    interruption: Interruption
    at: int

    def make_content(self) -> bytes:
        return random.Random(f"{SEED} {self.number}").randbytes(SIZE)  # noqa: S311 - no secret


def run_benchmark() -> list[Figure]:
    sandbox = connecting.get_sandbox_with_client()
    google.remove_limits(sandbox)
    sandbox.dial(drive_units_per_minute=0, drive_project_units_per_minute=0)
    sandbox.seed(drive.EMAIL, size=0)
    organisation = make_organisation()
    alice = make_user("alice", organisation=organisation)
    tokens = sandbox.authorize(drive.EMAIL, f"openid email {drive.DRIVE_FILE}")
    drive.connect_drive(alice, organisation, tokens)
    plans = _make_plans()
    began = time.perf_counter()
    with (
        processes.start_processes(ProcessClass.SYNC) as service,
        closing(drive.open_browser(service, alice)) as browser,
    ):
        for plan in plans:
            _upload(service, browser, sandbox, plan)
        _wait_until_settled()
    seconds = time.perf_counter() - began
    equal_count = _compare(sandbox, plans)
    kinds = Counter(plan.interruption.value for plan in plans)
    note = ", ".join(f"{count} times {kind}" for kind, count in sorted(kinds.items()))
    return [
        figures.make_least_figure(
            "files exactly once and byte-equal",
            equal_count,
            f"of {FILES}",
            least=FILES,
            note=f"seed {SEED}; {note}; {seconds:.0f} s",
        )
    ]


def _make_plans() -> list[Plan]:
    choose = random.Random(SEED)  # noqa: S311 - no secret
    return [
        Plan(number, choose.choice(list(Interruption)), choose.randrange(SIZE))
        for number in range(FILES)
    ]


def _upload(service: RunningService, browser: httpx.Client, sandbox: Sandbox, plan: Plan) -> None:
    content = plan.make_content()
    address = _create(browser, plan)
    match plan.interruption:
        case Interruption.KILLED_WEB:
            _send_part(browser, address, content, plan.at, lambda: _restart_web(service))
        case Interruption.CLIENT_BROKE:
            _send_part(browser, address, content, plan.at, lambda: None)
        case Interruption.PROVIDER_BROKE:
            sandbox.fail_upload("cut", plan.at)
        case Interruption.ANSWER_LOST:
            sandbox.fail_upload("lose_answer")
    _finish(browser, address, content)


def _create(browser: httpx.Client, plan: Plan) -> str:
    metadata = encode_metadata(filename=f"{plan.number}.bin")
    answer = browser.post(
        drive.FILES, headers={"Upload-Length": str(SIZE), "Upload-Metadata": metadata}
    )
    answer.raise_for_status()
    return answer.headers["Location"]


def _send_part(
    browser: httpx.Client, address: str, content: bytes, size: int, interrupt: Callable[[], None]
) -> None:
    """Send the first bytes of a request, interrupt it, and close the connection."""
    target = urlsplit(str(browser.base_url))
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {
        **{name: browser.headers[name] for name in ("Tus-Resumable", "X-CSRFToken")},
        "Host": target.netloc,
        "Origin": browser.headers["Origin"],
        "Referer": browser.headers["Referer"],
        "Cookie": cookies,
        "Content-Length": str(len(content)),
        "Content-Type": drive.BODY_TYPE,
        "Upload-Offset": "0",
    }
    lines = [f"PATCH {address} HTTP/1.1", *(": ".join(pair) for pair in headers.items())]
    with socket.create_connection((target.hostname, target.port), timeout=60) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        for start in range(0, size, _BLOCK):
            client.sendall(content[start : min(start + _BLOCK, size)])
        interrupt()


def _restart_web(service: RunningService) -> None:
    process = service.processes.pop("web")
    port = urlsplit(service.url).port
    process.kill()
    process.wait()
    service.start_site(ProcessClass.WEB, port)
    service.wait_until_listening("web", port)


def _finish(browser: httpx.Client, address: str, content: bytes) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            answer = browser.head(address)
            if answer.status_code == 200:
                offset = int(answer.headers["Upload-Offset"])
                if offset == SIZE:
                    return
                answer = browser.patch(
                    address,
                    content=content[offset:],
                    headers={"Upload-Offset": str(offset), "Content-Type": drive.BODY_TYPE},
                )
            if not answer.is_success and answer.status_code not in _PASSING:
                raise AssertionError(f"{address}: {answer.status_code} {answer.text}")
        time.sleep(0.1)
    raise AssertionError(f"{address} was not whole in time")


def _wait_until_settled() -> None:
    until = time.monotonic() + PATIENCE
    open_files = DriveFile.objects.exclude(state=DriveFileState.DONE)
    while open_files.exists():
        if time.monotonic() > until:
            raise AssertionError(str(Counter(open_files.values_list("state", "problem"))))
        time.sleep(0.2)


def _compare(sandbox: Sandbox, plans: list[Plan]) -> int:
    """Return how many files the journal has exactly once, with equal bytes."""
    journal = [
        file for file in sandbox.drive_files(drive.EMAIL) if "folder" not in file["mime_type"]
    ]
    names = Counter(file["name"] for file in journal)
    by_name = {file["name"]: file for file in journal}
    equal_count = 0
    for plan in plans:
        name = f"{plan.number}.bin"
        file = by_name.get(name, {})
        digest = hashlib.sha256(plan.make_content()).hexdigest()
        is_equal = (
            names[name] == 1
            and file["creations"] == 1
            and file["size"] == SIZE
            and file["sha256"] == digest
        )
        equal_count += is_equal
    return equal_count if len(journal) == len(plans) else 0
