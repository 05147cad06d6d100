"""An agent asks to see one item; its owner allows it or declines. Both sites, with their rights."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import ProgrammingError, transaction
from django.db import connection as database
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import User
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.access import support_consents, support_permits
from integrations.access.request_context import InvalidChoice, ObjectNotFound
from integrations.mail import support_access
from integrations.models import (
    LookupMeans,
    Message,
    MessageBody,
    OwnerNotice,
    QuestionState,
    SupportLookup,
    SupportQuestion,
    SupportReason,
)
from integrations.support import lookups, question_answers, question_notices, questions
from integrations.support.lookups import LookupRequest
from integrations.support.owner_pages import support_overview
from limited_use.agreements import consents
from limited_use.guard.guard import AccessRefused
from limited_use.models import Consent, Leaf
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Fact
from tests.api import cast
from tests.factories import (
    EPOCH,
    actor_for,
    make_message,
    make_organisation,
    make_user,
)
from tests.integrations.support.desk import actor_of, list_decisions, make_agent
from tests.integrations.support.people import disconnect, make_mailbox
from tests.walls import acting_as, requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]

CANARY = "CANARY-question-5f1"
VERSION = FEATURES["support"].version
TEXT = "Please open the newest invoice that looks broken."
HOSTILE = "<script>alert(1)</script> https://evil.example/ \u202egpj.exe\u2066 \x00end\n\nsecond"


@pytest.fixture
def mailbox():
    return make_mailbox()


@pytest.fixture
def alice(mailbox):
    return actor_for(mailbox.connection.user, mailbox.connection.organisation)


@pytest.fixture
def message(mailbox):
    return make_message(mailbox, subject=f"{CANARY} invoice", text=f"{CANARY} text")


@pytest.fixture
def sam():
    return make_agent()


@pytest.fixture
def agent(sam):
    return actor_of(sam)


@pytest.fixture
def lookup(alice, agent):
    return look_up(alice, agent)


def look_up(alice, agent):
    """Find Alice by her platform id, as an agent does."""
    platform_id = User.objects.get(id=alice.user_id).platform_id
    with acting_as(ProcessClass.STAFF, agent):
        (lookup_id,) = lookups.find_people(
            LookupRequest(
                means=LookupMeans.PLATFORM_ID,
                value=platform_id,
                reason=SupportReason.OWNER_ASKED,
            ),
            actor=agent,
            at=timezone.now(),
        )
    return SupportLookup.objects.get(id=lookup_id)


def ask(lookup, agent, **changes):
    fields = {
        "kind": "message",
        "reason": "owner_asked",
        "text": TEXT,
        "ticket": "T-17",
        "at": timezone.now(),
        **changes,
    }
    with acting_as(ProcessClass.STAFF, agent):
        return questions.ask_for_item(lookup=lookup, actor=agent, **fields)


def allow(question, alice, item, **changes):
    chosen = {"hours": 24, "version": VERSION, "at": timezone.now(), **changes}
    with acting_as(ProcessClass.WEB, alice):
        question_answers.allow_item(question_id=question.id, item=item, actor=alice, **chosen)


def decline(question, alice, at=None):
    with acting_as(ProcessClass.WEB, alice):
        question_answers.decline_question(
            question_id=question.id, actor=alice, at=at or timezone.now()
        )


def withdraw(question, agent):
    with acting_as(ProcessClass.STAFF, agent):
        questions.withdraw_question(question_id=question.id, actor=agent, at=timezone.now())


def notify(question, at=None):
    with acting_as(ProcessClass.PURGE):
        return question_notices.notify_of_question(question.id, at=at or timezone.now())


def list_events():
    entries = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [entry["event"] for entry in entries if entry["event"].startswith("support.")]


class TestAsking:
    def test_stores_a_waiting_question_of_seven_days_and_records_it(self, lookup, agent):
        question = ask(lookup, agent)

        question.refresh_from_db()
        assert question.state == QuestionState.WAITING
        assert question.expires_at - question.asked_at == timedelta(days=7)
        assert list_events() == ["support.item_asked"]

    def test_names_the_agent_by_a_pseudonym_in_the_ledger(self, lookup, agent, alice):
        ask(lookup, agent)

        payload = bytes(Leaf.objects.latest("id").payload).decode()
        assert json.loads(payload)["body"]["kind"] == "message"
        for secret in (agent.user_id, alice.user_id):
            assert str(secret) not in payload
        assert "invoice" not in payload

    @pytest.mark.parametrize("text", ["", "  \n ", "\u202e\u2066", "x" * 501])
    def test_needs_a_text_of_one_paragraph(self, lookup, agent, text):
        with pytest.raises(questions.TextInvalid):
            ask(lookup, agent, text=text)
        assert not SupportQuestion.objects.exists()

    def test_stores_no_control_or_direction_characters(self, lookup, agent):
        question = ask(lookup, agent, text=HOSTILE)

        assert question.text == (
            "<script>alert(1)</script> https://evil.example/ gpj.exe end second"
        )

    def test_keeps_the_joiners_that_scripts_are_spelled_with(self, lookup, agent):
        text = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

        assert ask(lookup, agent, text=text).text == text

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"kind": "mailbox"}, InvalidChoice),
            ({"reason": "curiosity"}, InvalidChoice),
            ({"ticket": "a@b.example"}, questions.TicketInvalid),
            ({"ticket": "x" * 41}, questions.TicketInvalid),
        ],
    )
    def test_refuses_other_words(self, lookup, agent, change, error):
        with pytest.raises(error):
            ask(lookup, agent, **change)
        assert not SupportQuestion.objects.exists()

    def test_needs_an_open_look_up_of_the_same_agent(self, lookup, agent):
        other = actor_of(make_agent("sue"))
        with pytest.raises(ObjectNotFound):
            ask(lookup, other)
        with pytest.raises(ObjectNotFound):
            ask(lookup, agent, at=lookup.expires_at)

    def test_is_refused_by_the_database_without_a_look_up(self, alice, agent, lookup):
        SupportLookup.objects.update(expires_at=timezone.now() - timedelta(hours=1))
        lookup.expires_at = timezone.now() + timedelta(hours=1)
        with pytest.raises(ProgrammingError, match="row-level security"):
            ask(lookup, agent)

    def test_lets_three_questions_wait_for_one_person(self, lookup, agent, alice):
        waiting = [ask(lookup, agent) for _ in range(3)]
        with pytest.raises(questions.TooManyWaiting):
            ask(lookup, agent)

        decline(waiting[0], alice)
        waiting.append(ask(lookup, agent))
        with pytest.raises(questions.TooManyWaiting):
            ask(lookup, agent)

        # A question that was not answered in time waits no longer, even before a worker stores it.
        SupportQuestion.objects.filter(id=waiting[1].id).update(expires_at=timezone.now())
        ask(lookup, agent)

    def test_lets_an_agent_ask_twenty_times_a_day(self, lookup, agent):
        for _ in range(20):
            withdraw(ask(lookup, agent), agent)
        with pytest.raises(questions.TooManyAsked):
            ask(lookup, agent)


class TestWithdrawing:
    def test_ends_the_question(self, lookup, agent, alice, message):
        question = ask(lookup, agent)
        withdraw(question, agent)

        question.refresh_from_db()
        assert question.state == QuestionState.WITHDRAWN
        assert list_events() == ["support.item_asked", "support.item_not_needed"]
        with pytest.raises(questions.QuestionClosed):
            allow(question, alice, message.id)
        assert not Consent.objects.filter(feature="support").exists()

    def test_is_for_the_agent_alone_who_asked(self, lookup, agent, alice):
        question = ask(lookup, agent)
        other = actor_of(make_agent("sue"))
        # She found the same person, so the database shows her the row.
        look_up(alice, other)

        with pytest.raises(ObjectNotFound):
            withdraw(question, other)

    def test_comes_too_late_after_an_answer(self, lookup, agent, alice, message):
        question = ask(lookup, agent)
        allow(question, alice, message.id)

        with pytest.raises(questions.QuestionClosed):
            withdraw(question, agent)
        question.refresh_from_db()
        assert question.state == QuestionState.ALLOWED


class TestAnswering:
    def test_opens_the_chosen_item_and_stores_it_with_its_consent(
        self, lookup, agent, alice, message
    ):
        question = ask(lookup, agent)
        allow(question, alice, message.id, hours=1)

        question.refresh_from_db()
        consent = Consent.objects.get(item=message.id)
        assert (question.state, question.item) == (QuestionState.ALLOWED, message.id)
        assert question.consent_id == consent.id
        assert consent.expires_at - consent.given_at == timedelta(hours=1)
        assert list_events() == ["support.item_asked", "support.item_allowed"]

    def test_declines_with_nothing_opened(self, lookup, agent, alice):
        question = ask(lookup, agent)
        decline(question, alice)

        question.refresh_from_db()
        assert question.state == QuestionState.DECLINED
        assert list_events() == ["support.item_asked", "support.item_declined"]
        assert not Consent.objects.filter(feature="support").exists()

    def test_is_for_the_person_alone_who_was_asked(self, lookup, agent):
        question = ask(lookup, agent)
        strange = make_mailbox("mallory")
        mallory = actor_for(strange.connection.user, strange.connection.organisation)
        hers = make_message(strange, subject="hers")

        with pytest.raises(ObjectNotFound):
            decline(question, mallory)
        with pytest.raises(ObjectNotFound):
            allow(question, mallory, hers.id)
        assert not Consent.objects.filter(feature="support").exists()

    def test_opens_no_item_of_somebody_else(self, lookup, agent, alice):
        question = ask(lookup, agent)
        hers = make_message(make_mailbox("mallory"), subject="hers")

        for item in (hers.id, uuid7()):
            with pytest.raises(ObjectNotFound):
                allow(question, alice, item)
        question.refresh_from_db()
        assert question.state == QuestionState.WAITING

    @pytest.mark.parametrize(
        "answer",
        [
            ({"hours": 8760}, InvalidChoice),
            ({"version": VERSION - 1}, consents.DeclarationOutdated),
        ],
    )
    def test_leaves_the_question_open_after_an_invalid_answer(
        self, lookup, agent, alice, message, answer
    ):
        question = ask(lookup, agent)
        change, error = answer

        with pytest.raises(error):
            allow(question, alice, message.id, **change)
        question.refresh_from_db()
        assert question.state == QuestionState.WAITING

    def test_opens_nothing_of_a_disconnected_mailbox(self, lookup, agent, alice, mailbox, message):
        question = ask(lookup, agent)
        disconnect(mailbox)

        with pytest.raises(ObjectNotFound):
            allow(question, alice, message.id)

    def test_is_too_late_after_seven_days(self, lookup, agent, alice, message):
        question = ask(lookup, agent)
        SupportQuestion.objects.update(expires_at=timezone.now())

        with pytest.raises(questions.QuestionClosed):
            allow(question, alice, message.id)
        with pytest.raises(questions.QuestionClosed):
            decline(question, alice)
        assert not Consent.objects.filter(feature="support").exists()

    def test_cannot_answer_a_question_about_another_kind_except_by_declining(
        self, lookup, agent, alice, message, monkeypatch
    ):
        from integrations.support import openable_items

        question = ask(lookup, agent)
        monkeypatch.setattr(question_answers, "OPENABLE_KINDS", {})
        assert openable_items.OPENABLE_KINDS

        with pytest.raises(ObjectNotFound):
            allow(question, alice, message.id)
        decline(question, alice)


class TestRaces:
    """The other answer comes between the consent and the answer of this call."""

    @pytest.fixture
    def after_consent(self, monkeypatch):
        """Have something done once, after the next consent was given."""
        waiting = []
        kind = question_answers.OPENABLE_KINDS["message"]

        def open_then_wait(*given):
            consent = kind.open_item(*given)
            if waiting:
                waiting.pop()()
            return consent

        later = {"message": replace(kind, open_item=open_then_wait)}
        monkeypatch.setattr(question_answers, "OPENABLE_KINDS", later)
        return waiting.append

    def test_the_second_answer_opens_nothing(self, lookup, agent, alice, message, after_consent):
        question = ask(lookup, agent)
        other = make_message(message.integration, subject="other")
        after_consent(lambda: allow(question, alice, other.id))

        with pytest.raises(questions.QuestionClosed):
            allow(question, alice, message.id)

        question.refresh_from_db()
        assert question.item == other.id
        assert Consent.objects.get(item=message.id).withdrawn_at is not None
        assert Consent.objects.get(item=other.id).withdrawn_at is None

    def test_the_same_answer_twice_opens_the_item_once(
        self, lookup, agent, alice, message, after_consent
    ):
        question = ask(lookup, agent)
        after_consent(lambda: allow(question, alice, message.id))

        allow(question, alice, message.id)

        question.refresh_from_db()
        (live,) = Consent.objects.filter(item=message.id, withdrawn_at=None)
        assert question.consent_id == live.id
        assert list_events().count("support.item_allowed") == 1

    def test_the_agent_withdraws_first(self, lookup, agent, alice, message, after_consent):
        question = ask(lookup, agent)
        after_consent(lambda: withdraw(question, agent))

        with pytest.raises(questions.QuestionClosed):
            allow(question, alice, message.id)

        question.refresh_from_db()
        assert question.state == QuestionState.WITHDRAWN
        assert Consent.objects.get(item=message.id).withdrawn_at is not None

    @pytest.mark.parametrize("reader_id", [None, UUID(int=7)], ids=["any agent", "an agent"])
    def test_an_item_that_was_open_before_stays_open(  # noqa: PLR0917
        self, lookup, agent, alice, message, after_consent, reader_id
    ):
        question = ask(lookup, agent)
        with acting_as(ProcessClass.WEB, alice):
            support_access.open_to_support(
                actor=alice,
                message_id=message.id,
                hours=72,
                version=VERSION,
                reader_id=reader_id,
                at=timezone.now(),
            )
        after_consent(lambda: withdraw(question, agent))

        with pytest.raises(questions.QuestionClosed):
            allow(question, alice, message.id)

        consent = Consent.objects.get(item=message.id, withdrawn_at=None)
        assert consent.expires_at - timezone.now() > timedelta(hours=71)
        assert consent.reader_id == reader_id

    def test_an_item_that_was_open_before_is_not_open_for_longer(
        self, lookup, agent, alice, message, after_consent
    ):
        question = ask(lookup, agent)
        with acting_as(ProcessClass.WEB, alice):
            earlier = support_access.open_to_support(
                actor=alice, message_id=message.id, hours=1, version=VERSION, at=timezone.now()
            )
        after_consent(lambda: withdraw(question, agent))

        with pytest.raises(questions.QuestionClosed):
            allow(question, alice, message.id, hours=24)

        consent = Consent.objects.get(item=message.id, withdrawn_at=None)
        assert consent.expires_at == earlier.expires_at

    def test_an_item_that_the_person_closed_since_stays_closed(
        self, lookup, agent, alice, message, after_consent
    ):
        question = ask(lookup, agent)

        def close():
            withdraw(question, agent)
            with acting_as(ProcessClass.WEB, alice):
                support_access.withdraw_access(
                    actor=alice, message_id=message.id, at=timezone.now()
                )

        with acting_as(ProcessClass.WEB, alice):
            support_access.open_to_support(
                actor=alice, message_id=message.id, hours=72, version=VERSION, at=timezone.now()
            )
        after_consent(close)

        with pytest.raises(questions.QuestionClosed):
            allow(question, alice, message.id)

        assert not Consent.objects.filter(item=message.id, withdrawn_at=None).exists()

    def test_a_crash_after_the_consent_leaves_an_open_item_and_a_waiting_question(
        self, lookup, agent, alice, message, after_consent
    ):
        question = ask(lookup, agent)

        def crash():
            raise RuntimeError

        after_consent(crash)
        with pytest.raises(RuntimeError):
            allow(question, alice, message.id)

        question.refresh_from_db()
        assert question.state == QuestionState.WAITING
        page = cast.browser(mailbox_owner(alice)).get("/settings/support/").text
        assert "which a support agent can read until" in page
        allow(question, alice, message.id)
        question.refresh_from_db()
        assert question.state == QuestionState.ALLOWED


def mailbox_owner(alice):
    return User.objects.get(id=alice.user_id)


class TestNotices:
    def list_notices(self):
        return list(OwnerNotice.objects.filter(message="support_question"))

    def test_tell_the_person_once(self, lookup, agent, alice):
        question = ask(lookup, agent)

        assert notify(question)
        assert not notify(question)
        with acting_as(ProcessClass.PURGE):
            question_notices.sweep_questions(at=timezone.now() + timedelta(minutes=2))

        (notice,) = self.list_notices()
        assert (notice.user_id, notice.about) == (alice.user_id, question.id)
        assert notice.organisation_id == alice.organisation_id

    def test_come_from_the_sweep_if_the_task_was_lost(self, lookup, agent):
        ask(lookup, agent)
        with acting_as(ProcessClass.PURGE):
            assert question_notices.sweep_questions(at=timezone.now()) == 0
            later = timezone.now() + timedelta(minutes=2)
            assert question_notices.sweep_questions(at=later) == 1
        assert len(self.list_notices()) == 1

    def test_come_also_if_the_notice_of_an_earlier_question_fails(self, lookup, agent, monkeypatch):
        earlier, later = ask(lookup, agent), ask(lookup, agent)
        notify_of_question = question_notices.notify_of_question

        def fail_for_the_earlier(question_id, *, at):
            if question_id == earlier.id:
                raise RuntimeError("a bug")
            return notify_of_question(question_id, at=at)

        monkeypatch.setattr(question_notices, "notify_of_question", fail_for_the_earlier)
        with acting_as(ProcessClass.PURGE):
            swept_at = timezone.now() + timedelta(minutes=2)
            assert question_notices.sweep_questions(at=swept_at) == 1

        (notice,) = self.list_notices()
        assert notice.about == later.id

    @pytest.mark.parametrize("answer", ["allow", "decline", "withdraw"])
    def test_are_done_after_an_answer(self, lookup, agent, alice, message, answer):
        question = ask(lookup, agent)
        notify(question)
        match answer:
            case "allow":
                allow(question, alice, message.id)
            case "decline":
                decline(question, alice)
            case "withdraw":
                withdraw(question, agent)
                with acting_as(ProcessClass.PURGE):
                    question_notices.sweep_questions(at=timezone.now())

        (notice,) = self.list_notices()
        assert notice.resolved_at is not None

    def test_are_done_and_the_question_ends_after_seven_days(self, lookup, agent):
        question = ask(lookup, agent)
        notify(question)
        with acting_as(ProcessClass.PURGE):
            question_notices.sweep_questions(at=question.expires_at)

        question.refresh_from_db()
        (notice,) = self.list_notices()
        assert question.state == QuestionState.EXPIRED
        assert notice.resolved_at is not None

    def test_never_come_for_a_question_that_ended_before(self, lookup, agent, alice):
        question = ask(lookup, agent)
        decline(question, alice)

        assert not notify(question)
        assert self.list_notices() == []

    def test_reach_each_organisation_of_the_person_and_end_in_each(self, lookup, agent, alice):
        from tests.factories import make_membership

        make_membership(mailbox_owner(alice), make_organisation("Second"))
        left = make_organisation("Left")
        make_membership(mailbox_owner(alice), left, left_at=timezone.now())
        question = ask(lookup, agent)
        notify(question)
        assert len(self.list_notices()) == 2

        decline(question, alice)
        notify(question)

        assert all(notice.resolved_at for notice in self.list_notices())

    def test_may_not_be_written_by_a_staff_process(self, agent):
        with (
            acting_as(ProcessClass.STAFF, agent),
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            database.cursor() as cursor,
        ):
            cursor.execute("SELECT count(*) FROM integrations_ownernotice")


class TestPagesOfThePerson:
    @pytest.fixture
    def browser(self, mailbox):
        return cast.browser(mailbox.connection.user, recent=True)

    @pytest.fixture
    def question(self, lookup, agent, message):
        return ask(lookup, agent)

    def agree(self, browser, question, message, **form):
        fields = {"agree": "yes", "hours": "24", "version": str(VERSION), **form}
        return browser.post(
            f"/settings/support/questions/{question.id}/messages/{message.id}/", fields
        )

    @pytest.mark.claim("support.question-shown", "support.question-opens-nothing")
    def test_show_the_question_and_the_newest_messages(self, browser, question, sam, message):
        page = browser.get(f"/settings/support/questions/{question.id}/").text

        for text in (TEXT, "T-17", "The person asked for help.", f"{CANARY} invoice"):
            assert text in page
        assert "Nothing is open to support until you allow it" in page
        assert cast.desk(sam).get(f"/support/items/{message.id}/").status_code == 403

    def test_show_the_agents_text_as_text(self, browser, lookup, agent, message):
        question = ask(lookup, agent, text=HOSTILE + "x" * 400)
        for path in ("/settings/support/", f"/settings/support/questions/{question.id}/"):
            page = browser.get(path).text
            assert "<script>alert" not in page
            assert "&lt;script&gt;alert(1)&lt;/script&gt; https://evil.example/ gpj.exe" in page
            assert 'href="https://evil' not in page
            assert "\u202e" not in page

    def test_page_through_older_messages(self, browser, lookup, agent, mailbox):
        for number in range(25):
            make_message(mailbox, subject=f"Number {number}.")
        question = ask(lookup, agent)
        path = f"/settings/support/questions/{question.id}/"

        first = browser.get(path).text
        (next_url,) = re.findall(r'rel="next" href="([^"]+)"', first)
        second = browser.get(next_url.replace("&amp;", "&")).text

        subjects = re.findall(r"Number \d+\.", first + second)
        assert len(set(subjects)) == len(subjects) == 25
        assert browser.get(path, {"cursor": "forged"}).url == path

    @pytest.mark.claim("support.agent-will-see")
    def test_show_before_allowing_what_the_agent_will_see(
        self, browser, question, message, mailbox, sam
    ):
        path = f"/settings/support/questions/{question.id}/messages/{message.id}/"
        page = browser.get(path).text
        assert "The agent will see this, and the text of the message" in page
        facts = re.findall(r"<d[td][^>]*>(.*?)</d[td]>", page, re.DOTALL)

        self.agree(browser, question, message)
        item_page = cast.desk(sam).get(f"/support/items/{message.id}/").text

        assert f"{CANARY} invoice" in page
        assert f"{CANARY} text" in item_page
        for label in ("Subject", "From", "To"):
            assert label in facts
        assert f"{CANARY} invoice" in item_page

    @pytest.mark.control("2.4.1")
    def test_ask_who_they_are_first(self, mailbox, question, message):
        browser = cast.browser(mailbox.connection.user)

        assert "/reauthenticate/" in self.agree(browser, question, message).url
        assert not Consent.objects.filter(feature="support").exists()

    @pytest.mark.parametrize(
        "form", [{"agree": ""}, {"hours": ""}, {"hours": "8760"}, {"version": "0"}]
    )
    def test_open_nothing_without_agreeing_to_all_of_it(self, browser, question, message, form):
        answer = self.agree(browser, question, message, **form)

        assert answer.url.endswith(f"/messages/{message.id}/")
        assert not Consent.objects.filter(feature="support").exists()

    def test_open_nothing_of_an_outdated_text(self, browser, question, message, monkeypatch):
        newer = replace(FEATURES["support"], version=VERSION + 1)
        monkeypatch.setitem(FEATURES, "support", newer)

        self.agree(browser, question, message)

        assert not Consent.objects.filter(feature="support").exists()

    def test_decline_with_one_click(self, browser, question):
        answer = browser.post(f"/settings/support/questions/{question.id}/", follow=True)

        assert "Declined. The support agent sees your answer." in answer.text
        question.refresh_from_db()
        assert question.state == QuestionState.DECLINED

    def test_say_that_a_question_is_closed(self, browser, question, message, agent):
        withdraw(question, agent)

        for answer in (
            lambda: self.agree(browser, question, message),
            lambda: browser.post(f"/settings/support/questions/{question.id}/"),
        ):
            page = browser.get(answer().url).text
            assert "The question is no longer open. Your answer changed nothing." in page
            assert "No longer needed" in page
            assert "Choose one message" not in page

    @pytest.mark.claim("support.item-gone")
    def test_say_that_a_message_is_gone(self, browser, question, message, mailbox):
        disconnect(mailbox)
        path = f"/settings/support/questions/{question.id}/messages/{message.id}/"

        assert "Nothing was opened." in browser.get(path, follow=True).text
        answer = self.agree(browser, question, message)
        assert "Nothing was opened." in browser.get(answer.url).text
        assert not Consent.objects.filter(feature="support").exists()

    def test_offer_only_declining_without_a_message(self, browser, question, mailbox):
        disconnect(mailbox)

        page = browser.get(f"/settings/support/questions/{question.id}/").text

        assert "No connected mailbox has a message that you could open." in page
        assert "Decline" in page

    def test_of_somebody_else_are_not_found(self, question, message):
        mallory = cast.browser(make_mailbox("mallory").connection.user, recent=True)
        path = f"/settings/support/questions/{question.id}/"

        assert mallory.get(path).status_code == 404
        assert mallory.post(path).status_code == 404
        assert mallory.get(f"{path}messages/{message.id}/").status_code == 404
        assert self.agree(mallory, question, message).status_code == 404
        assert TEXT not in mallory.get("/settings/support/").text

    def test_of_a_message_offer_to_answer_a_waiting_question(self, browser, message, question):
        path = f"/inbox/messages/{message.id}/support/"
        answer_path = f"/settings/support/questions/{question.id}/messages/{message.id}/"
        assert answer_path in browser.get(path).text

        browser.post(f"/settings/support/questions/{question.id}/")

        assert answer_path not in browser.get(path).text

    def test_name_the_events_in_the_activity(self, browser, question, message):
        self.agree(browser, question, message)

        page = browser.get("/settings/activity/entries/").text

        assert "Support asked to see an item" in page
        assert "You opened an item that support asked for" in page
        assert "An Antares support agent" in page


class TestAnotherAgent:
    @pytest.fixture
    def tom(self):
        return make_agent("tom")

    @pytest.mark.claim("support.asker-alone")
    @pytest.mark.parametrize("was_open", [False, True])
    @pytest.mark.parametrize("found", [False, True])
    def test_cannot_read_what_was_opened_for_a_question(  # noqa: PLR0917
        self, lookup, agent, sam, tom, alice, mailbox, message, was_open, found
    ):
        if was_open:
            with acting_as(ProcessClass.WEB, alice):
                support_access.open_to_support(
                    actor=alice, message_id=message.id, hours=72, version=VERSION, at=timezone.now()
                )
        if found:
            look_up(alice, actor_of(tom))
        question = ask(lookup, agent)
        hers = cast.browser(mailbox.connection.user, recent=True)
        path = f"/settings/support/questions/{question.id}/messages/{message.id}/"
        assert "Only the support agent who asked can read it." in hers.get(path).text
        hers.post(path, {"agree": "yes", "hours": "24", "version": str(VERSION)})
        item = f"/support/items/{message.id}/"
        desk = cast.desk(tom)

        refused = desk.get(item)

        assert refused.status_code == 403
        assert CANARY not in refused.text
        assert item not in desk.get("/support/items/").text
        decisions = list_decisions("support.item")
        assert {entry["event"] for entry in decisions} == {"use.refused"}
        assert all("item_consented" in entry["missing"] for entry in decisions)
        assert f"{CANARY} text" in cast.desk(sam).get(item).text
        assert item in cast.desk(sam).get("/support/items/").text

    def test_reads_what_is_opened_again_for_their_own_question(  # noqa: PLR0917
        self, lookup, agent, sam, tom, alice, message
    ):
        item = f"/support/items/{message.id}/"
        allow(ask(lookup, agent), alice, message.id)
        allow(ask(look_up(alice, actor_of(tom)), actor_of(tom)), alice, message.id)

        assert f"{CANARY} text" in cast.desk(tom).get(item).text
        assert cast.desk(sam).get(item).status_code == 403

    @pytest.mark.invariant(3)
    @pytest.mark.parametrize("found", [False, True])
    def test_sees_neither_the_consent_nor_the_key_in_the_database(  # noqa: PLR0917
        self, lookup, agent, tom, alice, mailbox, message, found
    ):
        allow(ask(lookup, agent), alice, message.id)
        if found:
            look_up(alice, actor_of(tom))

        for reader, count in ((agent, 1), (actor_of(tom), 0)):
            with acting_as(ProcessClass.STAFF, reader), database.cursor() as cursor:
                assert Consent.objects.filter(item=message.id).count() == count
                cursor.execute("SELECT count(*) > 0 FROM vault_opened_held(%s)", [[mailbox.id]])
                assert cursor.fetchone() == (count > 0,)

    def test_is_refused_by_the_operation_even_in_the_owners_place(
        self, lookup, agent, tom, alice, message
    ):
        """Whoever acts for the owner sees the rows; the permit is still the asker's."""
        allow(ask(lookup, agent), alice, message.id)

        with acting_as(ProcessClass.STAFF, alice), pytest.raises(AccessRefused) as caught:
            support_permits.to_show_message(
                actor=actor_of(tom), message_id=message.id, at=timezone.now()
            )

        assert Fact.ITEM_CONSENTED in caught.value.decision.missing


