"""
Mail of strangers ends at a row or is set aside, and its neighbours arrive in the same turn.

Through the real adapters: what the provider answers for one message is hostile.
"""

from __future__ import annotations

import json
import time

import pytest
from django.urls import reverse
from django.utils import timezone

from config.process_classes import ProcessClass
from integrations.connections import status_messages
from integrations.models import Integration, Message, SetAside, SyncWork
from integrations.operations.sync_products import PRODUCTS
from integrations.providers import provider_http
from integrations.sync import sync_engine
from tests.integrations import google as googles
from tests.integrations import hostile
from tests.integrations import microsoft as microsofts
from tests.integrations.google import acme, alice
from tests.walls import acting_as
from tests.worlds.microsoft import graph_id

__all__ = ["acme", "alice"]

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(8, 13)]

GMAIL = "/gmail/v1/users/me/messages/"
OFTEN = 100


def run_turn() -> bool:
    """Let a worker have one turn. Return whether another is due at once."""
    work = SyncWork.objects.get()
    SyncWork.objects.update(next_sync_at=timezone.now())
    with acting_as(ProcessClass.SYNC):
        return sync_engine.run_sync_turn(PRODUCTS, work_id=work.id, at=timezone.now())


class Gmail:
    """Alice's connected Gmail, brought in once."""

    def __init__(self, sandbox, settings, alice) -> None:
        googles.make_keyring()
        googles.point_at(settings, sandbox)
        sandbox.seed(googles.ALICE_BOX, size=3)
        sandbox.dial(units_per_minute=0, concurrency=0)
        settings.GMAIL_UNITS_PER_MINUTE = 0
        self.sandbox = sandbox
        self.browser = googles.GoogleConnectBrowser(alice, sandbox)
        self.browser.connect()

    def deliver(self, node: hostile.Node | None = None) -> str:
        delivered = self.sandbox.deliver(googles.ALICE_BOX, subject="neighbour")
        if node is not None:
            self.answer(delivered["id"], payload=node.payload())
        return delivered["id"]

    def answer(self, message_id: str, **changed) -> None:
        """Have one message answered with another resource; what is not JSON is written as is."""
        resource = {
            "id": message_id,
            "threadId": message_id,
            "labelIds": ["INBOX", "UNREAD"],
            "snippet": "hello",
            "historyId": "1",
            "internalDate": str(int(timezone.now().timestamp() * 1000)),
            "sizeEstimate": 1000,
            "payload": hostile.message(body=b"hello").payload(),
            **changed,
        }
        # The standard library writes Infinity, which its reader takes.
        self.answer_with(message_id, json.dumps(resource))

    def answer_with(self, message_id: str, body: str) -> None:
        self.sandbox.fail_next(OFTEN, path_prefix=GMAIL + message_id, status=200, body=body)


class HostileOutlook:
    """Alice's connected Outlook, brought in once."""

    def __init__(self, sandbox, settings, alice) -> None:
        googles.make_keyring()
        self.microsoft = microsofts.point_at(settings, sandbox)
        settings.GRAPH_UNITS_PER_MINUTE = 0
        seeded = self.microsoft.seed(microsofts.ALICE_BOX, messages=[{"subject": "first"}])
        self.owner = seeded["oid"]
        token = self.microsoft.authorize(microsofts.ALICE_BOX)["access_token"]
        with self.microsoft.graph(token) as graph:
            self.inbox = graph.get("/me/mailFolders/inbox").json()["id"]
        self.sandbox = sandbox
        self.browser = microsofts.MicrosoftConnectBrowser(alice, self.microsoft)
        self.browser.connect()

    def deliver(self, node: hostile.Node | None = None) -> str:
        delivered = self.microsoft.deliver(microsofts.ALICE_BOX, subject="neighbour")
        message_id = graph_id(self.owner, delivered["id"])
        if node is not None:
            self.answer(message_id, node)
        return message_id

    def answer(self, message_id: str, node: hostile.Node) -> None:
        properties, files = node.graph()
        self.answer_with(message_id, **properties)
        self.sandbox.fail_next(
            OFTEN, path_contains=f"{message_id}/attachments", status=200, body={"value": files}
        )

    def answer_with(self, message_id: str, **properties) -> None:
        """Have one message answered with other properties."""
        resource = {
            "id": message_id,
            "conversationId": message_id,
            "parentFolderId": self.inbox,
            "receivedDateTime": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "bodyPreview": "hello",
            "body": {"contentType": "text", "content": "hello"},
            **properties,
        }
        # The standard library writes half of a character, which others refuse.
        self.sandbox.fail_next(OFTEN, path_suffix=message_id, status=200, body=json.dumps(resource))


