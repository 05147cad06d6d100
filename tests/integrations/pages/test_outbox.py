"""The outbox in the browser, and the banner with the state of a message."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from integrations.connections import consents
from integrations.mail.pages import outbox_views
from integrations.models import DraftProposal, OutboxCommand, OutboxProblem, OutboxState
from limited_use.models import Leaf
from tests.api import cast
from tests.api.test_limited_use import list_entries_since
from tests.integrations import household as houses
from tests.integrations.mail.conftest import MAIL
from tests.integrations.outbox import sending
from tests.integrations.outbox.conftest import alice, mailbox
from tests.integrations.outbox.sending import Clock
from tests.integrations.pages.reading import text
from tests.outbox import make_proposal

__all__ = ["alice", "mailbox"]

pytestmark = pytest.mark.django_db(transaction=True)
OUTBOX = "/inbox/outbox/"
XSS = "<script>alert(1)</script>"


def settle(command, state, problem=OutboxProblem.NONE, **values):
    at = timezone.now()
    OutboxCommand.objects.filter(id=command.id).update(
        state=state, problem=problem, due_at=None, sending_at=at, changed_at=at, **values
    )


def act(browser, command, action):
    return browser.post(f"{OUTBOX}{command.id}/", {"action": action})


class TestOutbox:
    def test_lists_messages_with_state_recipients_and_subject(self, alice, her_browser):
        sending.order(alice, sending.write(subject=XSS, to=f'"{XSS}" <bob@example.test>'))

        page = her_browser.get(OUTBOX)

        assert "Waiting" in text(page.text)
        assert XSS in text(page.text)
        assert XSS not in page.text

    def test_asks_the_guard_once_for_messages_and_proposed_drafts(self, alice, her_browser):
        sending.order(alice)
        make_proposal(alice.integration, timezone.now())
        before = Leaf.objects.count()

        page = text(her_browser.get(OUTBOX).text)

        assert "Waiting" in page
        assert "Proposed" in page
        recorded = [(entry["class"], entry["count"]) for entry in list_entries_since(before)]
        assert sorted(recorded) == [("mail.content", 2), ("mail.metadata", 2)]

    @pytest.mark.parametrize("problem", [OutboxProblem.REJECTED, OutboxProblem.STOPPED])
    def test_says_why_a_message_was_not_sent(self, alice, her_browser, problem):
        command = sending.order(alice)
        settle(command, OutboxState.FAILED, problem)

        page = her_browser.get(OUTBOX).text

        assert "Not sent" in text(page)
        assert f"/inbox/compose/?command={command.id}" in page
        assert ("refused the message" if problem == "rejected" else "no longer allow") in text(page)

    def test_is_readable_after_the_agreement_was_withdrawn(self, alice, her_browser):
        sending.order(alice, sending.write(subject="Kept"))
        consents.withdraw_consent(
            feature="mail-sending",
            user_id=alice.user.id,
            organisation_id=alice.organisation.id,
            at=timezone.now(),
        )

        page = text(her_browser.get(OUTBOX).text)

        assert "Kept" in page
        assert "Not sent" in page

    @pytest.mark.claim("outbox.listed")
    def test_links_a_sent_message_to_its_conversation(self, alice, mailbox, her_browser):
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())
        alice.settle()
        page = her_browser.get(OUTBOX).text

        (thread_id,) = {str(message.thread_id) for message in alice.messages}
        assert f"/inbox/threads/{thread_id}/" in page
        assert "Plan" in text(page)
        assert "bob@example.test" in text(page)
        command.refresh_from_db()
        assert command.content is None

    @pytest.mark.claim("outbox.listed")
    @pytest.mark.parametrize(
        ("state", "is_listed"),
        [
            (OutboxState.UNDONE, True),
            (OutboxState.FAILED, True),
            (OutboxState.UNKNOWN, True),
            (OutboxState.SENT, False),
        ],
    )
    def test_lists_everything_older_than_30_days_that_was_not_sent(
        self, alice, her_browser, state, is_listed
    ):
        command = sending.order(alice)
        settle(command, state, sent_at=timezone.now() if state == OutboxState.SENT else None)
        OutboxCommand.objects.update(changed_at=timezone.now() - timedelta(days=31))

        assert ("No messages" not in text(her_browser.get(OUTBOX).text)) == is_listed

    def test_marks_a_returned_message(self, alice, her_browser):
        command = sending.order(alice)
        at = timezone.now()
        settle(command, OutboxState.SENT, sent_at=at, bounced_at=at, content=None)

        assert "Returned" in text(her_browser.get(OUTBOX).text)

    def test_goes_on_page_by_page(self, alice, her_browser, monkeypatch):
        monkeypatch.setattr(outbox_views, "PAGE", 2)
        for number in range(3):
            sending.order(alice, sending.write(subject=f"Number {number}"))

        first = her_browser.get(OUTBOX).text
        (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
        second = her_browser.get(older).text

        assert [f"Number {number}" in first for number in range(3)] == [False, True, True]
        assert [f"Number {number}" in second for number in range(3)] == [True, False, False]
        assert her_browser.get(OUTBOX, {"cursor": "x"}).status_code == 302


class TestActions:
    def test_undo_leads_to_the_text(self, alice, her_browser):
        command = sending.order(alice, undo_seconds=30)

        answers = [act(her_browser, command, "undo") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [303, 303]
        assert {answer["Location"] for answer in answers} == {
            f"/inbox/compose/?command={command.id}"
        }
        command.refresh_from_db()
        assert command.state == OutboxState.UNDONE

    def test_undo_of_a_message_that_left_says_so(self, alice, her_browser):
        command = sending.order(alice)
        sending.dispatch_until_settled(command, Clock())

        answer = act(her_browser, command, "undo")

        assert answer["Location"] == OUTBOX
        assert "The message has already left." in text(her_browser.get(OUTBOX).text)

    def test_of_an_unknown_message_are_look_send_and_sent(self, alice, her_browser):
        command = sending.order(alice)
        settle(command, OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND)
        page = text(her_browser.get(OUTBOX).text)
        assert all(words in page for words in ("Look again", "Send again", "It was sent"))

        act(her_browser, command, "look")
        command.refresh_from_db()
        assert command.state == OutboxState.SENDING
        settle(command, OutboxState.UNKNOWN, OutboxProblem.NOT_FOUND)
        act(her_browser, command, "sent")

        command.refresh_from_db()
        assert (command.state, command.content) == (OutboxState.SENT, None)

    @pytest.mark.claim("outbox.deleted")
    def test_delete_removes_text_and_row(self, alice, her_browser):
        command = sending.order(alice, undo_seconds=30)
        sending.undo(alice, command)

        assert act(her_browser, command, "delete").status_code == 303
        assert not OutboxCommand.objects.exists()

    @pytest.mark.parametrize("action", ["look", "sent", "delete"])
    def test_of_an_older_page_change_nothing_and_say_so(self, alice, her_browser, action):
        command = sending.order(alice, undo_seconds=30)

        answer = act(her_browser, command, action)

        assert (answer.status_code, answer["Location"]) == (303, OUTBOX)
        page = text(her_browser.get(OUTBOX).text)
        assert "The state of the message has changed meanwhile. Decide again." in page
        command.refresh_from_db()
        assert (command.state, command.content is None) == (OutboxState.WAITING, False)

    @pytest.mark.parametrize("action", ["undo", "look", "sent", "delete", "other", ""])
    def test_are_the_owners_alone(self, alice, her_browser, action):
        command = sending.order(alice, undo_seconds=30)
        mallory = houses.household(who=houses.person("mallory", at=timezone.now()))
        stranger = cast.browser(mallory.user)

        assert act(stranger, command, action).status_code == 404
        assert stranger.get(f"{OUTBOX}{command.id}/state/").status_code == 404
        assert "Plan" not in stranger.get(OUTBOX).text
        assert her_browser.post(f"{OUTBOX}{uuid4()}/", {"action": action}).status_code == 404
        command.refresh_from_db()
        assert command.state == OutboxState.WAITING


class TestBanner:
    def test_offers_undo_while_the_message_waits(self, alice, her_browser):
        command = sending.order(alice, undo_seconds=30)

        page = her_browser.get("/inbox/").text

        assert f'data-outbox="{OUTBOX}{command.id}/state/"' in page
        assert "Sending…" in text(page)
        assert f'action="{OUTBOX}{command.id}/"' in page
        assert "1 on their way or waiting for you" in text(page)

    @pytest.mark.parametrize(
        ("state", "problem", "said"),
        [
            (OutboxState.SENDING, "", "Sending…"),
            (OutboxState.SENT, "", "Sent"),
            (OutboxState.FAILED, "rejected", "Not sent"),
            (OutboxState.UNKNOWN, "not_found", "Perhaps sent"),
        ],
    )
    def test_shows_each_state_and_sent_only_if_it_is(
        self, alice, her_browser, state, problem, said
    ):
        command, at = sending.order(alice), timezone.now()
        values = {"sent_at": at} if state == OutboxState.SENT else {}
        if state == OutboxState.SENDING:
            OutboxCommand.objects.update(state=state, sending_at=at)
        else:
            settle(command, state, problem, **values)

        part = her_browser.get(f"{OUTBOX}{command.id}/state/").text

        assert f"<strong>{said}</strong>" in part
        is_open = state == OutboxState.SENDING
        assert f'data-poll="{int(is_open)}"' in part
        assert "Undo" not in part

    def test_leaves_the_page_a_minute_after_the_message_was_sent(self, alice, her_browser):
        command = sending.order(alice)
        settle(command, OutboxState.SENT, sent_at=timezone.now())
        assert "data-outbox" in her_browser.get("/inbox/").text

        OutboxCommand.objects.update(changed_at=timezone.now() - timedelta(minutes=2))

        assert "data-outbox" not in her_browser.get("/inbox/").text


class TestProposals:
    @pytest.mark.claim("proposal.expires", "compose.proposal-waits", "feature.reply-assistant")
    def test_are_listed_with_the_feature_and_opened_in_the_form(self, alice, her_browser):
        proposal = propose(alice)

        page = her_browser.get(OUTBOX).text

        assert "Proposed by Reply suggestions" in text(page)
        assert "Plan" in text(page)
        form = her_browser.get(f"/inbox/compose/?proposal={proposal.id}").text
        assert "Proposed by Reply suggestions." in text(form)
        assert "Hello" in form
        proposal.refresh_from_db()
        assert proposal.opened_at is not None

    @pytest.mark.claim("proposal.discarded")
    def test_are_deleted_by_their_owner_alone(self, alice, her_browser):
        proposal = propose(alice)
        address = f"/inbox/proposals/{proposal.id}/"

        assert cast.browser(houses.household().user).post(address).status_code == 404
        assert DraftProposal.objects.exists()

        answer = her_browser.post(address, follow=True)
        assert "The proposed draft is deleted." in text(answer.text)
        assert not DraftProposal.objects.exists()

    def test_stand_at_the_message_that_they_answer(self, alice, mailbox, her_browser):
        mailbox.deliver(MAIL)
        alice.settle()
        message = alice.messages.get()
        DraftProposal.objects.filter(id=propose(alice).id).update(replied_message_id=message.id)

        page = her_browser.get(f"/inbox/threads/{message.thread_id}/").text

        assert "Proposed by Reply suggestions" in text(page)
        assert "Open the proposed answer" in text(page)

    def test_count_in_the_inbox_until_they_are_opened(self, alice, her_browser):
        proposal = propose(alice)

        assert "1 on their way or waiting for you" in text(her_browser.get("/inbox/").text)
        her_browser.get(f"/inbox/compose/?proposal={proposal.id}")
        assert "waiting for you" not in text(her_browser.get("/inbox/").text)


def propose(house) -> DraftProposal:
    proposal = make_proposal(house.integration, timezone.now())
    DraftProposal.objects.update(feature="reply-assistant")
    return proposal
