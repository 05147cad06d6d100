"""Messages that a person sends over the API: stored once, listed by state, and undone in time."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from integrations.access import sending_bounds
from integrations.formats.mime import rfc5322
from integrations.formats.mime.addresses import MailAddress
from integrations.mail.sending import send_message
from integrations.models import (
    Attachment,
    Integration,
    IntegrationStatus,
    OutboxCommand,
    OutboxProblem,
    OutboxState,
    OutgoingCount,
    Reply,
)
from integrations.providers.outgoing_mail import SendAddress
from limited_use.agreements import consents
from limited_use.models import Leaf
from tests.api import cast
from tests.api.calendars.asking import ok
from tests.api.schema import problem
from tests.api.sending_requests import V1, allow_sending, make_message, post_json, send
from tests.api.test_limited_use import list_entries_since
from tests.integrations.outbox import sending
from tests.integrations.outbox.sending import Clock

MARKER = "zx-sent-5512"


@pytest.fixture
def alice(alice, mailbox):
    address = MailAddress("Alice", mailbox.email)
    mailbox.send_addresses.append(SendAddress(address, "", is_default=True))
    return allow_sending(alice)


def dispatch(command: OutboxCommand) -> OutboxCommand:
    sending.dispatch_until_settled(command, Clock())
    return command


class TestSending:
    def test_stores_the_message_and_returns_where_its_state_is(self, alice, hers, mailbox):
        answer = send(hers, alice, undo_seconds=20)

        body = ok(answer, 202)
        command = OutboxCommand.objects.get()
        assert answer.headers["Location"] == f"{V1}/outbox/{command.id}"
        assert (body["state"], body["recipient_count"]) == ("waiting", 1)
        assert command.undo_until - command.created_at == timedelta(seconds=20)
        assert ok(hers.get(answer.headers["Location"])) == body
        assert OutgoingCount.objects.get().user_id == alice.user.id

    def test_sends_to_the_named_people_whatever_their_names_contain(self, alice, hers, mailbox):
        name = 'Bob", <mallory@example.test>, "Eve\r\nBcc: eve@example.test'

        ok(send(hers, alice, to=[{"name": name, "address": "bob@example.test"}]), 202)

        assert dispatch(OutboxCommand.objects.get()).state == OutboxState.SENT
        ((_, message_id),) = mailbox.sent
        mail = rfc5322.parse_message(mailbox.messages[message_id].content)
        assert [entry.address for entry in (*mail.to, *mail.cc, *mail.bcc)] == ["bob@example.test"]
        assert "mallory@example.test" in mail.to[0].name

    @pytest.mark.parametrize(
        "address", ["nobody", "a@b@c", "bob@example.test, eve@example.test", "x\r\nBcc: y@z.test"]
    )
    def test_refuses_what_is_no_address(self, alice, hers, address):
        body = problem(send(hers, alice, to=[{"name": "", "address": address}]), 400, "bad-request")

        assert body["errors"][0]["parameter"] == "to"
        assert not OutboxCommand.objects.exists()

    @pytest.mark.parametrize(
        ("more", "parameter"),
        [
            ({"to": []}, "to"),
            ({"subject": "x" * 901}, "subject"),
            ({"text": 5}, "text"),
            ({"undo_seconds": 7}, "undo_seconds"),
            ({"upload_ids": ["x"]}, "upload_ids/0"),
            ({"from": "eve@example.test"}, "from"),
            (
                {"answer": {"message_id": str(uuid4()), "mode": "reply",
                            "attachment_ids": [str(uuid4())]}},
                "answer/attachment_ids",
            ),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong(self, alice, hers, more, parameter):
        body = problem(send(hers, alice, **more), 400, "bad-request")

        assert body["errors"][0]["parameter"] == parameter

    def test_of_an_answer_names_only_messages_and_files_of_the_mailbox(
        self, alice, bob, hers, mine
    ):
        file = Attachment.objects.get(integration_id=alice.integration.id)
        answer = {"message_id": mine.message, "mode": "forward", "attachment_ids": [str(file.id)]}
        foreign = {**answer, "attachment_ids": [str(uuid4())]}

        problem(send(hers, alice, answer={**answer, "message_id": str(uuid4())}), 404, "not-found")
        problem(send(hers, alice, answer=foreign), 404, "not-found")
        body = ok(send(hers, alice, answer=answer), 202)

        assert body["file_count"] == 1

    def test_of_a_foreign_or_unknown_mailbox_is_not_found(self, alice, bob, hers):
        for mailbox in (bob.integration.id, uuid4()):
            problem(send(hers, alice, mailbox=str(mailbox)), 404, "not-found")

    @pytest.mark.claim("problem.sending-not-allowed")
    def test_without_the_agreement_sends_nothing_and_says_how(self, alice, hers):
        consents.withdraw(
            person_id=alice.user.id,
            organisation_id=alice.organisation.id,
            feature="mail-sending",
            at=timezone.now(),
        )

        problem(send(hers, alice), 409, "sending-not-allowed")

        assert not OutboxCommand.objects.exists()

    def test_needs_the_token_against_forged_requests(self, alice):
        strict = cast.browser(alice.user, strict=True)

        problem(send(strict, alice), 403, "not-permitted")

        assert not OutboxCommand.objects.exists()

    @pytest.mark.clause("AN-11")
    @pytest.mark.parametrize(("count", "rule"), [(51, "few-recipients"), (500, "few-recipients")])
    def test_to_too_many_people_is_refused_by_the_policy_and_recorded(
        self, alice, hers, count, rule
    ):
        before = Leaf.objects.count()
        crowd = [{"address": f"p{number}@example.test"} for number in range(count)]

        body = problem(send(hers, alice, to=crowd), 403, "limited-use-refused")

        assert body["rule"] == rule
        assert "AN-11" in body["clauses"]
        assert body["ledger_entry"] in {entry["id"] for entry in list_entries_since(before)}
        assert not OutboxCommand.objects.exists()

    @pytest.mark.clause("AN-11")
    def test_beyond_the_hour_is_refused_and_its_key_can_be_used_later(
        self, alice, hers, monkeypatch
    ):
        monkeypatch.setattr(sending_bounds, "MAX_PER_HOUR", 1)
        ok(send(hers, alice), 202)

        body = problem(send(hers, alice, key="key-00000002"), 403, "limited-use-refused")
        OutgoingCount.objects.update(counted_at=timezone.now() - timedelta(hours=2))

        assert body["rule"] == "few-messages-an-hour"
        ok(send(hers, alice, key="key-00000002"), 202)


class TestSameKey:
    def test_sends_once_and_shows_the_current_state(self, alice, hers, mailbox):
        first = ok(send(hers, alice), 202)
        assert dispatch(OutboxCommand.objects.get()).state == OutboxState.SENT

        answer = send(hers, alice)

        assert answer.headers["Idempotent-Replayed"] == "true"
        assert ok(answer, 202) == {**first, **ok(hers.get(f"{V1}/outbox/{first['id']}"))}
        assert (OutboxCommand.objects.count(), OutgoingCount.objects.count()) == (1, 1)

    def test_is_answered_also_after_the_grant_ended(self, alice, hers):
        first = ok(send(hers, alice), 202)
        Integration.objects.filter(id=alice.integration.id).update(
            status=IntegrationStatus.REAUTH_REQUIRED
        )

        answer = send(hers, alice)

        assert answer.headers["Idempotent-Replayed"] == "true"
        assert ok(answer, 202)["id"] == first["id"]
        # Another message is not taken, and its key is free for later.
        problem(send(hers, alice, key="key-00000002"), 404, "not-found")
        assert (OutboxCommand.objects.count(), Reply.objects.count()) == (1, 1)

    def test_with_another_message_is_refused(self, alice, hers):
        ok(send(hers, alice), 202)

        problem(send(hers, alice, text="Other"), 422, "key-reused")

        assert OutboxCommand.objects.count() == 1

    def test_while_the_first_request_runs_is_told_to_wait(self, alice, hers):
        ok(send(hers, alice), 202)
        Reply.objects.update(
            status=None, result_id=None, held_until=timezone.now() + timedelta(minutes=1)
        )

        answer = send(hers, alice)

        problem(answer, 409, "in-progress")
        assert int(answer.headers["Retry-After"]) > 0
        assert OutboxCommand.objects.count() == 1

    def test_of_a_deleted_message_sends_nothing_more(self, alice, hers):
        first = ok(send(hers, alice), 202)
        path = f"{V1}/outbox/{first['id']}"
        ok(hers.post(f"{path}/undo"))
        assert hers.delete(path).status_code == 204

        problem(send(hers, alice), 410, "gone")

        assert not OutboxCommand.objects.exists()

    def test_gets_a_permanent_error_again(self, alice, hers):
        answers = [
            problem(send(hers, alice, to=[{"address": "nobody"}]), 400, "bad-request")
            for _ in range(2)
        ]

        assert answers[0]["errors"] == answers[1]["errors"]

    def test_after_a_temporary_error_sends(self, alice, hers):
        unready = str(uuid4())
        assert send(hers, alice, upload_ids=[unready]).status_code in {409, 422}
        assert not Reply.objects.exists()

        ok(send(hers, alice), 202)

    def test_is_needed(self, alice, hers):
        problem(post_json(hers, "outbox", make_message(alice)), 400, "bad-request")

    @pytest.mark.invariant(9)
    def test_a_request_that_lost_its_key_stores_nothing(self, alice, hers, monkeypatch):
        order = send_message.order_message

        def order_late(*args, **more):
            # Another request took over the expired lease.
            Reply.objects.update(held_until=timezone.now() + timedelta(minutes=5))
            return order(*args, **more)

        monkeypatch.setattr(send_message, "order_message", order_late)

        problem(send(hers, alice), 409, "in-progress")

        assert (OutboxCommand.objects.count(), OutgoingCount.objects.count()) == (0, 0)


class TestStates:
    def test_are_listed_newest_first_by_page(self, alice, hers):
        sent = [ok(send(hers, alice, key=f"key-0000000{n}"), 202)["id"] for n in range(3)]

        first = ok(hers.get(f"{V1}/outbox", {"limit": 2}))
        second = ok(hers.get(f"{V1}/outbox", {"limit": 2, "cursor": first["next_cursor"]}))

        assert [entry["id"] for entry in first["data"] + second["data"]] == sent[::-1]
        assert (first["has_more"], second["has_more"]) == (True, False)

    def test_tell_why_a_message_failed(self, alice, hers):
        ok(send(hers, alice), 202)
        OutboxCommand.objects.update(
            state=OutboxState.FAILED, problem=OutboxProblem.REJECTED, due_at=None
        )

        (entry,) = ok(hers.get(f"{V1}/outbox"))["data"]

        assert (entry["state"], entry["problem"]) == ("failed", "rejected")

    def test_contain_nothing_that_was_written(self, alice, hers):
        ok(send(hers, alice, subject=MARKER, text=MARKER), 202)

        assert MARKER.encode() not in hers.get(f"{V1}/outbox").content

    @pytest.mark.parametrize("who", ["bob", "mallory"])
    def test_of_another_person_are_unknown(self, request, alice, hers, who):
        stranger = cast.browser(request.getfixturevalue(who).user)
        path = f"{V1}/outbox/{ok(send(hers, alice), 202)['id']}"

        assert ok(stranger.get(f"{V1}/outbox"))["data"] == []
        problem(stranger.get(path), 404, "not-found")
        problem(stranger.delete(path), 404, "not-found")
        for action in ("undo", "look-again", "settle-as-sent"):
            problem(stranger.post(f"{path}/{action}"), 404, "not-found")
        assert OutboxCommand.objects.get().state == OutboxState.WAITING


class TestUndoing:
    def test_takes_a_waiting_message_back_however_often_it_is_repeated(self, alice, hers, mailbox):
        path = f"{V1}/outbox/{ok(send(hers, alice, text=MARKER), 202)['id']}"

        answers = [ok(hers.post(f"{path}/undo")) for _ in range(3)]

        assert [answer["state"] for answer in answers] == ["undone"] * 3
        # The owner can still write on.
        assert MARKER in hers.get("/inbox/compose/", {"command": answers[0]["id"]}).text
        assert mailbox.drafts == {}

    def test_is_possible_after_the_window_until_a_worker_begins(self, alice, hers):
        path = f"{V1}/outbox/{ok(send(hers, alice), 202)['id']}"
        OutboxCommand.objects.update(undo_until=timezone.now() - timedelta(seconds=1))

        assert ok(hers.post(f"{path}/undo"))["state"] == "undone"

        assert OutboxCommand.objects.get().state == OutboxState.UNDONE

    def test_loses_against_a_worker(self, alice, hers):
        path = f"{V1}/outbox/{ok(send(hers, alice), 202)['id']}"
        OutboxCommand.objects.update(
            lease_by=uuid4(), lease_until=timezone.now() + timedelta(minutes=1)
        )

        problem(hers.post(f"{path}/undo"), 409, "message-left")


class TestDeleting:
    @pytest.mark.claim("problem.message-open")
    def test_of_an_open_message_changes_nothing(self, alice, hers):
        path = f"{V1}/outbox/{ok(send(hers, alice), 202)['id']}"

        for _ in range(2):
            problem(hers.delete(path), 409, "message-open")

        assert ok(hers.get(path))["state"] == "waiting"

    def test_removes_a_settled_message(self, alice, hers):
        path = f"{V1}/outbox/{ok(send(hers, alice), 202)['id']}"
        ok(hers.post(f"{path}/undo"))

        assert hers.delete(path).status_code == 204

        problem(hers.get(path), 404, "not-found")
        problem(hers.delete(path), 404, "not-found")
        assert not OutboxCommand.objects.exists()


class TestUnknownOutcome:
    @pytest.fixture
    def unknown(self, alice, hers):
        command_id = ok(send(hers, alice), 202)["id"]
        OutboxCommand.objects.update(
            state=OutboxState.UNKNOWN,
            problem=OutboxProblem.NOT_FOUND,
            sending_at=timezone.now(),
            due_at=None,
        )
        return f"{V1}/outbox/{command_id}"

    def test_is_looked_for_again(self, hers, unknown):
        assert ok(hers.post(f"{unknown}/look-again"), 202)["state"] == "sending"

    def test_is_settled_by_the_owner_and_counted(self, alice, hers, unknown):
        assert ok(hers.post(f"{unknown}/settle-as-sent"))["state"] == "sent"

        alice.integration.refresh_from_db()
        assert alice.integration.sent_count == 1
        assert OutboxCommand.objects.get().content is None

    def test_is_needed_for_both(self, alice, hers):
        path = f"{V1}/outbox/{ok(send(hers, alice), 202)['id']}"

        for action in ("look-again", "settle-as-sent"):
            problem(hers.post(f"{path}/{action}"), 409, "outcome-known")
        assert OutboxCommand.objects.get().state == OutboxState.WAITING
