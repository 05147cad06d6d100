"""The web server with two processes: what one has written, the other answers by at once."""

from __future__ import annotations

import re
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Session
from config.process_classes import ProcessClass
from config.route_limits import ROUTES
from tests.bench import memory
from tests.factories import make_connection, make_integration, make_message
from tests.front.wire import PATIENCE, Wire, head
from tests.worlds.ending import wait_until_gone
from tests.worlds.processes import wait_until

# So many new connections that both processes get some, but for once in 30,000 runs.
CONNECTIONS = 16
LIST = "/v1/users/me/messages"


@pytest.fixture
def address(running):
    running.web(GRANIAN_WORKERS="2", EGRESS_TRIPWIRE="on")
    # granian's first process, and the two that it starts.
    wait_until(lambda: len(memory.family(running.service.processes["web"].pid)) == 3)
    return running.url


@pytest.fixture
def mailbox(running, alice, acme):
    integration = make_integration(make_connection(alice, acme))
    make_message(integration, subject="Kept by both")
    return integration


@pytest.fixture
def cookies(alice, mailbox):
    client = Client()
    client.force_login(alice)
    return {settings.SESSION_COOKIE_NAME: client.session.session_key}


def ask_all(address, cookies, path=LIST) -> list[httpx.Response]:
    """Return the answers to as many requests, each on a connection of its own."""
    with httpx.Client(cookies=cookies, timeout=PATIENCE) as client:
        client.headers["Connection"] = "close"
        return [client.get(f"{address}{path}") for _ in range(CONNECTIONS)]


def read_remaining(answer: httpx.Response) -> int:
    """Return how many requests the caller has left in this minute."""
    return int(re.search(r"\br=(\d+)", answer.headers["RateLimit"])[1])


class TestTwoProcesses:
    def test_answer_and_count_as_one(self, running, address, cookies):
        answers = ask_all(address, cookies)

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["data"][0]["subject"] for answer in answers} == {"Kept by both"}
        assert len({answer.headers["X-Request-ID"] for answer in answers}) == CONNECTIONS
        left = [read_remaining(answer) for answer in answers]
        # Each counts, whichever process it came to; a new minute may have begun once.
        steps = [before - after for before, after in pairwise(left)]
        assert sum(step != 1 for step in steps) <= 1
        log = b"".join(data for _, data in running.logged())
        assert b"egress.refused" not in log

    @pytest.mark.invariant(4)
    def test_feel_that_a_session_ended_at_the_very_next_request(self, address, cookies):
        assert {answer.status_code for answer in ask_all(address, cookies)} == {200}

        Session.objects.all().delete()

        assert {answer.status_code for answer in ask_all(address, cookies)} == {401}

    def test_refuse_what_is_too_large_before_it_comes(self, running, address):
        largest = ROUTES["oauth_token"].body.max_bytes
        sent = head("/oauth/token", f"Content-Length: {largest + 1}")
        with ExitStack() as stack:
            for wire in [stack.enter_context(Wire(running.port, sent)) for _ in range(CONNECTIONS)]:
                answer = wire.read_answer()
                assert answer.status == 413
                assert answer.headers["x-request-id"].encode() in answer.body
                assert wire.is_closed_by_server()

    def test_end_when_granian_is_killed(self, running, address):
        """Otherwise they would answer for ever, and keep the port from the next start."""
        started = memory.family(running.service.processes["web"].pid)

        running.kill("web")

        wait_until_gone(lambda: started)


def test_a_web_process_ends_when_granian_is_stopped_while_it_loads(running):
    # Its settings are those of the test's world.
    running.environment_of(ProcessClass.WEB)
    running.service.start_site(ProcessClass.WEB, running.port)
    granian = running.service.processes["web"]
    wait_until(lambda: any(map(has_begun_to_load, memory.family(granian.pid)[1:])))

    granian.terminate()

    assert granian.wait(PATIENCE) == 0


def has_begun_to_load(pid: int) -> bool:
    """Return whether a process has imported the client of the database, as the service does."""
    with suppress(OSError):
        return "psycopg" in Path(f"/proc/{pid}/maps").read_text()
    return False
