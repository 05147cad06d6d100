"""Subscriptions of Graph: the handshake, what is told, and how they end."""

import http.server
import threading
import time
from datetime import UTC, datetime
from json import loads
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.worlds.microsoft import MicrosoftSandbox

ADA = "ada@contoso.example"
PATIENCE_SECONDS = 20


class NotificationListener(http.server.BaseHTTPRequestHandler):
    """Says tokens back, unless told otherwise; keeps what it is told."""

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0]
        if token:
            server.validated.append(urlsplit(self.path).path)
            said, kind = server.answer(token)
            self._say(200, said.encode(), kind)
            return
        server.heard.append((urlsplit(self.path).path, loads(body)["value"]))
        self._say(server.statuses.pop(0) if server.statuses else 202, b"", "text/plain")

    def _say(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: tests have their own words."""


@pytest.fixture
def listener():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotificationListener)
    server.validated, server.heard, server.statuses = [], [], []
    server.answer = lambda token: (token, "text/plain")
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def microsoft(sandbox):
    found = MicrosoftSandbox(sandbox)
    found.register_client()
    found.seed(ADA)
    return found


@pytest.fixture
def graph(microsoft):
    with microsoft.graph(microsoft.authorize(ADA)["access_token"]) as client:
        yield client


def later(microsoft, minutes):
    at = datetime.fromtimestamp(microsoft.sandbox.now() + minutes * 60, tz=UTC)
    return at.isoformat().replace("+00:00", "Z")


def subscribe(microsoft, graph, listener, resource="/me/mailFolders('inbox')/messages", **more):
    url = f"http://127.0.0.1:{listener.server_address[1]}"
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{url}/news",
        "lifecycleNotificationUrl": f"{url}/life",
        "resource": resource,
        "expirationDateTime": later(microsoft, 9_000),
        "clientState": "a-secret",
    }
    return graph.post("/subscriptions", json=body | more)


def heard(microsoft, listener, count):
    """The first so many values that came, whatever POST they came in."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = [(path, one) for path, values in list(listener.heard) for one in values]
        if len(found) >= count and not microsoft.sandbox.pushes()["waiting"]:
            return found
        time.sleep(0.02)
    raise AssertionError(listener.heard)


class TestHandshake:
    def test_asks_both_addresses_while_it_is_made(self, microsoft, graph, listener):
        made = subscribe(microsoft, graph, listener)

        assert made.status_code == 201
        assert listener.validated == ["/news", "/life"]
        assert made.json()["clientState"] == "a-secret"
        assert graph.get(f"/subscriptions/{made.json()['id']}").json()["clientState"] is None

    @pytest.mark.parametrize(
        "answer",
        [lambda token: (token, "text/html"), lambda _: ("else", "text/plain")],
        ids=["as html", "another token"],
    )
    def test_refuses_whoever_does_not_say_it_back(self, microsoft, graph, listener, answer):
        listener.answer = answer

        refused = subscribe(microsoft, graph, listener)

        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "ValidationError"
        assert graph.get("/subscriptions").json()["value"] == []

    def test_refuses_whoever_is_not_there(self, microsoft, graph, listener):
        refused = subscribe(microsoft, graph, listener, notificationUrl="http://127.0.0.1:1/")

        assert refused.status_code == 400


class TestSubscriptionLifecycle:
    def test_is_one_per_question(self, microsoft, graph, listener):
        first = subscribe(microsoft, graph, listener)
        second = subscribe(microsoft, graph, listener)

        assert second.status_code == 409
        assert first.json()["id"] in second.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"resource": "/me/drive/root"}, 400),
            ({"changeType": "exploded"}, 400),
            ({"clientState": "x" * 129}, 400),
            ({"expirationDateTime": "soon"}, 400),
        ],
    )
    def test_refuses_what_makes_no_sense(self, microsoft, graph, listener, change, status):
        assert subscribe(microsoft, graph, listener, **change).status_code == status

    def test_lasts_from_three_quarters_of_an_hour_to_a_week(self, microsoft, graph, listener):
        short = subscribe(microsoft, graph, listener, expirationDateTime=later(microsoft, 5)).json()
        long = subscribe(
            microsoft, graph, listener, "/me/events", expirationDateTime=later(microsoft, 11_000)
        )

        assert short["expirationDateTime"] > later(microsoft, 40)
        assert long.status_code == 400

    def test_is_renewed_ends_and_is_deleted(self, microsoft, graph, listener):
        url = f"/subscriptions/{subscribe(microsoft, graph, listener).json()['id']}"

        renewed = graph.patch(url, json={"expirationDateTime": later(microsoft, 60)})
        assert renewed.status_code == 200
        assert graph.post(f"{url}/reauthorize").status_code == 204
        microsoft.sandbox.advance(61 * 60)
        again = {"expirationDateTime": later(microsoft, 60)}
        microsoft_graph = microsoft.graph(microsoft.authorize(ADA)["access_token"])
        with microsoft_graph as fresh:
            assert fresh.patch(url, json=again).status_code == 404
            other = f"/subscriptions/{subscribe(microsoft, fresh, listener).json()['id']}"
            assert fresh.delete(other).status_code == 204
            assert fresh.delete(other).status_code == 404


