"""One person who asks for much at a time, and the web process that answers everybody else."""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings as now

from config.process_classes import ProcessClass
from tests.integrations.google import ALICE_BOX, GoogleConnectBrowser
from tests.worlds.processes import wait_until

SEARCHES = 8
HANGS = 3.0
SUBJECT = "Zugspitze"
# More than what lies between server and client without being read.
FILE_BYTES = 8 * 1024 * 1024


@pytest.fixture
def hers(world, alice, running):
    """Alice's browser, at the web process as the demo starts it; her mailbox is not synced."""
    browser = GoogleConnectBrowser(alice, world)
    browser.connect()
    # Its settings are those of the test's world.
    running.environment_of(ProcessClass.WEB)
    running.service.start_site(ProcessClass.WEB, running.port)
    running.service.wait_until_listening("web", running.port)
    cookies = {now.SESSION_COOKIE_NAME: browser.client.cookies[now.SESSION_COOKIE_NAME].value}
    with httpx.Client(base_url=running.url, cookies=cookies, timeout=60) as http:
        http.get("/inbox/search/").raise_for_status()
        yield http


def search(http: httpx.Client, words: str = SUBJECT) -> httpx.Response:
    form = {"words": words, "csrfmiddlewaretoken": http.cookies[now.CSRF_COOKIE_NAME]}
    return http.post("/inbox/search/", data=form, headers={"Referer": str(http.base_url)})


def measure_health(address: str, until: Event) -> list[float]:
    """Return how many seconds each health check took."""
    found = []
    while not until.is_set():
        began = time.monotonic()
        assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200
        found.append(time.monotonic() - began)
        until.wait(0.1)
    return found


class TestSearches:
    def test_of_one_person_leave_the_others_their_threads(self, hers, world, running):
        assert search(hers).status_code == 200
        world.fail_next(4 * SEARCHES, path_prefix="/gmail/v1/users/me/messages", hang_seconds=HANGS)
        are_over = Event()

        with ThreadPoolExecutor(SEARCHES + 1) as threads:
            began = time.monotonic()
            asked = [
                threads.submit(lambda: (search(hers), time.monotonic() - began))
                for _ in range(SEARCHES)
            ]
            time.sleep(0.3)
            health = threads.submit(measure_health, running.url, are_over)
            answers = [one.result() for one in asked]
            are_over.set()

        times = health.result()
        refused = [(answer, seconds) for answer, seconds in answers if answer.status_code == 429]
        served = [seconds for answer, seconds in answers if answer.status_code == 200]
        assert (len(served), len(refused)) == (2, SEARCHES - 2)
        assert all(answer.headers["Retry-After"] == "2" for answer, _ in refused)
        assert max(seconds for _, seconds in refused) < min(served)
        assert max(times) < HANGS


def mail_with_file(size: int = FILE_BYTES) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "bob@example.test", ALICE_BOX, SUBJECT
    mail.set_content("see the file")
    mail.add_attachment(
        bytes(size), maintype="application", subtype="octet-stream", filename="large.bin"
    )
    return bytes(mail)


def find_file(hers, world, size: int = FILE_BYTES) -> str:
    """Return the address of a large file at the provider, as a search leads to it."""
    world.deliver(ALICE_BOX, raw=mail_with_file(size))

    def find():
        return re.search(r'href="(/inbox/elsewhere/[^"]+)"', search(hers).text)

    message = hers.get(wait_until(find)[1]).text
    return re.search(r'href="(/inbox/elsewhere/[^"]+/file/)"', message)[1]


@pytest.fixture
def file(hers, world) -> str:
    return find_file(hers, world)


@contextmanager
def reading_slowly(http: httpx.Client, path: str):
    """Ask for a file, and read nothing of it but how the answer begins."""
    place = urlsplit(str(http.base_url))
    cookie = f"{now.SESSION_COOKIE_NAME}={http.cookies[now.SESSION_COOKIE_NAME]}"
    with socket.create_connection((place.hostname, place.port), timeout=60) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        yield client.recv(64).decode()


@pytest.mark.thorough("downloads of slow readers, and of clients that leave, at a web process")
class TestDownloads:
    def test_of_a_slow_reader_are_two_at_a_time_until_they_leave(self, hers, file):
        with reading_slowly(hers, file) as first, reading_slowly(hers, file) as second:
            assert first.startswith("HTTP/1.1 200")
            assert second.startswith("HTTP/1.1 200")

            third = hers.get(file)

            assert third.status_code == 429
            assert third.headers["Refresh"].startswith("5; url=")
            assert hers.get("/healthz").status_code == 200

        answer = wait_until(lambda: found if (found := hers.get(file)).is_success else None)
        assert len(answer.content) == FILE_BYTES
        assert answer.headers["Content-Length"] == str(FILE_BYTES)

    def test_of_clients_that_leave_again_and_again_keep_no_slot(self, hers, file):
        for _ in range(6):
            with suppress(OSError), reading_slowly(hers, file):
                pass

        answer = wait_until(lambda: found if (found := hers.get(file)).is_success else None)
        assert len(answer.content) == FILE_BYTES


LARGE = 25 * 1024 * 1024


def workers_of(pid: int) -> list[Path]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path("/proc") / child for child in children]


def peak_memory(process: Path) -> int:
    """Return the most memory that a process used since its peak was reset, in bytes."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    return int(line) * 1024


@pytest.mark.thorough("a file of 25 MB through a web process, and what memory it takes there")
class TestALargeFile:
    @pytest.mark.scenario("F2")
    def test_is_never_whole_in_memory(self, hers, world, running):
        path = find_file(hers, world, LARGE)
        # What is loaded at the first time is loaded.
        assert hers.get(path).status_code == 200
        web = workers_of(running.service.processes["web"].pid)
        for process in web:
            (process / "clear_refs").write_text("5")
        before = sum(map(peak_memory, web))

        received = 0
        with hers.stream("GET", path) as answer:
            for piece in answer.iter_raw():
                received += len(piece)

        taken = sum(map(peak_memory, web)) - before
        assert received == LARGE
        assert taken < LARGE // 4
