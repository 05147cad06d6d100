"""The page *Support* of the person concerned: codes, look-ups, acts, and what support can see."""

from __future__ import annotations

import re
from datetime import UTC, timedelta

import pytest
from django.db import ProgrammingError, transaction
from django.db import connection as database
from django.urls import reverse
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import User
from config.process_classes import ProcessClass
from integrations.models import (
    Connection,
    Event,
    Integration,
    LookupMeans,
    Message,
    PurgeJob,
    PurgeTrigger,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportCode,
    SupportLookup,
    SupportReason,
    SyncWork,
)
from integrations.support import lookups, support_codes
from integrations.support.lookups import LookupInvalid, LookupRequest
from integrations.support.owner_pages import support_overview
from limited_use.models import Leaf, Receipt
from tests.api import cast
from tests.factories import actor_for, make_message
from tests.integrations.support.desk import actor_of, make_agent
from tests.integrations.support.people import disconnect, make_everything, make_mailbox
from tests.integrations.test_support_questions import look_up
from tests.walls import acting_as, requests_act_as_web

__all__ = ["requests_act_as_web"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("requests_act_as_web")]

PAGE = "/settings/support/"
CANARY = "CANARY-person-3d8"


@pytest.fixture
def mailbox():
    return make_mailbox()


@pytest.fixture
def user(mailbox):
    return mailbox.connection.user


@pytest.fixture
def alice(mailbox):
    return actor_for(mailbox.connection.user, mailbox.connection.organisation)


@pytest.fixture
def browser(user):
    return cast.browser(user)


@pytest.fixture
def agent():
    return actor_of(make_agent())


def find(agent, means, value):
    with acting_as(ProcessClass.STAFF, agent):
        return lookups.find_people(
            LookupRequest(means=means, value=value, reason=SupportReason.OWNER_ASKED),
            actor=agent,
            at=timezone.now(),
        )


def make_code(browser):
    page = browser.post(PAGE).text
    return "".join(re.findall(r'<span class="nowrap">([0-9A-Z]{5})</span>', page))


def make_act(user, lookup, **values):
    chosen = {
        "kind": SupportActKind.REVOKE_PERSON,
        "text": "The phone is lost.",
        "ticket": "T-9",
        "reason": SupportReason.DEVICE_LOST,
        "asked_at": timezone.now(),
        "next_try_at": timezone.now(),
        **values,
    }
    return SupportAct.objects.create(agent_id=lookup.agent_id, lookup=lookup, user=user, **chosen)


class TestCodes:
    def test_are_shown_once_in_two_groups(self, browser):
        page = browser.post(PAGE).text
        code = re.findall(r'<span class="nowrap">([0-9A-Z]{5})</span>', page)

        assert len(code) == 2
        assert code[0] not in browser.get(PAGE).text
        stored = SupportCode.objects.get()
        assert stored.expires_at - stored.made_at == timedelta(minutes=10)
        assert "".join(code).encode() not in bytes(stored.code_hash)

    @pytest.mark.claim("support.code-once")
    def test_work_once(self, browser, agent):
        code = make_code(browser)
        assert "It works once, until" in browser.post(PAGE).text
        code = make_code(browser)

        assert len(find(agent, LookupMeans.CODE, code)) == 1
        other = actor_of(make_agent("sue"))
        assert find(agent, LookupMeans.CODE, code) == []
        assert find(other, LookupMeans.CODE, code) == []

    @pytest.mark.claim("support.code-once")
    def test_end_after_ten_minutes(self, browser, agent):
        code = make_code(browser)
        SupportCode.objects.update(expires_at=timezone.now() - timedelta(minutes=10))

        assert find(agent, LookupMeans.CODE, code) == []

    @pytest.mark.claim("support.code-replaced")
    def test_end_when_another_one_is_made(self, browser, agent, user):
        first = make_code(browser)
        SupportCode.objects.update(made_at=timezone.now() - timedelta(minutes=1))
        support_codes.make_code(user_id=user.id, at=timezone.now() - timedelta(seconds=5))
        second = make_code(browser)

        live = SupportCode.objects.filter(expires_at__gt=timezone.now())
        assert live.count() == 1
        with database.cursor() as cursor:
            # The time of this transaction, which began before the codes.
            cursor.execute("SELECT now()")
            began_at = cursor.fetchone()[0]
        ended = SupportCode.objects.exclude(id__in=live.values("id"))
        ended.filter(expires_at__gt=began_at).update(expires_at=began_at)
        assert find(agent, LookupMeans.CODE, first) == []
        assert len(find(agent, LookupMeans.CODE, second)) == 1

    @pytest.mark.claim("support.code-finds-only")
    def test_let_support_find_the_person_and_nothing_else(self, browser, agent, mailbox):
        message = make_message(mailbox, subject=CANARY)
        before = Integration.objects.filter(id=mailbox.id).values().get()

        (lookup_id,) = find(agent, LookupMeans.CODE, make_code(browser))

        assert SupportLookup.objects.get(id=lookup_id).user_id == mailbox.connection.user_id
        desk = cast.desk(User.objects.get(id=agent.user_id))
        assert desk.get(f"/support/items/{message.id}/").status_code == 403
        assert not SupportAct.objects.exists()
        assert Integration.objects.filter(id=mailbox.id).values().get() == before

    def test_are_ten_an_hour(self, browser):
        for _ in range(10):
            assert make_code(browser)

        answer = browser.post(PAGE, follow=True)

        assert "You created ten codes within an hour." in answer.text
        assert SupportCode.objects.count() == 10

    def test_show_who_used_them_and_when(self, browser, agent):
        find(agent, LookupMeans.CODE, make_code(browser))
        SupportCode.objects.create(
            user_id=SupportCode.objects.get().user_id,
            code_hash=bytes(32),
            made_at=timezone.now() - timedelta(hours=1),
            expires_at=timezone.now() - timedelta(minutes=50),
        )
        make_code(browser)

        page = browser.get(PAGE).text

        assert "By Sam of support" in page
        assert "Nobody used it" in page
        assert "Not yet" in page

    def test_of_somebody_else_are_not_shown(self, browser):
        make_code(browser)
        other = cast.browser(make_mailbox("mallory").connection.user).get(PAGE).text
        assert "Codes of the last 30 days" not in other

    def test_cannot_be_used_or_read_back_by_a_web_process(self, browser, alice):
        make_code(browser)
        with (
            acting_as(ProcessClass.WEB, alice),
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
        ):
            SupportCode.objects.update(used_at=timezone.now(), used_by=uuid7())