class TestGraphNotifications:
    def test_tells_of_mail_under_an_id_that_opens(self, microsoft, graph, listener):
        made = subscribe(microsoft, graph, listener).json()
        microsoft.deliver(ADA)

        [(path, told)] = heard(microsoft, listener, 1)

        assert path == "/news"
        assert told["subscriptionId"] == made["id"]
        assert (told["clientState"], told["changeType"]) == ("a-secret", "created")
        assert told["resourceData"]["@odata.type"] == "#Microsoft.Graph.Message"
        assert graph.get(f"/me/messages/{told['resourceData']['id']}").status_code == 200

    def test_tells_of_one_folder_only(self, microsoft, graph, listener):
        subscribe(microsoft, graph, listener)
        microsoft.deliver(ADA, labels=["SPAM"])
        microsoft.deliver(ADA)

        assert len(heard(microsoft, listener, 1)) == 1

    def test_tells_of_events(self, microsoft, graph, listener):
        subscribe(microsoft, graph, listener, "/me/events")
        times = {
            name: {"dateTime": f"2026-03-02T{hour:02}:00:00", "timeZone": "UTC"}
            for name, hour in (("start", 9), ("end", 10))
        }
        made = graph.post("/me/events", json={"subject": "x"} | times).json()

        [(_, told)] = heard(microsoft, listener, 1)

        assert told["resourceData"]["id"] == made["id"]

    def test_comes_twice_or_never(self, microsoft, graph, listener):
        subscribe(microsoft, graph, listener)
        microsoft.sandbox.dial(push_loss=1.0)
        microsoft.deliver(ADA)
        microsoft.sandbox.dial(push_loss=0.0, push_duplicates=1.0)
        microsoft.deliver(ADA)

        (_, first), (_, second) = heard(microsoft, listener, 2)

        assert first == second

    def test_is_tried_again(self, microsoft, graph, listener):
        subscribe(microsoft, graph, listener)
        listener.statuses = [503]
        microsoft.deliver(ADA)

        assert len(heard(microsoft, listener, 2)) == 2

    @pytest.mark.parametrize("event", ["reauthorizationRequired", "missed", "subscriptionRemoved"])
    def test_of_its_own_life(self, microsoft, graph, listener, event):
        made = subscribe(microsoft, graph, listener).json()

        told = microsoft.control("microsoft/subscriptions/lifecycle", email=ADA, event=event)

        [(path, one)] = heard(microsoft, listener, 1)
        assert (told, path) == ({"told": 1}, "/life")
        assert (one["lifecycleEvent"], one["clientState"]) == (event, "a-secret")
        there = graph.get(f"/subscriptions/{made['id']}").status_code
        assert there == (404 if event == "subscriptionRemoved" else 200)
