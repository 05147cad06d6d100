"""Notifications of the sandbox, as a web hook of ours would see them."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from googleapiclient.errors import HttpError
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.sandbox.conftest import CALENDARS, EVERYTHING, calendar, gmail

ME = "alice@example.com"
TOPIC = "projects/sandbox-project/topics/gmail"
PATIENCE_SECONDS = 10


@dataclass
class WebhookServer:
    """What came; `status` is what is answered, or the next of `statuses`."""

    url: str = ""
    status: int = 204
    statuses: list[int] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while len(self.came) < count:
            assert time.monotonic() < give_up_at, f"{len(self.came)} of {count} came"
            time.sleep(0.01)
        return self.came


@contextmanager
def listening() -> Iterator[WebhookServer]:
    hook = WebhookServer()

    class WebhookHandler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = hook.statuses.pop(0) if hook.statuses else hook.status
            hook.came.append((dict(self.headers.items()), body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), WebhookHandler)
    hook.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hook():
    with listening() as made:
        yield made


@pytest.fixture
def service(sandbox):
    sandbox.seed(ME)
    return calendar(sandbox, sandbox.authorize(ME, CALENDARS)["access_token"])


def wait_until_pushed(sandbox) -> dict:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (found := sandbox.pushes())["waiting"]:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    return found


def watch(service, hook, channel="one", **more):
    body = {"id": channel, "type": "web_hook", "address": hook.url, "token": "secret", **more}
    return service.events().watch(calendarId="primary", body=body).execute()


def put_event(sandbox):
    return sandbox.put_event(
        ME,
        summary="x",
        start={"dateTime": "2026-11-03T10:00:00Z"},
        end={"dateTime": "2026-11-03T11:00:00Z"},
    )


class TestChannels:
    def test_say_that_something_changed_and_nothing_of_it(self, service, sandbox, hook):
        channel = watch(service, hook)
        hook.wait(1)
        put_event(sandbox)

        (first, _), (second, body) = hook.wait(2)

        assert (first["X-Goog-Resource-State"], first["X-Goog-Message-Number"]) == ("sync", "1")
        assert second["X-Goog-Resource-State"] == "exists"
        assert int(second["X-Goog-Message-Number"]) > 1
        assert second["X-Goog-Channel-ID"] == "one"
        assert second["X-Goog-Channel-Token"] == "secret"
        assert second["X-Goog-Resource-ID"] == channel["resourceId"]
        assert body == b""

    def test_cannot_be_opened_twice_under_one_id(self, service, hook):
        watch(service, hook)

        with pytest.raises(HttpError, match="not unique"):
            watch(service, hook)

    def test_end_by_themselves(self, service, sandbox, hook):
        watch(service, hook, params={"ttl": "60"})
        hook.wait(1)
        sandbox.advance(61)
        put_event(sandbox)

        assert [one["about"] for one in wait_until_pushed(sandbox)["sent"]] == ["channel one sync"]

    def test_are_stopped_by_whoever_opened_them_alone(self, service, sandbox, hook):
        channel = watch(service, hook)
        sandbox.seed("bob@example.com")
        bob = calendar(sandbox, sandbox.authorize("bob@example.com", CALENDARS)["access_token"])
        named = {"id": "one", "resourceId": channel["resourceId"]}

        with pytest.raises(HttpError, match="not found"):
            bob.channels().stop(body=named).execute()
        service.channels().stop(body=named).execute()

        put_event(sandbox)
        assert len(wait_until_pushed(sandbox)["sent"]) == 1
        assert sandbox.pushes()["channels"] == []

    def test_try_again_what_failed_on_our_side_and_nothing_else(self, service, sandbox, hook):
        hook.statuses = [503, 204, 404]
        watch(service, hook)
        hook.wait(2)
        put_event(sandbox)

        sent = wait_until_pushed(sandbox)["sent"]

        assert [(one["status"], one["tries"]) for one in sent] == [(503, 1), (204, 2), (404, 1)]

    def test_may_need_https(self, service, sandbox, hook):
        sandbox.dial(http_channels=False)

        with pytest.raises(HttpError, match="Unauthorized WebHook"):
            watch(service, hook)


class TestPubSub:
    @pytest.fixture
    def watched(self, sandbox, hook):
        sandbox.seed(ME)
        sandbox.subscribe(TOPIC, hook.url, audience="https://ours.example/push")
        users = gmail(sandbox, sandbox.authorize(ME, EVERYTHING)["access_token"]).users()
        users.watch(userId="me", body={"topicName": TOPIC}).execute()
        # The first comes at once, and is no news.
        hook.wait(1)
        wait_until_pushed(sandbox)
        hook.came.clear()
        return users

    def test_begins_with_one_at_once(self, sandbox, hook):
        sandbox.seed(ME)
        sandbox.subscribe(TOPIC, hook.url)
        users = gmail(sandbox, sandbox.authorize(ME, EVERYTHING)["access_token"]).users()

        answer = users.watch(userId="me", body={"topicName": TOPIC}).execute()

        [(_, body)] = hook.wait(1)
        data = json.loads(base64.b64decode(json.loads(body)["message"]["data"]))
        assert (data["emailAddress"], str(data["historyId"])) == (ME, answer["historyId"])

    def claims(self, sandbox, headers) -> dict:
        keys = KeySet.import_key_set(httpx.get(f"{sandbox.url}/oauth2/v3/certs").json())
        bearer = headers["Authorization"].removeprefix("Bearer ")
        return dict(jwt.decode(bearer, keys, algorithms=["RS256"]).claims)

    def test_pushes_who_and_since_when(self, watched, sandbox, hook):
        sandbox.deliver(ME)

        [(headers, body)] = hook.wait(1)

        message = json.loads(body)["message"]
        data = json.loads(base64.b64decode(message["data"]))
        assert data["emailAddress"] == ME
        assert data["historyId"] == int(watched.getProfile(userId="me").execute()["historyId"])
        claims = self.claims(sandbox, headers)
        assert claims["iss"] == sandbox.url
        assert claims["aud"] == "https://ours.example/push"
        assert claims["email"].endswith(".gserviceaccount.com")
        assert claims["email_verified"] is True

    @pytest.mark.parametrize("flaw", ["aud", "unverified"])
    def test_may_carry_a_token_that_is_wrong(self, watched, sandbox, hook, flaw):
        sandbox.dial(push_flaw=flaw)
        sandbox.deliver(ME)

        [(headers, _)] = hook.wait(1)

        found = self.claims(sandbox, headers)
        assert (found["aud"] == "https://ours.example/push") is (flaw != "aud")
        assert found["email_verified"] is (flaw != "unverified")

    def test_may_carry_none(self, watched, sandbox, hook):
        sandbox.dial(push_flaw="missing")
        sandbox.deliver(ME)

        [(headers, _)] = hook.wait(1)

        assert "Authorization" not in headers

    def test_comes_again_until_it_is_acknowledged(self, watched, sandbox, hook):
        hook.statuses = [500, 404]
        sandbox.deliver(ME)

        hook.wait(3)

        bodies = {body for _, body in hook.came}
        assert len(bodies) == 1

    def test_may_be_lost_and_come_twice(self, watched, sandbox, hook):
        sandbox.dial(push_loss=1.0)
        sandbox.deliver(ME)
        wait_until_pushed(sandbox)
        lost = list(hook.came)
        sandbox.dial(push_loss=0.0, push_duplicates=1.0)
        sandbox.deliver(ME)
        wait_until_pushed(sandbox)

        assert lost == []
        assert len(hook.came) == 2

    def test_may_come_out_of_order(self, watched, sandbox, hook):
        sandbox.dial(push_disorder_seconds=0.5)
        for _ in range(12):
            sandbox.deliver(ME)
        hook.wait(12)

        ids = [
            json.loads(base64.b64decode(json.loads(body)["message"]["data"]))["historyId"]
            for _, body in hook.came
        ]
        assert ids != sorted(ids)

    def test_ends_with_the_watch(self, watched, sandbox, hook):
        watched.stop(userId="me").execute()
        sandbox.deliver(ME)
        wait_until_pushed(sandbox)

        assert hook.came == []