class TestPagesOfTheAgent:
    def test_ask_and_show_the_answer(self, lookup, sam, alice, message):
        desk = cast.desk(sam)
        form = {
            "kind": "message",
            "reason": "sync_problem",
            "text": HOSTILE.replace("\0", ""),
            "ticket": "T-1",
        }

        answer = desk.post(f"/support/people/{lookup.id}/ask/", form)
        page = desk.get(answer.url).text

        assert "Waiting for an answer" in page
        assert "&lt;script&gt;" in page
        assert "<script>alert" not in page
        allow(SupportQuestion.objects.get(), alice, message.id)
        assert f"/support/items/{message.id}/" in desk.get(answer.url).text
        assert answer.url in desk.get("/support/items/").text

    @pytest.mark.claim("support.item-over")
    @pytest.mark.parametrize("end", ["taken back", "too late"])
    def test_say_that_the_item_is_no_longer_open(  # noqa: PLR0917
        self, lookup, agent, sam, alice, message, end
    ):
        question = ask(lookup, agent)
        allow(question, alice, message.id)
        if end == "taken back":
            with acting_as(ProcessClass.WEB, alice):
                support_access.withdraw_access(
                    actor=alice, message_id=message.id, at=timezone.now()
                )
        else:
            at = timezone.now()
            Consent.objects.filter(item=message.id).update(
                given_at=at - timedelta(hours=1), expires_at=at - timedelta(seconds=1)
            )

        desk = cast.desk(sam)
        page = desk.get(f"/support/questions/{question.id}/").text

        assert "You can no longer read the item" in page
        assert '<span class="badge">Access ended</span> allowed ' in page
        assert f"/support/items/{message.id}/" not in page
        for listed in ("/support/items/", f"/support/people/{lookup.id}/"):
            assert "Access ended</td>" in desk.get(listed).text

    def test_say_that_the_item_is_open_however_many_others_are(
        self, lookup, agent, alice, message, monkeypatch
    ):
        question = ask(lookup, agent)
        allow(question, alice, message.id)
        monkeypatch.setattr(support_consents, "MOST_LISTED", 0)
        desk = cast.desk(User.objects.get(id=agent.id))

        page = desk.get(f"/support/questions/{question.id}/").text

        assert f"/support/items/{message.id}/" in page
        for listed in ("/support/items/", f"/support/people/{lookup.id}/"):
            assert "Allowed</td>" in desk.get(listed).text

    def test_say_that_the_time_to_answer_is_over(self, lookup, agent, sam):
        question = ask(lookup, agent)
        SupportQuestion.objects.update(expires_at=timezone.now())
        desk = cast.desk(sam)

        for path in (f"/support/questions/{question.id}/", f"/support/people/{lookup.id}/"):
            assert "Not answered in time" in desk.get(path).text

    @pytest.mark.claim("support.question-shown")
    @pytest.mark.parametrize(
        "change",
        [{"text": ""}, {"text": "x" * 501}, {"ticket": "<b>"}, {"reason": ""}, {"kind": "file"}],
    )
    def test_say_which_field_is_wrong(self, lookup, sam, change):
        form = {"kind": "message", "reason": "sync_problem", "text": TEXT, **change}

        page = cast.desk(sam).post(f"/support/people/{lookup.id}/ask/", form)

        assert page.status_code == 200
        assert "Please fix the marked fields." in page.text
        assert ("A ticket begins with a letter or digit" in page.text) == ("ticket" in change)
        assert "They see your reason, your text and the ticket" in page.text
        assert not SupportQuestion.objects.exists()

    def test_say_that_too_many_questions_wait(self, lookup, sam, agent):
        for _ in range(3):
            ask(lookup, agent)
        form = {"kind": "message", "reason": "sync_problem", "text": TEXT}

        page = cast.desk(sam).post(f"/support/people/{lookup.id}/ask/", form).text

        assert "Three questions wait for this person already." in page

    def test_withdraw(self, lookup, sam, agent):
        question = ask(lookup, agent)

        page = cast.desk(sam).post(f"/support/questions/{question.id}/", follow=True).text

        assert "No longer needed" in page
        question.refresh_from_db()
        assert question.state == QuestionState.WITHDRAWN

    def test_say_that_it_is_too_late_to_withdraw(self, lookup, sam, agent, alice):
        question = ask(lookup, agent)
        decline(question, alice)

        page = cast.desk(sam).post(f"/support/questions/{question.id}/", follow=True).text

        assert "The question is no longer open. Nothing changed." in page
        assert "Declined" in page

    def test_of_another_agent_are_not_found(self, lookup, agent, alice):
        question = ask(lookup, agent)
        sue = make_agent("sue")
        look_up(alice, actor_of(sue))
        desk = cast.desk(sue)

        assert desk.get(f"/support/questions/{question.id}/").status_code == 404
        assert desk.post(f"/support/questions/{question.id}/").status_code == 404
        assert desk.get(f"/support/people/{lookup.id}/ask/").status_code == 404
        assert desk.get(f"/support/questions/{uuid7()}/").status_code == 404
        assert str(question.id) not in desk.get("/support/items/").text

    def test_do_not_ask_after_the_look_up_has_ended(self, lookup, sam):
        SupportLookup.objects.update(expires_at=timezone.now())

        assert cast.desk(sam).get(f"/support/people/{lookup.id}/ask/").status_code == 404

    @pytest.mark.parametrize("role", [Role.REVIEWER, Role.OPERATOR])
    def test_are_for_support_alone(self, lookup, agent, role):
        question = ask(lookup, agent)
        desk = cast.desk(make_user("otto", role=role))

        assert desk.get(f"/support/people/{lookup.id}/ask/").status_code == 403
        assert desk.get(f"/support/questions/{question.id}/").status_code == 403