class TestLookups:
    def test_are_listed_with_means_and_reason(self, browser, alice, agent):
        lookup = look_up(alice, agent)
        SupportLookup.objects.filter(id=lookup.id).update(ticket="T-4711")

        page = browser.get(PAGE).text

        for text in (
            "A support agent",
            "By your id at the platform",
            "The person asked for help.",
            "T-4711",
        ):
            assert text in page

    @pytest.mark.parametrize("means", LookupMeans)
    def test_have_words_for_each_means(self, means):
        from integrations.support.owner_pages import messages

        assert messages.FOUND_BY[means]

    @pytest.mark.claim("support.no-lookups")
    def test_of_nobody_are_said_so(self, browser, alice, agent):
        assert "no support agent looked you up" in browser.get(PAGE).text
        look_up(alice, agent)
        assert "no support agent looked you up" not in browser.get(PAGE).text

    @pytest.mark.claim("support.all-listed")
    def test_are_recorded_in_the_activity(self, browser, alice, agent):
        count = Leaf.objects.count()
        look_up(alice, agent)
        assert Leaf.objects.count() == count + 1

        page = browser.get("/settings/activity/entries/").text
        assert "Find you for support" in page
        assert "You see the newest look-ups" in browser.get(PAGE).text

    @pytest.mark.claim("support.newest-listed")
    def test_are_listed_up_to_the_newest_fifty(self, browser, alice, agent):
        lookup = look_up(alice, agent)
        for number in range(55):
            lookup.id, lookup.ticket = uuid7(), f"T-{number:02}"
            lookup.opened_at += timedelta(seconds=1)
            lookup.save(force_insert=True)

        page = browser.get(PAGE).text

        assert re.findall(r"T-(\d\d)", page) == [f"{number:02}" for number in range(54, 4, -1)]
        assert "Each list has at most the newest 50 rows, but all waiting questions" in page


class TestActs:
    def test_are_listed_with_reason_text_state_and_receipts(self, browser, alice, user, agent):
        lookup = look_up(alice, agent)
        act = make_act(user, lookup, text="<b>lost</b> \u05d0", state=SupportActState.WAITING)
        integration = Integration.objects.get()
        job = PurgeJob.objects.filter(integration=integration)
        disconnect(integration)
        job.update(support_act_id=act.id, trigger=PurgeTrigger.OWNER)

        page = browser.get(PAGE).text

        for text in (
            "Disconnect all accounts",
            "A device is lost or stolen.",
            "&lt;b&gt;lost&lt;/b&gt;",
            "T-9",
            "In progress",
            f"/settings/removals/{job.get().id}/",
        ):
            assert text in page

    @pytest.mark.claim("support.no-acts")
    def test_of_nobody_are_said_so(self, browser, alice, user, agent):
        assert "support changed nothing of yours" in browser.get(PAGE).text
        make_act(user, look_up(alice, agent))
        assert "support changed nothing of yours" not in browser.get(PAGE).text

    def test_of_somebody_else_are_not_shown(self, alice, user, agent):
        make_act(user, look_up(alice, agent))
        other = cast.browser(make_mailbox("mallory").connection.user).get(PAGE).text
        assert "The phone is lost." not in other
        assert "support changed nothing of yours" in other


