"""Clients that send almost nothing, and the web server as production starts it."""

from __future__ import annotations

import time
from contextlib import ExitStack

import httpx
import pytest

from config.route_limits import ROUTES
from tests.front.wire import PATIENCE, Wire, head

# Nobody has to sign in to send a body to these. The first two read it before anything else.
OPEN = (
    "/webhooks/microsoft/channel",
    "/oauth/token",
    "/webhooks/google/pubsub",
    "/webhooks/google/channel",
    "/accounts/login/",
    "/v1/users/me/events",
)
SIX = (*OPEN[:2], *OPEN[:2], *OPEN[:2])
# Seconds in which a loaded machine answers what takes milliseconds; less than any deadline.
AT_ONCE = 8.0


@pytest.fixture
def address(running):
    """Return the address of the web server, which is ready."""
    running.web()
    httpx.get(f"{running.url}/accounts/login/", timeout=PATIENCE).raise_for_status()
    return running.url


@pytest.fixture
def connect(running, address):
    """Return what opens a connection; all are closed at the end."""
    with ExitStack() as stack:
        yield lambda sent: stack.enter_context(Wire(running.port, sent))


class TestSlowBodies:
    def test_hold_up_nobody_else_and_are_given_up(self, connect, address):
        slow = [connect(head(path, "Content-Length: 1000") + b"{") for path in SIX]
        slow += [connect(head(path, "Transfer-Encoding: chunked") + b"1") for path in OPEN]
        time.sleep(0.5)

        for path, status in (("/healthz", 200), ("/accounts/login/", 200), ("/readyz", 503)):
            assert httpx.get(f"{address}{path}", timeout=AT_ONCE).status_code == status
        for path, client in zip((*SIX, *OPEN), slow, strict=True):
            answer = client.read_answer()
            is_page = path.startswith("/accounts/")
            assert answer.status == 408
            assert answer.headers["content-type"] == (
                "text/html; charset=utf-8" if is_page else "application/problem+json"
            )
            assert client.is_closed_by_server()

    @pytest.mark.thorough("600 requests that send one byte")
    def test_by_the_hundred_hold_up_nobody(self, connect, address):
        slow = [connect(head(OPEN[0], "Content-Length: 9") + b"{") for _ in range(600)]

        for path in ("/healthz", "/accounts/login/"):
            assert httpx.get(f"{address}{path}", timeout=AT_ONCE).status_code == 200
        assert {client.read_answer().status for client in slow} == {408}


class TestLargeBodies:
    def test_are_refused_by_the_limit_of_their_route(self, connect):
        limits = [
            ("/webhooks/google/pubsub", "webhook-google-pubsub"),
            ("/oauth/token", "oauth_token"),
            ("/accounts/login/", "account_login"),
            ("/v1/users/me/events", "api-events"),
            ("/v1/users/me/calendars/00000000-0000-7000-8000-000000000001/import",
             "api-calendar-import"),
            ("/static/nothing", "home"),
        ]  # fmt: skip
        for path, name in limits:
            largest = ROUTES[name].body.max_bytes
            client = connect(head(path, f"Content-Length: {largest + 1}"))
            assert client.read_answer().status == 413, path
            # The largest is asked for, rather than refused.
            client = connect(head(path, f"Content-Length: {largest}", "Expect: 100-continue"))
            assert client.read_head() == b"HTTP/1.1 100 Continue\r\n\r\n", path
