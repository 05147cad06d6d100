"""PostgreSQL stops and starts while people, programs and providers call a real web process."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from django.conf import settings as now
from django.test import Client
from django.utils import timezone

from config.embedded import child_processes, server_binaries
from config.embedded.postgres import THROWAWAY, EmbeddedPostgres
from config.heartbeats import DUTIES
from config.process_classes import ProcessClass
from integrations.operations import heartbeats
from integrations.push import blind_lookup
from tests.worlds.processes import wait_until

PAGE, API, READY = "/settings/integrations/", "/v1/users/me/connections", "/readyz"
CHANNEL = "/webhooks/google/channel"
ANSWERED = {PAGE: 200, API: 200, READY: 200, CHANNEL: 204}


@pytest.fixture
def cluster():
    """Return a PostgreSQL that is this test's own, to stop and start; it does not run yet."""
    with tempfile.TemporaryDirectory(prefix="antares-own-") as made:
        account = child_processes.get_server_os_user()
        folders = [Path(made), Path(made) / "data", Path(made) / "socket"]
        for folder in folders:
            folder.mkdir(exist_ok=True)
            account.give_ownership(folder, 0o700)
        yield EmbeddedPostgres(folders[1], folders[2], account, THROWAWAY)


def copy_database(url: str) -> None:
    """Copy the test's database, as it is now, into the one at `url`."""
    bin_folder = server_binaries.find_postgres() / "bin"
    database = now.DATABASES["default"]
    source = {"PGPASSWORD": database["PASSWORD"]}
    given = {"--host": database["HOST"], "--port": database["PORT"], "--username": database["USER"]}
    where = [f"{name}={value}" for name, value in given.items() if value]
    dumped = subprocess.run(
        [
            *(bin_folder / "pg_dump", *where, f"--dbname={database['NAME']}"),
            # Roles belong to the other server. The web process logs in as the owner here.
            *("--no-owner", "--no-privileges", "--no-policies"),
        ],
        env=source,
        stdout=subprocess.PIPE,
        check=True,
    )
    subprocess.run(
        [bin_folder / "psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={url}"],
        input=dumped.stdout,
        stdout=subprocess.DEVNULL,
        check=True,
    )


@pytest.fixture
def ask(alice, running) -> Callable[[str], httpx.Response]:
    """Return what sends a request as Alice, whose session is in the database, or as a channel."""
    browser = Client()
    browser.force_login(alice)
    name = now.SESSION_COOKIE_NAME
    session = {"Cookie": f"{name}={browser.cookies[name].value}"}
    channel = blind_lookup.make_channel_id()
    proof = {
        "X-Goog-Channel-ID": channel,
        "X-Goog-Channel-Token": blind_lookup.derive_token(channel),
        "X-Goog-Resource-ID": "resource",
    }
    with httpx.Client(base_url=running.url, timeout=20) as http:

        def send(path: str) -> httpx.Response:
            if path == CHANNEL:
                return http.post(path, headers=proof)
            return http.get(path, headers=session)

        yield send


@contextmanager
def asking(ask):
    """Send requests without a pause, from another thread; yield the list of their answers."""
    answers, is_over = [], Event()

    def run():
        while not is_over.is_set():
            answers.extend(ask(path) for path in ANSWERED)

    thread = Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        thread.join()


def statuses(ask) -> dict[str, int]:
    return {path: ask(path).status_code for path in ANSWERED}


@pytest.mark.scenario("X1")
def test_requests_are_answered_503_until_the_database_is_back(ask, cluster, running):
    with ExitStack() as first_run:
        url = first_run.enter_context(cluster.run_server())
        # As if workers ran, until the test is over.
        heartbeats.record_heartbeats(DUTIES, at=timezone.now() + timedelta(hours=1))
        copy_database(url)
        running.service.logins = {ProcessClass.WEB: url}
        running.web(DATABASE_URL=url)
        before = statuses(ask)
        with asking(ask) as answers:
            wait_until(lambda: len(answers) >= len(ANSWERED))
            first_run.close()
            stopped_at = len(answers)
            wait_until(lambda: len(answers) >= stopped_at + 2 * len(ANSWERED))
            down = [one for one in answers if one.status_code == 503]
            with cluster.run_server():
                started_at = len(answers)
                wait_until(lambda: len(answers) >= started_at + 2 * len(ANSWERED))
                after = statuses(ask)

    assert before == after == ANSWERED
    assert {one.status_code for one in answers} == {200, 204, 503}
    assert {one.url.path for one in down} == ANSWERED.keys()
    assert all(int(one.headers["Retry-After"]) > 0 for one in down)
    for one in down:
        if one.url.path == API:
            assert one.headers["Content-Type"] == "application/problem+json"
            assert one.json()["code"] == "busy"
        if one.url.path == PAGE:
            assert "no-store" in one.headers["Cache-Control"]
            assert "Antares could not answer in time" in one.text