class TestTheJourney:
    @pytest.mark.claim(
        "support.taken-back", "support.only-what-you-open", "support.open-item-until"
    )
    @pytest.mark.claim("support.not-read", "support.no-longer-open", "support.all-listed")
    @pytest.mark.invariant(5)
    def test_from_the_question_to_the_end_of_access(self, lookup, agent, sam, mailbox, message):
        question = ask(lookup, agent)
        hers, desk = cast.browser(mailbox.connection.user, recent=True), cast.desk(sam)
        path, item = f"/settings/support/questions/{question.id}/", f"/support/items/{message.id}/"
        assert desk.get(item).status_code == 403

        hers.post(
            f"{path}messages/{message.id}/",
            {"agree": "yes", "hours": "1", "version": str(VERSION)},
        )
        assert "No support agent has read it since you opened it" in hers.get(path).text
        opened_before = desk.get(item)
        assert f"{CANARY} text" in opened_before.text
        for page in (hers.get(path).text, hers.get("/settings/support/").text):
            assert "A support agent read it:" in page
            assert "which a support agent can read until" in page

        (stop,) = re.findall(r'action="(/settings/support/items/[^"]+)"', hers.get(path).text)
        stopped = hers.post(stop, follow=True)

        assert "Support agents can no longer read this message." in stopped.text
        assert desk.get(item).status_code == 403
        page = hers.get(path).text
        assert "The item that you chose is no longer open to support" in page
        assert '<span class="badge ">Access ended</span> allowed ' in page
        assert "A support agent read it:" in page
        assert '<span class="badge ">Access ended</span>' in hers.get("/settings/support/").text
        assert hers.post(stop).status_code == 404

    @pytest.mark.claim("support.all-listed")
    def test_a_reading_stays_listed_when_the_time_is_extended(
        self, lookup, agent, sam, alice, message
    ):
        allow(ask(lookup, agent), alice, message.id)
        assert cast.desk(sam).get(f"/support/items/{message.id}/").status_code == 200
        with acting_as(ProcessClass.WEB, alice):
            support_access.open_to_support(
                actor=alice, message_id=message.id, hours=72, version=VERSION, at=timezone.now()
            )

        page = cast.browser(mailbox_owner(alice)).get("/settings/support/").text

        assert "A support agent read it:" in page
        assert "No support agent has read it" not in page

    @pytest.mark.claim("support.open-elsewhere")
    def test_an_open_item_of_another_organisation_is_said_to_be_open(
        self, lookup, agent, alice, message
    ):
        from tests.factories import make_membership

        question = ask(lookup, agent)
        allow(question, alice, message.id)
        user = mailbox_owner(alice)
        # The oldest one is the one in which the person acts.
        make_membership(user, make_organisation("First"), joined_at=EPOCH - timedelta(days=1))
        hers = cast.browser(user)
        name = message.integration.connection.organisation.name

        page = hers.get(f"/settings/support/questions/{question.id}/").text

        assert f"The item that you chose is open to support in the organisation {name}." in page
        assert '<span class="badge warn">Allowed</span>' in page
        assert "no longer open" not in page
        assert '<span class="badge warn">Allowed</span>' in hers.get("/settings/support/").text

    def test_a_deleted_item_is_not_said_to_be_readable(self, lookup, agent, alice, message):
        question = ask(lookup, agent)
        allow(question, alice, message.id)
        MessageBody.objects.all().delete()
        Message.objects.all().delete()

        page = cast.browser(mailbox_owner(alice)).get(f"/settings/support/questions/{question.id}/")

        assert "One item that no longer exists" in page.text
        assert "which a support agent can read until" not in page.text
        assert '<span class="badge ">Access ended</span>' in page.text
        assert "Stop sharing" in page.text

    @pytest.mark.claim("support.newest-listed")
    def test_every_open_item_and_waiting_question_is_listed(
        self, lookup, agent, alice, message, monkeypatch
    ):
        for module in (support_overview, question_answers):
            monkeypatch.setattr(module, "MAX_LISTED", 1)
        messages = [message, make_message(message.integration)]
        with acting_as(ProcessClass.WEB, alice):
            for opened in messages:
                support_access.open_to_support(
                    actor=alice, message_id=opened.id, hours=24, version=VERSION, at=timezone.now()
                )
        waiting = [ask(lookup, agent) for _ in range(2)]
        settled = [ask(lookup, agent)]
        withdraw(settled[0], agent)
        settled.append(ask(lookup, agent))
        withdraw(settled[1], agent)

        page = cast.browser(mailbox_owner(alice)).get("/settings/support/").text

        assert page.count("Stop sharing") == 2
        for question in (*waiting, settled[1]):
            assert f"/settings/support/questions/{question.id}/" in page
        assert f"/settings/support/questions/{settled[0].id}/" not in page

    def test_only_its_owner_stops_it(self, lookup, agent, alice, message):
        allow(ask(lookup, agent), alice, message.id)
        consent = Consent.objects.get(item=message.id)
        mallory = cast.browser(make_mailbox("mallory").connection.user)

        assert mallory.post(f"/settings/support/items/{consent.id}/stop/").status_code == 404
        consent.refresh_from_db()
        assert consent.withdrawn_at is None