class OutlookByMime(HostileOutlook):
    """The same, where Graph shows no body: the MIME is read."""

    def answer(self, message_id: str, node: hostile.Node) -> None:
        self.answer_with(message_id, body=None)
        self.sandbox.fail_next(
            OFTEN,
            path_contains=message_id,
            path_suffix="/$value",
            status=200,
            body=node.mime().decode(),
            content_type="text/plain",
        )


@pytest.fixture
def gmail(sandbox, settings, alice):
    return settle_world(Gmail(sandbox, settings, alice))


@pytest.fixture
def outlook(sandbox, settings, alice):
    return settle_world(HostileOutlook(sandbox, settings, alice))


@pytest.fixture
def outlook_by_mime(sandbox, settings, alice):
    return settle_world(OutlookByMime(sandbox, settings, alice))


def settle_world(world):
    for _ in range(20):
        if not run_turn():
            return world
    raise AssertionError("still due")


def bring_between_neighbours(world, node: hostile.Node) -> str:
    """Have a hostile message and two others brought in by one turn; return what became of it."""
    before = Message.objects.count()
    world.deliver()
    world.deliver(node)
    world.deliver()

    run_turn()

    assert was_answered(world.sandbox)
    arrived = Message.objects.count() - before
    if arrived == 3:
        assert not SetAside.objects.exists()
        return "stored"
    assert arrived == 2, "a neighbour did not arrive"
    return SetAside.objects.get().reason


def repr_of(value) -> str:
    """Return the beginning of a value, as the name of a test."""
    return repr(value)[:60].encode("ascii", "backslashreplace").decode()


def was_answered(sandbox) -> bool:
    """Return whether the provider has given the hostile answer."""
    pending = sandbox._post("faults", count=1, path_prefix="/nowhere", status=500)["pending"]
    return any(one["count"] < OFTEN for one in pending[:-1])


@pytest.mark.parametrize("case", hostile.CASES)
class TestAHostileMessage:
    def is_stored_or_shown_as_set_aside(self, world, case) -> None:
        began = time.monotonic()

        became = bring_between_neighbours(world, hostile.CASES[case])

        # A turn has twenty seconds, and others wait behind it.
        assert time.monotonic() - began < 60
        work = SyncWork.objects.get()
        assert (work.failure_count, work.crash_count) == (0, 0)
        if case in hostile.STORED:
            assert became == "stored"
        if became != "stored":
            assert became in status_messages.QUARANTINE_REASONS
            address = reverse("settings-details", args=[Integration.objects.get().id])
            assert (
                str(status_messages.QUARANTINE_REASONS[became])
                in world.browser.client.get(address).text
            )

    def test_at_gmail_ends_at_a_row(self, gmail, case):
        self.is_stored_or_shown_as_set_aside(gmail, case)

    def test_at_outlook_ends_at_a_row(self, outlook, case):
        self.is_stored_or_shown_as_set_aside(outlook, case)

    def test_at_outlook_by_mime_ends_at_a_row(self, outlook_by_mime, case):
        self.is_stored_or_shown_as_set_aside(outlook_by_mime, case)


@pytest.mark.parametrize(
    "size", [float("inf"), float("-inf"), float("nan"), 1e30, 10**30, -1, "much", None, [1]]
)
def test_a_size_that_gmail_does_not_say_in_earnest_ends_at_a_row(gmail, size):
    gmail.deliver()
    strange = gmail.deliver()
    gmail.deliver()
    node = hostile.message(
        "multipart/mixed", parts=(hostile.Node(body=b"hello"), hostile.Node("application/pdf"))
    ).payload()
    node["parts"][1] |= {"filename": "a.pdf", "body": {"size": size, "attachmentId": "ANGjd"}}
    gmail.answer(strange, sizeEstimate=size, payload=node)
    before = Message.objects.count()

    run_turn()

    assert Message.objects.count() == before + 3
    assert not SetAside.objects.exists()


def test_an_answer_larger_than_memory_is_for_is_of_one_message_alone(gmail, monkeypatch):
    monkeypatch.setattr(provider_http, "MAX_ANSWER", 100_000)
    large = hostile.message(body=b"hello " * 20_000)
    # It is asked for together with its neighbours: what they bring is too large, then only it is.
    assert bring_between_neighbours(gmail, large) == "too-large"
    address = reverse("settings-details", args=[Integration.objects.get().id])
    assert (
        str(status_messages.QUARANTINE_REASONS["too-large"])
        in gmail.browser.client.get(address).text
    )


