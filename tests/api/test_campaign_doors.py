"""A campaign tries every door through which mail could leave, and is refused at each."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from integrations.models import DraftProposal, OutboxCommand, OutgoingCount
from integrations.urls.api.exception_handler import ONLY_FOR_PERSON
from limited_use.ledger import entries
from limited_use.models import Leaf
from tests.api import cast
from tests.api.schema import problem
from tests.api.sending_requests import V1, allow_sending, open_assistant, propose, send
from tests.api.test_limited_use import list_entries_since
from tests.database_rows import dump_tables

MARKER = "zx-campaign-8820"

pytestmark = [
    pytest.mark.clause("AN-11"),
    pytest.mark.clause("LU-4.1"),
    pytest.mark.invariant(15),
]


@pytest.fixture
def alice(alice):
    return allow_sending(alice)


@pytest.fixture
def campaigns(alice):
    client = cast.campaigns()
    return cast.feature(client, cast.switch_on(alice, client), "marketing")


@pytest.fixture
def assistant(alice):
    return open_assistant(alice)


@pytest.fixture
def command_id(alice, hers):
    """Return the id of a message that Alice sends herself."""
    return send(hers, alice).json()["id"]


def assert_refused(answer, alice, before, rule) -> None:
    body = problem(answer, 403, "limited-use-refused")
    assert body["rule"] == rule
    assert "AN-11" in body["clauses"]
    found = {entry["id"]: entry for entry in list_entries_since(before)}
    entry = found[body["ledger_entry"]]
    assert (entry["event"], entry["rule"]) == ("use.refused", rule)
    assert entry["subject"] == entries.get_ledger_pseudonym(alice.integration.id)
    assert MARKER.encode() not in answer.content


def assert_nothing_left(mailbox, calls) -> None:
    assert mailbox.calls == calls
    assert (mailbox.sent, mailbox.drafts) == ([], {})
    stored = b"".join(dump_tables().values())
    assert MARKER.encode() not in stored
    assert MARKER.encode().hex().encode() not in stored


@pytest.mark.parametrize("who", ["campaigns", "assistant", "widget"])
class TestSending:
    def test_is_refused_with_clause_and_entry(self, request, alice, mailbox, who):
        caller = request.getfixturevalue(who)
        before, calls = Leaf.objects.count(), list(mailbox.calls)

        answer = send(caller, alice, subject=MARKER, text=MARKER)

        assert_refused(answer, alice, before, "features-never-send")
        assert_nothing_left(mailbox, calls)
        assert (OutboxCommand.objects.count(), OutgoingCount.objects.count()) == (0, 0)

    @pytest.mark.parametrize(
        "operation",
        [
            "get outbox", "get outbox/{id}", "delete outbox/{id}", "post outbox/{id}/look-again",
            "post outbox/{id}/undo", "post outbox/{id}/settle-as-sent", "get proposals",
            "get proposals/{id}",
        ],
    )  # fmt: skip
    def test_is_not_even_watched(self, request, alice, command_id, who, operation):
        caller = request.getfixturevalue(who)
        method, path = operation.format(id=command_id).split()
        before = Leaf.objects.count()

        answer = getattr(caller, method)(f"{V1}/{path}")

        assert_refused(answer, alice, before, "features-never-send")
        assert OutboxCommand.objects.get().state == "waiting"


class TestProposing:
    def test_by_a_campaign_is_refused_whatever_it_names(self, alice, campaigns, mailbox):
        before, calls = Leaf.objects.count(), list(mailbox.calls)

        answer = propose(campaigns, alice, subject=MARKER, text=MARKER)

        assert_refused(answer, alice, before, "never-market")
        assert_nothing_left(mailbox, calls)
        assert not DraftProposal.objects.exists()

    @pytest.mark.parametrize(
        ("recipients", "rule"),
        [
            ([{"address": f"p{number}@example.test"} for number in range(500)], "few-recipients"),
            ([{"address": "stranger@example.test"}], "propose-to-correspondents"),
        ],
        ids=["500 people", "a stranger"],
    )
    def test_by_a_feature_that_may_propose_keeps_to_the_bounds(
        self, alice, assistant, mailbox, recipients, rule
    ):
        before, calls = Leaf.objects.count(), list(mailbox.calls)

        answer = propose(assistant, alice, to=recipients, subject=MARKER, text=MARKER)

        assert_refused(answer, alice, before, rule)
        assert_nothing_left(mailbox, calls)
        assert not DraftProposal.objects.exists()


class TestInviting:
    """Events with guests, and changes that notify them."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [("post", "events"), ("patch", "events/{id}"), ("post", "events/{id}/move"),
         ("post", "events/{id}/response"), ("delete", "events/{id}?notify=all")],
    )  # fmt: skip
    def test_by_a_campaign_is_refused_with_clause_and_entry(
        self, alice, campaigns, mailbox, method, path
    ):
        before, calls = Leaf.objects.count(), list(mailbox.calls)

        answer = send_invitation(campaigns, method, path)

        assert_refused(answer, alice, before, "never-market")
        assert_nothing_left(mailbox, calls)
        assert not OutgoingCount.objects.exists()

    def test_by_a_feature_that_may_propose_is_refused(self, alice, assistant, mailbox):
        calls = list(mailbox.calls)

        answer = send_invitation(assistant, "post", "events")

        body = problem(answer, 403, "limited-use-refused")
        assert body["detail"] == ONLY_FOR_PERSON
        assert_nothing_left(mailbox, calls)
        assert not OutgoingCount.objects.exists()


def send_invitation(caller, method: str, path: str):
    """Ask for an event with 500 guests, or for a change of one, that notifies them."""
    body = {
        "calendar_id": str(uuid4()),
        "title": MARKER,
        "when": {"object": "datespan", "start": "2027-05-04", "end": "2027-05-05"},
        "participants": [{"email": f"p{number}@example.test"} for number in range(500)],
        "notify": "all",
    }
    return getattr(caller, method)(
        f"{V1}/{path.format(id=uuid4())}",
        json.dumps(body),
        content_type="application/json",
        headers={"Idempotency-Key": "key-00000001", "If-Match": '"x"'},
    )


class TestUploading:
    @pytest.mark.parametrize("who", ["campaigns", "assistant"])
    def test_is_not_possible(self, request, alice, who):
        answer = request.getfixturevalue(who).post(
            f"/uploads/?mailbox={alice.integration.id}",
            headers={"Tus-Resumable": "1.0.0", "Upload-Length": "5"},
        )

        assert answer.status_code == 403
