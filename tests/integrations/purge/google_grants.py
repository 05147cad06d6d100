"""
Google's grants on loopback: a revocation ends all of an account's tokens, as at Google.

Refreshes are answered as well; faults are those of revocations alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

from django.utils import timezone

from tests.integrations.purge.revoke_endpoint import DONE, DOWN, GONE

# A refresh token that was revoked.
EXPIRED = (
    400,
    {"error": "invalid_grant", "error_description": "Token has been expired or revoked"},
)


class Fault(StrEnum):
    """What goes wrong with the next request."""

    LOST_BEFORE = "the request is lost"
    LOST_AFTER = "the answer is lost"
    DOWN = "503, and nothing is done"
    DOWN_AFTER = "503, although the grant was revoked"


@dataclass
class GoogleGrantAccount:
    """One account's grant, and every request about it in order: its token and what was done."""

    tokens: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_grant(self) -> bool:
        return bool(self.tokens)

    def end_grant(self) -> None:
        self.tokens.clear()


class GoogleGrants:
    """
    Answers requests. `before_each` and `after_each` run inside of each, around what it does.

    `clock` is the test's.
    """

    def __init__(self, url: str) -> None:
        self.revoke_url, self.token_url = f"{url}/revoke", f"{url}/token"
        self._accounts: dict[str, GoogleGrantAccount] = {}
        self.clock: Callable[[], datetime] = timezone.now
        self.before_each: Callable[[], None] = _nothing
        self.after_each: Callable[[], None] = _nothing

    def read_clock(self) -> datetime:
        return self.clock()

    def open_account(self, *tokens: str) -> GoogleGrantAccount:
        account = GoogleGrantAccount(set(tokens))
        self._accounts |= dict.fromkeys(tokens, account)
        return account

    def issue(self, token: str, account: GoogleGrantAccount) -> None:
        """Add a token to the account's grant, as a new consent does."""
        account.tokens.add(token)
        self._accounts[token] = account

    def refresh(self, token: str) -> tuple[int, dict[str, object]]:
        if token not in self._accounts[token].tokens:
            return EXPIRED
        return 200, {"access_token": "ya29.refreshed", "expires_in": 3599, "token_type": "Bearer"}

    def revoke(self, token: str) -> tuple[int, dict[str, str]] | None:
        """Return the answer to a request; None: it is lost."""
        account = self._accounts[token]
        fault = account.faults.pop(0) if account.faults else None
        if fault in {Fault.LOST_BEFORE, Fault.DOWN}:
            account.requests.append((token, "not done"))
            return None if fault is Fault.LOST_BEFORE else DOWN
        is_known = token in account.tokens
        account.end_grant() if is_known else None
        account.requests.append((token, "revoked" if is_known else "unknown"))
        if fault is not None:
            return None if fault is Fault.LOST_AFTER else DOWN
        return DONE if is_known else GONE

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[GoogleGrants]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.daemon_threads = True
        server.google = cls(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.google
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _nothing() -> None:
    pass


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        google: GoogleGrants = self.server.google
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        google.before_each()
        answer: tuple[int, dict[str, object]] | None
        if self.path == "/token":
            answer = google.refresh(form["refresh_token"][0])
        else:
            answer = google.revoke(form["token"][0])
        google.after_each()
        self.close_connection = True
        if answer is None:
            return
        status, content = answer
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