@pytest.mark.parametrize("what", ["id", "threadId", "internalDate", "labelIds"])
def test_an_id_that_is_no_text_ends_at_a_row(gmail, what):
    gmail.deliver()
    strange = gmail.deliver()
    gmail.deliver()
    gmail.answer(strange, **{what: ["\ud800"] if what == "labelIds" else "\ud800"})
    before = Message.objects.count()

    run_turn()

    arrived = Message.objects.count() - before
    assert arrived + SetAside.objects.count() == 3
    assert arrived >= 2


@pytest.mark.parametrize("world", ["gmail", "outlook"])
def test_an_answer_of_9000_levels_ends_at_a_row(request, world):
    mail = request.getfixturevalue(world)
    deep = '{"a":' * 9_000 + "1" + "}" * 9_000
    mail.deliver()
    strange = mail.deliver()
    mail.deliver()
    if world == "gmail":
        mail.answer_with(strange, deep)
    else:
        mail.sandbox.fail_next(
            OFTEN, path_contains=strange, status=200, body=deep, content_type="application/json"
        )
    before = Message.objects.count()

    for _ in range(3):
        run_turn()

    assert Message.objects.count() - before + SetAside.objects.count() == 3
    assert Message.objects.count() - before >= 2


@pytest.mark.parametrize(
    "properties",
    [
        {"subject": ["x"]},
        {"subject": "\ud800"},
        {"from": "x"},
        {"toRecipients": {"emailAddress": 1}},
        {"toRecipients": [[[]]] * 10},
        {"internetMessageHeaders": [{"name": "x"}]},
        {"internetMessageHeaders": [{"name": "X-A", "value": "b"}] * 5_000},
        {"internetMessageHeaders": [{"name": "X-A", "value": "b" * 1_000_000}] * 3},
        {"body": {"contentType": "html", "content": 7}},
        {"body": {"contentType": "html", "content": "<div>" * 300_000}},
        {"body": "text"},
        {"sentDateTime": "9999-99-99T00:00:00Z"},
        {"categories": 1},
        {"conversationIndex": "A" * 100_000, "internetMessageHeaders": None},
        {"singleValueExtendedProperties": [{"id": "String 0xzz", "value": 1}]},
        {"parentFolderId": None},
        {"receivedDateTime": None},
    ],
    ids=repr_of,
)
def test_properties_of_outlook_that_say_no_such_thing_end_at_a_row(outlook, properties):
    outlook.deliver()
    strange = outlook.deliver()
    outlook.deliver()
    outlook.answer_with(strange, **properties)
    before = Message.objects.count()

    run_turn()

    arrived = Message.objects.count() - before
    is_hidden = "parentFolderId" in properties
    assert arrived + SetAside.objects.count() == 3 - is_hidden
    assert arrived >= 2
    work = SyncWork.objects.get()
    assert (work.failure_count, work.crash_count) == (0, 0)


class TestAListingWithAnIdThatIsNoText:
    """At the real adapter: refs come out of the provider's JSON as they are."""

    def test_sets_that_message_aside_and_brings_the_others(self, gmail):
        gmail.deliver()
        history = {
            "historyId": "999999",
            "history": [
                {
                    "id": "999999",
                    "messagesAdded": [
                        {"message": {"id": "\ud800", "threadId": "\ud800", "labelIds": ["INBOX"]}}
                    ],
                    "messagesDeleted": [{"message": {"id": "\udfff", "threadId": "1"}}],
                    "labelsAdded": [
                        {
                            "message": {"id": "\udead", "threadId": "1", "labelIds": ["INBOX"]},
                            "labelIds": ["INBOX"],
                        }
                    ],
                }
            ],
        }
        run_turn()
        before = Message.objects.count()
        gmail.sandbox.fail_next(
            1, path_prefix="/gmail/v1/users/me/history", status=200, body=json.dumps(history)
        )

        run_turn()

        assert (Message.objects.count(), SyncWork.objects.get().crash_count) == (before, 0)
        assert SetAside.objects.get().reason == "undecodable"


@pytest.mark.parametrize("world", ["gmail", "outlook"])
def test_a_sender_whose_name_is_another_address_is_one_and_is_marked(request, world):
    mail = request.getfixturevalue(world)
    mail.deliver(
        hostile.Node(
            body=b"hello",
            headers=[
                ("From", "ceo@bank.example <attacker@evil.example>"),
                ("To", "alice@example.test"),
                ("Subject", "transfer"),
            ],
        )
    )

    run_turn()

    client = mail.browser.client
    assert "Name is not the real address" in client.get("/inbox/").text
    thread = Message.objects.latest("synced_at").thread_id
    page = client.get(f"/inbox/threads/{thread}/").text
    assert "<bdi>attacker@evil.example</bdi>" in page
    assert "Other senders" not in page
