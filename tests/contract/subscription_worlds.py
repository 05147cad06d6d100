"""Providers that call us by subscriptions, each with the verbs that move it along."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from integrations.providers import errors
from integrations.providers.microsoft.graph_calendar_adapter import open_calendars
from integrations.providers.microsoft.subscriptions import open_subscriptions
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.push import PushSubscriptions, WebhookChannel
from tests.factories import make_access
from tests.fakes.pushes import FakeSubscriptions, FakeWatches
from tests.worlds.microsoft import EVERYTHING, SIGN_IN, MicrosoftSandbox
from tests.worlds.sandbox import Sandbox

ALICE = "alice@contoso.example"
LONGEST = timedelta(days=6, hours=20)


class _Answering(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(token)))
        self.end_headers()
        self.wfile.write(token)

    def log_message(self, *_):
        """Nothing: a test reads no log."""


@contextmanager
def answer_validation():
    """The address of somebody who says back what they are tried with."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/channel"
    server.shutdown()
    server.server_close()


class FakeSubscriptionWorld:
    calendar_id = ALICE

    def __init__(self, address: str) -> None:
        self.address = address
        self.watches = FakeWatches()
        self.adapter: PushSubscriptions = FakeSubscriptions(self.watches)

    @property
    def held(self) -> set[str]:
        """The provider's ids of those that stand."""
        return set(self.watches.channels)

    def end_all(self) -> None:
        self.watches.channels.clear()

    def lose_answer(self) -> None:
        self.watches.loses_answer = True

    def without_scope(self) -> PushSubscriptions:
        self.watches.refusals.append(errors.ScopeMissing("no scope", status=403))
        return self.adapter

    def check(self) -> None:
        """Nothing of it can be out of order."""


class GraphWorld:
    def __init__(self, sandbox: Sandbox, address: str) -> None:
        self.sandbox, self.microsoft, self.address = sandbox, MicrosoftSandbox(sandbox), address
        self.microsoft.register_client()
        self.microsoft.seed(ALICE)
        self.access = self._access(EVERYTHING)
        # The contexts hold nothing that would need closing.
        self.adapter: PushSubscriptions = open_subscriptions(self.access).__enter__()
        [mine] = open_calendars(self.access).__enter__().list_calendars().calendars
        self.calendar_id = mine.calendar_id

    def _access(self, scope: str) -> ProviderAccess:
        token = self.microsoft.authorize(ALICE, scope)["access_token"]
        return make_access(token, f"{self.sandbox.url}/v1.0")

    @property
    def held(self) -> set[str]:
        found = self.microsoft.look("microsoft/subscriptions", email=ALICE)["subscriptions"]
        return {one["id"] for one in found}

    def end_all(self) -> None:
        self.microsoft.control(
            "microsoft/subscriptions/lifecycle", email=ALICE, event="subscriptionRemoved"
        )

    def lose_answer(self) -> None:
        self.sandbox.fail_next(path_contains="subscriptions", method="POST", drop="after")

    def without_scope(self) -> PushSubscriptions:
        return open_subscriptions(self._access(SIGN_IN)).__enter__()

    def check(self) -> None:
        assert self.sandbox.violations() == []


def hook(channel_id: str, address: str, *, lasts: timedelta = LONGEST) -> WebhookChannel:
    ends_at = (datetime.now(UTC) + lasts).replace(microsecond=0)
    return WebhookChannel(
        channel_id, token=f"secret-{channel_id}", address=address, ends_at=ends_at
    )