class TestWhatSupportSees:
    @pytest.mark.claim("support.no-list")
    def test_is_nobody_without_an_exact_value(self, browser, user, mailbox, agent):
        assert "Support has no list of people." in browser.get(PAGE).text
        with acting_as(ProcessClass.STAFF, agent):
            assert not User.objects.exclude(id=agent.user_id).exists()
            assert not Connection.objects.values_list("id").exists()
        with pytest.raises(LookupInvalid):
            find(agent, LookupMeans.ADDRESS, "alice")
        assert find(agent, LookupMeans.ADDRESS, user.email[1:]) == []
        assert find(agent, LookupMeans.ADDRESS, f"%{user.email}") == []
        assert len(find(agent, LookupMeans.ADDRESS, user.email)) == 1

    @pytest.mark.claim("support.sees-state", "data-use.support-states")
    def test_is_the_state_of_connections_for_half_an_hour(self, agent):
        """Each word of the sentence stands on a page of the agent, and ends with the look-up."""
        user = make_everything("alice")
        mail = Integration.objects.get(connection__user=user, product="mail", status="active")
        organisation = mail.connection.organisation
        assert (
            "For 30 minutes after that, the agent sees your organisations, which products are"
            " connected or were removed, whether they work, their permissions, times, and counts,"
            " such as the number of your messages."
        ) in cast.browser(user).get(PAGE).text
        lookup = look_up(actor_for(user, organisation), agent)
        desk = cast.desk(User.objects.get(id=agent.user_id))
        paths = [
            reverse("support-person", args=[lookup.id]),
            reverse("support-connection", args=[lookup.id, mail.connection_id]),
        ]

        person, connection = (desk.get(path).text for path in paths)

        assert organisation.name in person
        assert "Google mail" in person
        assert "Google Calendar" in person
        assert "The person disconnected" in person
        assert str(Receipt.objects.get(owner_id=user.id).id) in person
        assert "No problem is known." in connection
        assert mail.connection.granted_scopes[2] in connection
        assert ">Granted<" in connection
        work = SyncWork.objects.get(integration=mail)
        for at in (mail.status_since, mail.connection.connected_at, work.last_synced_at):
            assert at.astimezone(UTC).isoformat(timespec="seconds") in connection
        assert re.search(r"<dt>Messages</dt><dd>1</dd>", connection)
        assert lookup.expires_at - lookup.opened_at == timedelta(minutes=30)
        SupportLookup.objects.update(expires_at=lookup.opened_at)
        assert [desk.get(path).status_code for path in paths] == [404, 404]

    @pytest.mark.claim("support.sees-no-content")
    def test_is_no_content_and_no_address(self, browser, alice, mailbox, agent):
        assert "no address of a connected account" in browser.get(PAGE).text
        make_message(mailbox, subject=CANARY)
        look_up(alice, agent)

        with acting_as(ProcessClass.STAFF, agent):
            assert Connection.objects.values_list("id").get() == (mailbox.connection_id,)
            assert not Message.objects.values_list("id").exists()
            assert not Event.objects.values_list("id").exists()
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                transaction.atomic(),
            ):
                list(Connection.objects.values_list("email"))


class TestThePage:
    @pytest.mark.claim("support.rows-deleted")
    def test_lists_nothing_older_than_the_promised_days(self, browser, alice, user, agent):
        """Another test checks that old rows are deleted."""
        assert "codes after 30 days, everything else after 90 days" in browser.get(PAGE).text
        assert timedelta(days=30) == support_overview.CODES_LISTED_FOR
        assert timedelta(days=90) == support_overview.LISTED_FOR
        lookup = look_up(alice, agent)
        make_act(user, lookup, asked_at=timezone.now() - timedelta(days=90))
        SupportLookup.objects.update(opened_at=timezone.now() - timedelta(days=90))
        make_code(browser)
        SupportCode.objects.update(made_at=timezone.now() - timedelta(days=30))

        page = browser.get(PAGE).text

        assert "no support agent looked you up" in page
        assert "support changed nothing of yours" in page
        assert "Codes of the last 30 days" not in page

    def test_is_linked_from_the_settings(self, browser):
        assert f'href="{PAGE}"' in browser.get("/settings/integrations/").text

    def test_is_for_staff_without_an_organisation_too(self, agent):
        sam = cast.browser(User.objects.get(id=agent.user_id), mfa=True)
        assert sam.get(PAGE).status_code == 200
